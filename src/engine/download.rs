//! What a model folder looks like that was not downloaded to its end: by git without git-lfs, or by the
//! client of the Hugging Face hub.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// How the clients of the hub, browsers and download managers call a file that is not whole yet.
const INCOMPLETE: [&str; 5] = ["incomplete", "part", "partial", "crdownload", "aria2"];
/// Where it keeps the revisions of a repository in its cache.
const SNAPSHOTS: &str = "snapshots";
/// Files of a download that are named in a message.
const MOST_SHOWN: usize = 3;

/// The error of a folder that lacks a file because its download has not ended, or because it is a repository
/// in the hub's cache and not one of its revisions; None where the folder shows neither. `what` says which file is missing.
pub(super) fn unfinished(folder: &Path, what: &str) -> Option<Error> {
    is_repository(folder, what).or_else(|| incomplete(folder, what))
}

fn is_repository(folder: &Path, what: &str) -> Option<Error> {
    let snapshots: Vec<PathBuf> = entries(&folder.join(SNAPSHOTS)).filter(|path| path.is_dir()).collect();
    let first = snapshots.first()?;
    let (count, names) = (snapshots.len(), shown(&snapshots));
    let plural = if count == 1 { "" } else { "s" };
    Some(
        Error::input(format!("{what}: it holds {count} snapshot{plural}, {names}"))
            .hint(format!("name one: `--model-dir {}`", first.display())),
    )
}

fn incomplete(folder: &Path, what: &str) -> Option<Error> {
    // In the hub's cache a snapshot holds links to the blobs of its repository; beside a folder that was
    // named the client keeps a folder of its own.
    let repository = match folder.parent() {
        Some(parent) if parent.ends_with(SNAPSHOTS) => parent.parent(),
        _ => Some(folder),
    };
    let own = folder.join(".cache/huggingface/download");
    let places = [Some(folder.to_owned()), repository.map(|it| it.join("blobs")), Some(own.clone())];
    let below_own = entries(&own).filter(|path| path.is_dir());
    let files = places.into_iter().flatten().chain(below_own).flat_map(|place| entries(&place));
    let mut files: Vec<PathBuf> = files
        .filter(|file| INCOMPLETE.iter().any(|it| file.extension().is_some_and(|own| own == *it)))
        .collect();
    files.sort();
    if files.is_empty() {
        return None;
    }
    let name = repository.and_then(repository_name).unwrap_or_else(|| "ORGANISATION/MODEL".to_owned());
    let into = if entries(&own).next().is_some() {
        format!(" --local-dir {}", folder.display())
    } else {
        String::new()
    };
    Some(
        Error::input(format!("{what}: its download has not ended, {} is there", shown(&files)))
            .hint(format!("go on with it: `hf download {name}{into}`")),
    )
}

/// `models--ORGANISATION--MODEL` is a repository's folder in the cache.
fn repository_name(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?.strip_prefix("models--")?;
    Some(name.replacen("--", "/", 1))
}

fn shown(paths: &[PathBuf]) -> String {
    let names = paths.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.take(MOST_SHOWN).map(|name| format!("`{name}`")).collect();
    if paths.len() > MOST_SHOWN {
        names.push("...".to_owned());
    }
    names.join(", ")
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.into_iter()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use crate::engine::ModelFolder;
    use crate::error::Error;

    const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        folder
    }

    fn refused(folder: &TempDir, below: &str) -> (String, String) {
        let error: Error = ModelFolder::open(&folder.path().join(below)).unwrap_err();
        (error.to_string(), error.hint_text().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_pointer_of_git_lfs_in_place_of_any_file_is_named_with_the_command_that_brings_the_file() {
        for pointer in ["openvino_model.xml", "openvino_model.bin", "config.json"] {
            let names = ["openvino_model.xml", "openvino_model.bin", "config.json"];
            let folder = folder(&names.map(|name| (name, if name == pointer { POINTER } else { "{}" })));
            let (what, hint) = refused(&folder, "");
            assert!(what.contains(pointer) && what.contains("git-lfs"), "{what}");
            assert!(hint.contains("`git lfs pull`"), "{hint}");
        }
    }

    #[test]
    fn a_download_that_has_not_ended_is_named_with_the_command_that_goes_on_with_it() {
        let cache = folder(&[
            ("models--OpenVINO--tiny-int4/blobs/0a.incomplete", ""),
            ("models--OpenVINO--tiny-int4/snapshots/1f/config.json", "{}"),
        ]);
        let (what, hint) = refused(&cache, "models--OpenVINO--tiny-int4/snapshots/1f");
        assert!(what.contains("`openvino_model.xml`") && what.contains("`0a.incomplete`"), "{what}");
        assert!(hint.contains("`hf download OpenVINO/tiny-int4`"), "{hint}");
        let named = folder(&[(".cache/huggingface/download/openvino_model.bin.7.incomplete", "")]);
        let (what, hint) = refused(&named, "");
        assert!(what.contains("openvino_model.bin.7.incomplete"), "{what}");
        assert!(hint.contains("--local-dir"), "{hint}");
    }

    #[test]
    fn what_a_browser_or_a_download_manager_has_begun_is_named() {
        for name in ["openvino_model.bin.aria2", "openvino_model.xml.part", "Unconfirmed 7.crdownload"] {
            let (what, _) = refused(&folder(&[(name, ""), ("config.json", "{}")]), "");
            assert!(what.contains(name) && what.contains("has not ended"), "{what}");
        }
    }

    #[test]
    fn a_repository_of_the_cache_names_its_snapshots() {
        let cache = folder(&[("m/snapshots/1f/config.json", "{}"), ("m/snapshots/2e/config.json", "{}")]);
        let (what, hint) = refused(&cache, "m");
        assert!(what.contains("2 snapshots, `1f`, `2e`"), "{what}");
        assert!(hint.contains("m/snapshots/1f`"), "{hint}");
        assert!(!refused(&cache, "m/snapshots/1f").0.contains("snapshots,"));
        let (what, hint) = refused(&folder(&[("snapshots/1f/config.json", "{}")]), "");
        assert!(what.contains("1 snapshot, `1f`") && hint.contains("/snapshots/1f`"), "{what} {hint}");
    }
}
