//! Where the work is done: settings, the git repository, the folders that verbs write to.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::peers::environment;
use crate::cli::root::Root;
use crate::cli::settings::{ChosenStore, Settings};
use crate::cli::shell;
use crate::error::{ErrorKind, Result};
use crate::files::{check_writable, open_with};
use crate::places;
use crate::record::first_light::Check;
use crate::record::{Commit, ExaminedRecord, History};
use crate::sys::DeviceLock;

const SETTINGS: &str = "settings";
const GIT: &str = "git";
/// A file that would stand in a folder if it could be written; never made under this name.
const PROBE: &str = ".arcgauge-doctor";

/// Looks at the user's settings; `flag` is a model folder that wins over theirs.
pub(super) fn settings(flag: Option<&Path>) -> Check {
    let Some(file) = Settings::file() else {
        let fix = "give it one: `export XDG_CONFIG_HOME=DIR`";
        return Check::warn(SETTINGS, "this user has no home folder and so no settings", fix);
    };
    let named = Settings::load().map(|settings| settings.model_dir);
    settings_in(&file, file.try_exists(), named, flag)
}

fn settings_in(
    file: &Path,
    there: io::Result<bool>,
    named: Result<Option<PathBuf>>,
    flag: Option<&Path>,
) -> Check {
    let at = file.display();
    let folder = file.parent().unwrap_or(file).display();
    let wins = if flag.is_some() { "; `--model-dir` wins over it" } else { "" };
    match (there, named) {
        (Err(cause), _) => {
            let found = format!("cannot look at `{at}`: {cause}");
            Check::fail(SETTINGS, found, format!("`chmod u+rwx {folder}`"))
        }
        (_, Err(error)) => {
            let first =
                if error.kind() == ErrorKind::Input { "fix it" } else { &format!("`chmod u+rw {at}`") };
            Check::fail(SETTINGS, error.to_string(), format!("{first}, or start over: `rm {at}`"))
        }
        (_, Ok(Some(folder))) => {
            Check::ok(SETTINGS, format!("`{at}` names the model folder `{}`{wins}", folder.display()))
        }
        (Ok(true), Ok(None)) => Check::ok(SETTINGS, format!("`{at}` names no model folder")),
        (Ok(false), Ok(None)) => Check::ok(SETTINGS, format!("no `{at}`: nothing but defaults")),
    }
}

/// Looks at the repository and at the folders that verbs write to.
pub(super) fn examine(root: &Root, store: &ChosenStore) -> Vec<Check> {
    let cache = match places::cache_dir() {
        Some(folder) => writable("cache folder", &folder, "name another: `export XDG_CACHE_HOME=DIR`"),
        None => Check::fail(
            "cache folder",
            "this user has no home folder and so no cache folder",
            "give it one: `export XDG_CACHE_HOME=DIR`",
        ),
    };
    let fix = match store {
        ChosenStore::Own(_) => format!("`sudo chown -R $USER {}`", root.path().join("reports").display()),
        ChosenStore::Flag(_) => "name another with `--store DIR`".to_owned(),
        ChosenStore::Setting(_) => "name another: `cargo xtask history use DIR`".to_owned(),
    };
    let mut records = writable("record store", store.folder(), &fix);
    match store {
        ChosenStore::Own(_) => {}
        ChosenStore::Flag(_) => records.found.push_str(", named by `--store`"),
        ChosenStore::Setting(_) => records.found.push_str(", named by `history use`"),
    }
    vec![git(&Commit::at(root.path()), root.path()), cache, records]
}

fn git(commit: &Result<Option<Commit>>, folder: &Path) -> Check {
    let commit = match commit {
        Ok(Some(commit)) => commit,
        Ok(None) => {
            let found =
                format!("no repository or no commit at `{}`: values belong to no commit", folder.display());
            return Check::warn(GIT, found, "measure in a clone, or `git init && git add . && git commit`");
        }
        Err(error) => return Check::of_error(GIT, error, "run `git fsck` there"),
    };
    let branch = commit.branch.as_ref().map_or("a detached head".to_owned(), |branch| format!("`{branch}`"));
    let at = format!("commit {} on {branch}", commit.short());
    if commit.dirty {
        let fix = "`git status` lists what to commit, or to put aside with `git stash --include-untracked`";
        return Check::warn(GIT, format!("{at}, dirty: values of a dirty tree belong to no commit"), fix);
    }
    Check::ok(GIT, format!("{at}, clean"))
}

