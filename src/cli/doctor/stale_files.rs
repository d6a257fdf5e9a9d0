//! What killed processes left behind, and what the cache of compiled models holds. Nothing is removed
//! here: each warning has the command that does.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cli::shell;
use crate::engine::openvino::{COMPILED_MODELS_FOLDER, COMPILED_MODELS_LIMIT_BYTES};
use crate::places;
use crate::record::first_light::Check;
use crate::report::file_size;
use crate::run::{EDITED_GRAPHS_FOLDER, process_of_edited_graph};
use crate::sys::SysfsRoot;

const STALE_FILES: &str = "stale files";
const COMPILED: &str = "compiled models";
/// How names of files begin that are renamed when they are whole.
const TEMPORARY: &str = ".tmp";
/// What is younger may belong to a process that runs, be it one that is not seen from here.
const STALE_MINUTES: u64 = 60;

/// Where to look.
pub(super) struct Scene {
    /// The store of records.
    store: PathBuf,
    /// None where the user has no cache folder.
    cache: Option<PathBuf>,
    /// Where processes are listed.
    machine: SysfsRoot,
    now: SystemTime,
}

impl Scene {
    /// This user's, on this machine, now.
    pub(super) fn this(store: &Path) -> Self {
        Self {
            store: store.to_owned(),
            cache: places::cache_dir(),
            machine: SysfsRoot::this_machine(),
            now: SystemTime::now(),
        }
    }
}

/// Looks for what was left behind, and at what is cached.
pub(super) fn examine(scene: &Scene) -> Vec<Check> {
    let mut checks: Vec<Check> = temporary_files(scene).into_iter().chain(graphs(scene)).collect();
    if checks.is_empty() {
        checks.push(Check::ok(STALE_FILES, "no files of killed processes in the record store and the cache"));
    }
    checks.extend(compiled_models(scene));
    checks
}

/// A file with what is wanted of it.
struct Found {
    path: PathBuf,
    bytes: u64,
}

fn temporary_files(scene: &Scene) -> Vec<Check> {
    let is_temporary = |name: &str| name.starts_with(TEMPORARY);
    // Below the cache folder lie runtimes and compiled models, which are others' work.
    let places = [Some((&scene.store, usize::MAX)), scene.cache.as_ref().map(|cache| (cache, 1))];
    let reported = places.into_iter().flatten().filter_map(|(folder, depth)| {
        let mut found = Vec::new();
        walk(folder, depth, &mut |entry| found.extend(stale(&entry, scene.now, is_temporary)));
        let limit = if depth == usize::MAX { String::new() } else { format!(" -maxdepth {depth}") };
        let command = format!(
            "`find -H {}{limit} -name '{TEMPORARY}*' -type f -mmin +{STALE_MINUTES} -delete`",
            shell::word(folder)
        );
        warning("temporary files", folder, &found, &command)
    });
    reported.collect()
}

/// Edited graphs and logits of processes that are no more.
fn graphs(scene: &Scene) -> Option<Check> {
    let folder = scene.cache.as_ref()?.join(EDITED_GRAPHS_FOLDER);
    let is_orphan = |name: &str| {
        process_of_edited_graph(name).is_some_and(|process| {
            scene.machine.has("proc/self") && !scene.machine.has(&format!("proc/{process}"))
        })
    };
    let mut found = Vec::new();
    walk(&folder, 1, &mut |entry| found.extend(stale(&entry, scene.now, is_orphan)));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let files: Vec<String> = found.iter().map(|file| shell::word(&file.path)).collect();
    warning("edited graphs and logits", &folder, &found, &format!("`rm {}`", files.join(" ")))
}

fn warning(what: &str, folder: &Path, found: &[Found], command: &str) -> Option<Check> {
    let bytes = found.iter().map(|file| file.bytes).sum();
    let left = format!(
        "{what} of killed processes in `{}`: {}, {}",
        folder.display(),
        found.len(),
        file_size(bytes)
    );
    (!found.is_empty()).then(|| Check::warn(STALE_FILES, left, command))
}

/// The file, if its name is one that is looked for and nobody has written to it for long.
fn stale(entry: &DirEntry, now: SystemTime, is_sought: impl Fn(&str) -> bool) -> Option<Found> {
    let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    // One whose time lies ahead is young.
    let age = now.duration_since(metadata.modified().ok()?).unwrap_or_default();
    let is_old = age > Duration::from_secs(STALE_MINUTES * 60);
    (is_old && is_sought(entry.file_name().to_str()?))
        .then(|| Found { path: entry.path(), bytes: metadata.len() })
}

/// What `bench` lets OpenVINO keep between runs; it trims it by itself.
fn compiled_models(scene: &Scene) -> Option<Check> {
    let folder = scene.cache.as_ref()?.join(COMPILED_MODELS_FOLDER);
    let models = fs::read_dir(&folder).ok()?.flatten().filter(|entry| entry.path().is_dir()).count();
    let mut bytes: u64 = 0;
    walk(&folder, usize::MAX, &mut |entry| bytes += entry.metadata().map_or(0, |file| file.len()));
    let found = format!(
        "{models} in `{}`, {} of at most {}",
        folder.display(),
        file_size(bytes),
        file_size(COMPILED_MODELS_LIMIT_BYTES)
    );
    let command = format!("`rm -r {}`", shell::word(&folder));
    Some(if bytes > COMPILED_MODELS_LIMIT_BYTES {
        Check::warn(COMPILED, found, format!("{command}; they are compiled again when they are needed"))
    } else {
        Check::ok(COMPILED, format!("{found}; {command} frees it"))
    })
}

