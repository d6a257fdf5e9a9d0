//! Which files of a store are records, and where one belongs.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::record::Place;

/// The sha that stands for "no commit", as in git.
pub(super) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";
/// The one JSON file of a store that is no record.
pub(super) const INDEX_FILE: &str = "index.json";
/// The one folder of a store whose files are no records of ours: what other tools measured.
pub(in crate::record) const FOREIGN_FOLDER: &str = "foreign";

/// What was found below a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The files of records.
    pub(super) files: Vec<PathBuf>,
    /// Folders that cannot be listed, and why.
    pub(super) closed: Vec<(PathBuf, Error)>,
}

/// A record's file below the root of a store. It leads out of no folder where the record is one that
/// may be kept.
pub(super) fn file_of(place: Place<'_>) -> PathBuf {
    // Colons are not for file names.
    let when: String = place.when_utc.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = Path::new(place.machine).join(place.commit.unwrap_or(NO_COMMIT));
    folder.join(format!("{when}-{}.json", place.run_id))
}

/// Finds the record files of a store, in the order of their paths. A store that is not there is empty.
pub(super) fn of_store(root: &Path) -> Found {
    let mut found = Found::default();
    collect(root, &root.join(FOREIGN_FOLDER), &mut found);
    let index = root.join(INDEX_FILE);
    found.files.retain(|file| *file != index);
    // By bytes: by components it takes longer than all else that an index costs.
    found.files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    found
}

/// The folders in a folder; none where it cannot be listed.
pub(super) fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// The record files in a folder itself.
pub(super) fn of_folder(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| is_named_as_one(path)).collect()
}

/// Whether a file has the name of a record.
fn is_named_as_one(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn collect(folder: &Path, passed_over: &Path, found: &mut Found) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return,
        Err(cause) => {
            let error = Error::io("list", folder, &cause).as_input();
            found.closed.push((folder.to_owned(), error));
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        // A link may stand for a folder; the kind that listing tells spares a look at all others.
        let is_folder =
            entry.file_type().is_ok_and(|kind| kind.is_dir() || (kind.is_symlink() && path.is_dir()));
        if is_folder && path != passed_over {
            collect(&path, passed_over, found);
        } else if !is_folder && is_named_as_one(&path) {
            found.files.push(path);
        }
    }
}
