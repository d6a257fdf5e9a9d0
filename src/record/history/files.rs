//! Which files of a store are records, and where one belongs.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, FileType};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files::other_than_file;
use crate::record::Place;
use crate::record::identified::is_hex;

/// The sha that stands for "no commit", as in git.
pub(super) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";
/// The file of origins.
pub(super) const ORIGINS_FILE: &str = "origins.jsonl";
/// The one JSON file of a store that is no record.
pub(super) const INDEX_FILE: &str = "index.json";
/// The one folder of a store whose files are no records of ours: what other tools measured.
pub(in crate::record) const FOREIGN_FOLDER: &str = "foreign";

/// The folder of the series as tables.
const CSV_FOLDER: &str = "csv";
/// Records lie two folders deep; a folder that is imported may be around several stores.
const DEEPEST: usize = 8;

/// What a store keeps under a name, so that no machine may have it.
pub(in crate::record) fn reserved_for(name: &str) -> Option<&'static str> {
    match name {
        FOREIGN_FOLDER => Some("the folder of other tools"),
        INDEX_FILE => Some("the index"),
        ORIGINS_FILE => Some("the file of origins"),
        CSV_FOLDER => Some("the folder of tables"),
        _ => None,
    }
}

/// What was found below a folder.
#[derive(Debug, Default)]
pub struct FoundFiles {
    /// The files of records.
    pub files: Vec<PathBuf>,
    /// Folders that cannot be listed, and what has the name of a record and is no regular file; and why.
    pub closed: Vec<(PathBuf, Error)>,
}

/// A record's file below the root of a store. It leads out of no folder where the record is one that
/// may be kept.
pub(super) fn file_of(place: Place<'_>) -> PathBuf {
    // Colons are not for file names.
    let when: String = place.when_utc.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = Path::new(place.machine).join(place.commit.unwrap_or(NO_COMMIT));
    folder.join(format!("{when}-{}.json", place.run_id))
}

/// Whether a file has a name that [`file_of`] gives: a time and an id.
pub(super) fn is_name_of_record(path: &Path) -> bool {
    let parts = path.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.split_once('-'));
    let is_time = |when: &str| when.starts_with(|c: char| c.is_ascii_digit());
    is_named_as_one(path) && parts.is_some_and(|(when, run_id)| is_time(when) && is_hex(run_id, 12))
}

/// Finds the record files of a store, in the order of their paths. A store that is not there is empty.
pub(super) fn of_store(root: &Path) -> FoundFiles {
    let mut found = FoundFiles::default();
    collect(root, DEEPEST, &mut found);
    let index = root.join(INDEX_FILE);
    found.files.retain(|file| *file != index);
    // It is rebuilt, and no link or pipe in its place is read or written.
    found.closed.retain(|(path, _)| *path != index);
    // By bytes: by components it takes longer than all else that an index costs.
    found.files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    found
}

/// The folders in a folder; none where it cannot be listed.
pub(super) fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries.filter(is_folder).map(|entry| entry.path()).collect()
}

/// The record files in a folder itself.
pub(super) fn of_folder(folder: &Path) -> FoundFiles {
    let mut found = FoundFiles::default();
    collect(folder, 0, &mut found);
    found.files.sort_unstable();
    found
}

/// Whether a file has the name of a record.
fn is_named_as_one(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// Collects what is in a folder and, so many folders deep, below it. Links are not followed: two of them to the
/// folder that they are in would be a tree without end.
fn collect(folder: &Path, depth: usize, found: &mut FoundFiles) {
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
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 {
            if depth < DEEPEST || entry.file_name() != FOREIGN_FOLDER {
                collect(&path, depth - 1, found);
            }
        } else if is_named_as_one(&path) || leads_to_folder(&path, kind) {
            match other_than_file(kind) {
                Some(other) => found.closed.push((path.clone(), not_a_file(&path, other))),
                None => found.files.push(path),
            }
        }
    }
}

/// Whether it is a link in the place of a folder of records.
fn leads_to_folder(path: &Path, kind: FileType) -> bool {
    kind.is_symlink() && path.is_dir()
}

fn not_a_file(path: &Path, other: &str) -> Error {
    Error::input(format!("`{}` is {other}, not a regular file, and a store has no other", path.display()))
        .hint("put the record itself in its place, or move it away")
}