/// Everything in a folder but its folders, this many levels deep. Links are not followed, and what
/// cannot be listed is passed over.
fn walk(folder: &Path, depth: usize, visit: &mut impl FnMut(DirEntry)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                if depth > 1 {
                    walk(&entry.path(), depth - 1, visit);
                }
            }
            _ => visit(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;
    use crate::record::first_light::CheckStatus as Status;

    const OLD: u64 = 61;
    const YOUNG: u64 = 59;

    /// A store, a cache and a machine on which process 7 runs.
    fn scene() -> (TempDir, Scene) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        for process in ["7", "self"] {
            fs::create_dir_all(root.join("proc").join(process)).unwrap();
        }
        let scene = Scene {
            store: root.join("a store"),
            cache: Some(root.join("cache")),
            machine: SysfsRoot::at(&root),
            now: SystemTime::now(),
        };
        (folder, scene)
    }

    fn file(path: &Path, minutes_ago: u64, bytes: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = File::create(path).unwrap();
        file.set_len(bytes).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(minutes_ago * 60)).unwrap();
    }

    /// Does what each warning advises.
    fn fix(checks: &[Check]) {
        for fix in checks.iter().filter_map(|check| check.fix.as_deref()) {
            let command = fix.split('`').nth(1).unwrap();
            assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        }
    }

    #[test]
    fn old_temporary_files_are_told_with_the_command_that_removes_them_and_no_others() {
        let (_folder, scene) = scene();
        let cache = scene.cache.clone().unwrap();
        let stale = [scene.store.join("a-machine/a-commit/.tmpAbCdEf"), cache.join(".tmp123456")];
        let kept = [
            scene.store.join("a-machine/a-commit/.tmpYoung1"),
            scene.store.join("a-machine/a-commit/of-a-run.json"),
            cache.join("hashes.json"),
            cache.join("openvino/2026.4.1/.tmpOthers"),
        ];
        for path in &stale {
            file(path, OLD, 2_000_000);
        }
        for path in &kept {
            file(path, if path.ends_with(".tmpYoung1") { YOUNG } else { OLD }, 10);
        }
        let checks = examine(&scene);
        assert_eq!(checks.iter().map(|check| check.status).collect::<Vec<_>>(), [Status::Warn; 2]);
        let at = scene.store.display();
        assert_eq!(checks[0].found, format!("temporary files of killed processes in `{at}`: 1, 2.0 MB"));
        fix(&checks);
        assert!(stale.iter().all(|path| !path.exists()));
        assert!(kept.iter().all(|path| path.exists()), "what is young or another's stays");
        assert_eq!(examine(&scene)[0].status, Status::Ok);
    }

    #[test]
    fn graphs_and_logits_of_processes_that_are_gone_are_left_over_and_those_of_running_ones_are_not() {
        let (_folder, scene) = scene();
        let graphs = scene.cache.as_ref().unwrap().join("graphs");
        let [logits, gone, runs, young, other] =
            ["0-8.logits", "0123-8.xml", "0123-7.xml", "0123-9.xml", "notes.xml"]
                .map(|name| graphs.join(name));
        for path in [&logits, &gone, &runs, &other] {
            file(path, OLD, 10);
        }
        file(&young, YOUNG, 10);
        let checks = examine(&scene);
        assert_eq!(checks.len(), 1, "{checks:?}");
        assert_eq!(checks[0].fix, Some(format!("`rm {} {}`", logits.display(), gone.display())));
        fix(&checks);
        assert!(!logits.exists() && !gone.exists() && runs.exists() && young.exists() && other.exists());
    }

    #[test]
    fn where_processes_are_not_listed_no_graph_is_called_an_orphan() {
        let (folder, mut scene) = scene();
        file(&scene.cache.as_ref().unwrap().join("graphs/0123-8.xml"), OLD, 10);
        scene.machine = SysfsRoot::at(folder.path().join("elsewhere"));
        assert_eq!(examine(&scene)[0].status, Status::Ok);
    }

    #[test]
    fn compiled_models_tell_their_size_and_warn_beyond_what_is_kept() {
        let (_folder, scene) = scene();
        let blob = scene.cache.as_ref().unwrap().join("compiled-models/a-key/1.blob");
        file(&blob, 0, 3_000_000);
        let reported = |scene| examine(scene).pop().unwrap();
        let small = reported(&scene);
        assert_eq!(small.status, Status::Ok);
        assert!(small.found.contains("3.0 MB of at most 42.9 GB"), "{}", small.found);
        // A sparse file: it takes no room.
        file(&blob, 0, COMPILED_MODELS_LIMIT_BYTES + 1);
        let large = reported(&scene);
        assert_eq!(large.status, Status::Warn);
        fix(&[large]);
        assert_eq!(examine(&scene).len(), 1, "they are gone");
    }

    #[test]
    fn a_user_without_a_cache_folder_is_no_trouble_here() {
        let (_folder, mut scene) = scene();
        scene.cache = None;
        assert_eq!(examine(&scene).len(), 1);
    }
}