/// Probes the folder, or what is there of the way to it; it is not made.
fn writable(subject: &str, folder: &Path, fix: &str) -> Check {
    // A link that leads nowhere is there, too: no folder can be made in its place.
    let there = folder.ancestors().find(|folder| folder.symlink_metadata().is_ok()).unwrap_or(folder);
    let at = there.display();
    if !there.is_dir() {
        return Check::fail(
            subject,
            format!("`{at}` is no folder"),
            format!("move it away: `mv {at} {at}.old`"),
        );
    }
    if let Err(error) = check_writable(&there.join(PROBE)) {
        return Check::fail(subject, error.to_string(), fix);
    }
    let found = if there == folder { "can be written" } else { "is not there yet and can be made" };
    Check::ok(subject, format!("`{}` {found}", folder.display()))
}

const LOCK: &str = "device lock";
const NAME_ANOTHER: &str = "name a file that can be written: `cargo xtask bench --lock FILE`";

/// Looks at this lock, or at the one that all users of the machine share.
pub(super) fn examine_lock(file: Option<&Path>) -> Check {
    let usual = DeviceLock::usual_file();
    let path = file.unwrap_or(&usual);
    let at = path.display();
    match open_with(OpenOptions::new().read(true), path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => match check_writable(path) {
            Ok(()) => Check::ok(LOCK, format!("free; `{at}` is made when it is first taken")),
            Err(error) => Check::warn(LOCK, error.to_string(), NAME_ANOTHER),
        },
        Err(cause) => Check::warn(LOCK, format!("cannot open `{at}`: {cause}"), NAME_ANOTHER),
        Ok(_) => match DeviceLock::holder(path) {
            None => Check::ok(LOCK, format!("free, `{at}`")),
            Some(holder) => Check::warn(
                LOCK,
                format!("held by `{holder}`, `{at}`"),
                "wait for it to end; `cargo xtask bench` waits by itself, at most for `--lock-wait-s`",
            ),
        },
    }
}

const RECORDS: &str = "records";

/// Reads every record of a store.
pub(super) fn examine_records(store: &Path) -> Vec<Check> {
    let mut whole: usize = 0;
    let mut damaged = Vec::new();
    for examined in History::at(store.to_owned()).examine() {
        match examined {
            ExaminedRecord { record: Ok(_), .. } => whole += 1,
            ExaminedRecord { path, record: Err(error) } => {
                damaged.push(Check::fail(RECORDS, error.to_string(), fix(&path)));
            }
        }
    }
    let at = store.display();
    let first = match (whole, damaged.is_empty()) {
        (0, true) => Some(format!("none in `{at}` yet")),
        (0, false) => None,
        (_, true) => Some(format!("{whole} in `{at}`, all whole")),
        (_, false) => Some(format!("{whole} in `{at}` are whole")),
    };
    first.map(|found| Check::ok(RECORDS, found)).into_iter().chain(damaged).collect()
}

fn fix(path: &Path) -> String {
    let word = shell::word(path);
    if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return format!("`chmod u+rx {word}`");
    }
    let aside = shell::word(Path::new(&format!("{}.damaged", path.display())));
    format!("read it with the arcgauge that wrote it, restore it, or move it away: `mv {word} {aside}`")
}

/// Those that `setup --peers` makes.
const PEERS: [&str; 2] = ["genai", "optimum"];

pub(super) fn examine_peers(root: &Root) -> Vec<Check> {
    let of = |peer: &str| {
        let subject = format!("peer {peer}");
        let needs = "not set up, and `peers` alone needs it: `cargo xtask setup --peers`";
        match environment(root, peer) {
            Ok(it) if places::python_in(&it).is_file() => {
                Check::ok(&subject, format!("in `{}`", it.display()))
            }
            Ok(_) => Check::skip(&subject, needs),
            Err(error) => Check::skip(&subject, error.to_string()),
        }
    };
    PEERS.map(of).into()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use crate::error::Error;
    use crate::record::first_light::CheckStatus as Status;
    use crate::sys::symlink;

    use super::*;

    fn reported(
        there: io::Result<bool>,
        named: Result<Option<PathBuf>>,
        flag: Option<&Path>,
    ) -> (Status, String) {
        let check = settings_in(Path::new("/c/settings.json"), there, named, flag);
        (check.status, check.found)
    }

    #[test]
    fn settings_tell_their_file_and_the_model_that_they_name() {
        let model = Some(PathBuf::from("/m"));
        let names = "`/c/settings.json` names the model folder `/m`";
        assert_eq!(reported(Ok(true), Ok(model.clone()), None), (Status::Ok, names.to_owned()));
        let (_, found) = reported(Ok(true), Ok(model), Some(Path::new("/other")));
        assert_eq!(found, format!("{names}; `--model-dir` wins over it"));
        assert_eq!(reported(Ok(true), Ok(None), None).1, "`/c/settings.json` names no model folder");
        assert_eq!(reported(Ok(false), Ok(None), None).1, "no `/c/settings.json`: nothing but defaults");
    }

    #[test]
    fn settings_that_cannot_be_read_fail_with_what_opens_them() {
        let check = |there, error| settings_in(Path::new("/c/settings.json"), there, error, None);
        let fixes = |check: Check| (check.status, check.fix.unwrap());
        assert_eq!(
            fixes(check(Ok(true), Err(Error::input("not JSON")))),
            (Status::Fail, "fix it, or start over: `rm /c/settings.json`".to_owned())
        );
        assert_eq!(
            fixes(check(Ok(true), Err(Error::harness("cannot read")))),
            (Status::Fail, "`chmod u+rw /c/settings.json`, or start over: `rm /c/settings.json`".to_owned())
        );
        // Behind a closed folder the file seems not to be there, and verbs take the defaults.
        let closed = Err(io::ErrorKind::PermissionDenied.into());
        assert_eq!(fixes(check(closed, Ok(None))), (Status::Fail, "`chmod u+rwx /c`".to_owned()));
    }

    #[test]
    fn a_dirty_tree_is_a_warning_and_so_is_no_commit() {
        let commit = |dirty| Commit {
            sha: "0123456789abcdef0123456789abcdef01234567".into(),
            parents: Vec::new(),
            tree: String::new(),
            branch: Some("main".into()),
            subject: String::new(),
            author_date_utc: String::new(),
            dirty,
            difference_sha256: None,
        };
        let check = |commit| git(&Ok(commit), Path::new("/r"));
        assert_eq!(check(Some(commit(false))), Check::ok(GIT, "commit 0123456789ab on `main`, clean"));
        let dirty = check(Some(commit(true)));
        assert_eq!(dirty.status, Status::Warn);
        assert!(dirty.found.ends_with("values of a dirty tree belong to no commit"), "{}", dirty.found);
        assert_eq!(check(None).status, Status::Warn);
        assert_eq!(git(&Err(Error::harness("broken")), Path::new("/r")).status, Status::Fail);
    }

    #[test]
    fn a_folder_is_probed_without_a_trace_and_never_made() {
        let scene = tempfile::tempdir().unwrap();
        assert_eq!(writable("a", scene.path(), "").status, Status::Ok);
        let below = scene.path().join("x/y");
        let check = writable("a", &below, "");
        assert_eq!(check, Check::ok("a", format!("`{}` is not there yet and can be made", below.display())));
        assert_eq!(fs::read_dir(scene.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_stands_in_the_way_of_a_folder_is_named() {
        let scene = tempfile::tempdir().unwrap();
        let (file, link) = (scene.path().join("file"), scene.path().join("link"));
        fs::write(&file, "").unwrap();
        symlink("/nowhere/at/all", &link).unwrap();
        for in_the_way in [&file, &link] {
            let check = writable("a", &in_the_way.join("below"), "");
            assert_eq!(check.status, Status::Fail);
            assert!(check.found.contains(&in_the_way.display().to_string()), "{}", check.found);
        }
    }

    #[test]
    fn a_folder_that_takes_no_file_fails_with_the_way_out() {
        // Nobody, not even root, writes below here.
        let check = writable("a", Path::new("/proc/arcgauge"), "name another");
        assert_eq!((check.status, check.fix.as_deref()), (Status::Fail, Some("name another")));
    }

    #[test]
    fn a_lock_that_cannot_be_made_or_opened_is_a_warning_with_the_way_out() {
        let scene = tempfile::tempdir().unwrap();
        let file = scene.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [Path::new("/proc/arcgauge/lock"), &file.join("lock")] {
            let check = examine_lock(Some(path));
            assert_eq!((check.status, check.fix.as_deref()), (Status::Warn, Some(NAME_ANOTHER)));
            assert!(check.found.contains(&path.display().to_string()), "{}", check.found);
        }
    }

    #[test]
    fn each_damaged_record_fails_with_its_path_its_reason_and_a_fix_that_mends() {
        let store = tempfile::tempdir().unwrap();
        let folder = store.path().join("a machine");
        fs::create_dir(&folder).unwrap();
        for name in ["a.json", "b.json"] {
            fs::write(folder.join(name), "{\"cut off").unwrap();
        }
        let checks = examine_records(store.path());
        assert_eq!(checks.len(), 2, "and none is called whole: {checks:?}");
        for (check, name) in checks.iter().zip(["a.json", "b.json"]) {
            assert_eq!(check.status, Status::Fail);
            assert!(check.found.contains(&folder.join(name).display().to_string()), "{}", check.found);
            assert!(check.found.contains("has no header line"), "{}", check.found);
            let command = check.fix.as_deref().and_then(|fix| fix.split('`').nth(1)).unwrap();
            assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        }
        assert_eq!(examine_records(store.path())[0].status, Status::Ok);
        assert!(folder.join("a.json.damaged").is_file(), "moved, not lost");
    }
}
