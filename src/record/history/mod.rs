//! The store of records: one immutable file a record, `<machine>/<sha40>/<utc>-<id>.json`.

mod index;
mod newest;
mod order;
mod origin;
mod series;

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::{
    FileKind, Overwrite, beginning, other_than_file, read, read_if_there, refuse_links, remove_stale_files,
    sync, write_whole,
};
use crate::record::history::index::is_later;
use crate::record::history::origin::Source;
use crate::record::imported::imported_file;
use crate::record::is_hex;
use crate::record::{
    Experiment, Header, ImportedRecord, Place, StoredRecord, accept, encode, header, open, utc_now,
};
use crate::sys::free_bytes;

pub use index::{Entry, EntryCommit, Index, RecordFile};
pub use newest::RecordsOfCommit;
pub use order::{Ancestry, SERIES_COLUMNS, SeriesColumn, csv_text, keep_line, series_csv, sort_along};
pub(in crate::record) use origin::without_password;
pub use origin::{Installation, Origin, Source as RecordSource};
pub use series::{
    AbSummary, ChangeSummary, Epoch, EpochChange, Line, LoadSummary, PromptSummary, Series, Setting,
    SummaryRow,
};

/// Room that a write leaves free, besides what it takes: a folder grows, too.
const SPARE_BYTES: u64 = 1 << 20;

/// Longer than any header: a file without a line's end is not read to its own.
const LONGEST_HEADER: u64 = 4096;

/// A store of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    root: PathBuf,
    installation: Option<Installation>,
}

/// A record and its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<R = Experiment> {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub record: R,
}

/// A file of the store, and what came of reading it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExaminedRecord {
    /// The file, or the folder that cannot be listed.
    pub path: PathBuf,
    /// The record, or why there is none.
    pub record: Result<Experiment>,
}

impl History {
    /// The store in this folder, which need not be there yet.
    pub fn at(root: PathBuf) -> Self {
        Self { root, installation: None }
    }

    /// The same store, seen from an installation: what is added to it was measured by that one. From none, no
    /// record was measured here.
    pub fn seen_from(self, installation: Option<Installation>) -> Self {
        Self { installation, ..self }
    }

    fn installation(&self) -> Option<&Installation> {
        self.installation.as_ref()
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files of its records, in the order of their paths; of folders that cannot be listed, none.
    pub fn files(&self) -> Vec<PathBuf> {
        of_store(&self.root).files
    }

    /// What stands in the place of records and is none, and why: folders that cannot be listed, links, pipes.
    pub fn closed(&self) -> Vec<(PathBuf, Error)> {
        of_store(&self.root).closed
    }

    /// Adds a record. What is there is never touched, and the file is there whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written, or one of its name is there.
    pub fn add<R: StoredRecord>(&self, record: &R) -> Result<PathBuf> {
        // A record that is encoded has a machine, a commit and an id that can leave no folder.
        let encoded = encode(record)?;
        for folder in folders_in(&self.root).iter().flat_map(|machine| folders_in(machine)) {
            remove_stale_files(&folder);
        }
        // Noted first: a record that is there when this process is killed must not seem to be somebody else's. The record is
        // kept in any case.
        let noted = self.installation.as_ref().map_or(Ok(()), |installation| {
            let source = RecordSource::Measured { installation: installation.clone() };
            fs::create_dir_all(&self.root).map_err(|cause| Error::io("create", &self.root, &cause))?;
            self.note_origin(&header(&encoded, "")?.payload_sha256, source)
        });
        let path = self.put(&file_of(record.place()), &encoded)?;
        noted.map(|()| path)
    }

    /// Writes the bytes of a record that was checked.
    fn put(&self, below: &Path, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.root.join(below);
        refuse_links(&path, below.components().count())?;
        let needed = bytes.len() as u64 + SPARE_BYTES;
        if let Some(free) = free_bytes(&self.root).filter(|free| *free < needed) {
            let what = format!("cannot write `{}`: {free} bytes are free there", path.display());
            return Err(
                Error::harness(what).hint("free some space, or name another store with `--store DIR`")
            );
        }
        write_whole(&path, bytes, Overwrite::Never)?;
        // Its folders may be another writer's, who has not synced them yet.
        for folder in path.ancestors().skip(2).take(2) {
            sync(folder).map_err(|cause| Error::io("sync", folder, &cause))?;
        }
        Ok(path)
    }

    /// Reads one record.
    ///
    /// # Errors
    /// When the file cannot be read, or is no whole record.
    pub fn read(path: &Path) -> Result<Stored> {
        let record = open(&bytes_of(path)?, &path.display().to_string())?;
        Ok(Stored { path: path.to_owned(), record })
    }

    /// Reads every record, in the order of their paths. One that cannot be read does not keep the
    /// others from being read, and neither does a folder that cannot be listed, which is named like
    /// a record. One record is in memory at a time.
    pub fn examine(&self) -> impl Iterator<Item = ExaminedRecord> + use<> {
        let found = of_store(&self.root);
        let closed =
            found.closed.into_iter().map(|(path, error)| ExaminedRecord { path, record: Err(error) });
        let read = found.files.into_iter().map(|path| {
            let record = Self::read(&path).map(|stored| stored.record);
            ExaminedRecord { path, record }
        });
        closed.chain(read)
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    read(path, FileKind::Record).map_err(|error| error.hint("`cargo xtask history list` names the records"))
}

fn header_of(path: &Path) -> Result<Header> {
    let first = beginning(path, LONGEST_HEADER).map_err(|error| error.hint("run `cargo xtask doctor`"))?;
    header(&first, &path.display().to_string())
}

/// The sha that stands for "no commit", as in git.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";
const ORIGINS_FILE: &str = "origins.jsonl";
/// The one JSON file of a store that is no record.
const INDEX_FILE: &str = "index.json";
/// The one folder of a store whose files are no records of ours: what other tools measured.
pub(in crate::record) const IMPORTED_FOLDER: &str = "foreign";

/// The folder of the series as tables.
const CSV_FOLDER: &str = "csv";
/// Records lie two folders deep; a folder that is imported may be around several stores.
const DEEPEST: usize = 8;

/// What a store has under a name, so that no machine may have it.
pub(in crate::record) fn reserved_for(name: &str) -> Option<&'static str> {
    match name {
        IMPORTED_FOLDER => Some("the folder of other tools"),
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
/// may be stored.
fn file_of(place: Place<'_>) -> PathBuf {
    // Colons are not for file names.
    let when: String = place.when_utc.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = Path::new(place.machine).join(place.commit.unwrap_or(NO_COMMIT));
    folder.join(format!("{when}-{}.json", place.run_id))
}

/// Whether a file has a name that [`file_of`] gives: a time and an id.
fn is_name_of_record(path: &Path) -> bool {
    let parts = path.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.split_once('-'));
    let is_time = |when: &str| when.starts_with(|c: char| c.is_ascii_digit());
    is_named_as_one(path) && parts.is_some_and(|(when, run_id)| is_time(when) && is_hex(run_id, 12))
}

/// Finds the record files of a store, in the order of their paths. A store that is not there is empty.
fn of_store(root: &Path) -> FoundFiles {
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
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries.filter(is_folder).map(|entry| entry.path()).collect()
}

fn of_folder(folder: &Path) -> FoundFiles {
    let mut found = FoundFiles::default();
    collect(folder, 0, &mut found);
    found.files.sort_unstable();
    found
}

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
            if depth < DEEPEST || entry.file_name() != IMPORTED_FOLDER {
                collect(&path, depth - 1, found);
            }
        } else if is_named_as_one(&path) || kind.is_symlink() && path.is_dir() {
            match other_than_file(kind) {
                Some(other) => found.closed.push((path.clone(), not_a_file(&path, other))),
                None => found.files.push(path),
            }
        }
    }
}

fn not_a_file(path: &Path, other: &str) -> Error {
    Error::input(format!("`{}` is {other}, not a regular file, and a store has no other", path.display()))
        .hint("put the record itself in its place, or move it away")
}

/// What became of a record that was to be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is in the store now.
    Added(PathBuf),
    /// It was there already, byte for byte.
    There(PathBuf),
}

impl History {
    /// Takes in the bytes of a record file as they are, fields that are not known here among them. The
    /// place is the record's own word, never the name that it came by. How it came is stored beside it.
    ///
    /// # Errors
    /// Bytes that are no whole record; a time later than now; another record in its place; a store that cannot be
    /// written.
    pub fn take(&self, bytes: &[u8], name: &str, source: &Source) -> Result<Taken> {
        let below = place_of(bytes, name)?;
        let path = self.root().join(&below);
        refuse_links(&path, below.components().count())?;
        if let Some(taken) = same_or_refused(&path, bytes, name)? {
            return Ok(taken);
        }
        match self.put(&below, bytes) {
            Ok(path) => {
                self.note_origin(&header(bytes, name)?.payload_sha256, source.clone())?;
                Ok(Taken::Added(path))
            }
            // Another may have taken it in at the same time.
            Err(error) => same_or_refused(&path, bytes, name)?.ok_or(error),
        }
    }
}

/// Where the bytes of a record belong, below the root of a store. Errors: bytes that are no whole record, or
/// one that would not have been written.
pub(in crate::record) fn place_of(bytes: &[u8], name: &str) -> Result<PathBuf> {
    let record = accept::<Experiment>(bytes, name)?;
    let (place, now) = (record.place(), utc_now());
    if is_later(place.when_utc, &now) {
        let when = place.when_utc;
        let what = format!("record `{name}` says that it began at `{when}`, which is later than now ({now})");
        return Err(Error::input(what).hint("it is not taken: set the clock of the machine that measured it"));
    }
    Ok(file_of(place))
}

fn same_or_refused(path: &Path, bytes: &[u8], name: &str) -> Result<Option<Taken>> {
    match read_if_there(path, FileKind::Record)? {
        None => Ok(None),
        Some(there) if there == bytes => Ok(Some(Taken::There(path.to_owned()))),
        Some(_) => Err(Error::input(format!(
            "record `{name}` is not taken: `{}` has the same id and says something else",
            path.display()
        ))
        .hint("one of the two was altered: compare them; neither is touched")),
    }
}

impl History {
    /// Stores what a file of another tool says. The same file, taken for the same format, is stored once.
    ///
    /// # Errors
    /// A record that may not be stored; another file's record in its place; a store that cannot be written.
    pub fn take_imported(&self, record: &ImportedRecord) -> Result<Taken> {
        let encoded = encode(record)?;
        let below = imported_file(record);
        let path = self.root().join(&below);
        if path.exists() {
            return there(&path, record);
        }
        match self.put(&below, &encoded) {
            Ok(path) => Ok(Taken::Added(path)),
            // Another may have taken it in at the same time.
            Err(_) if path.exists() => there(&path, record),
            Err(error) => Err(error),
        }
    }

    /// Whether the file at this path begins as such a record does.
    pub fn is_imported(path: &Path) -> bool {
        header_of(path).is_ok_and(|header| header.kind == ImportedRecord::KIND)
    }

    /// Reads one such record.
    ///
    /// # Errors
    /// When the file cannot be read, or is no whole record of that kind.
    pub fn read_imported(path: &Path) -> Result<Stored<ImportedRecord>> {
        let bytes = bytes_of(path)?;
        let name = path.display().to_string();
        let record: ImportedRecord = open(&bytes, &name)?;
        record.check().map_err(|error| error.of(&format!("`{name}`")).as_input())?;
        Ok(Stored { path: path.to_owned(), record })
    }

    /// The files of such records, in the order of their names, and what stands in their place and is none.
    pub fn imported_found(&self) -> FoundFiles {
        of_folder(&self.root().join(IMPORTED_FOLDER))
    }
}

/// The record of this file that is there, whenever it was imported.
fn there(path: &Path, record: &ImportedRecord) -> Result<Taken> {
    let there = History::read_imported(path)?.record;
    if there.source.sha256 == record.source.sha256 {
        return Ok(Taken::There(path.to_owned()));
    }
    Err(Error::input(format!("`{}` is of another file", path.display()))
        .hint("move it away, and import again; it is not touched"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_is_examined_though_others_cannot_be_read() {
        let store = tempfile::tempdir().unwrap();
        let folder = store.path().join("a-machine").join(NO_COMMIT);
        fs::create_dir_all(&folder).unwrap();
        for name in ["b.json", "a.json", "a.json.damaged", ".tmpAbCdEf"] {
            fs::write(folder.join(name), "no header").unwrap();
        }
        let examined: Vec<ExaminedRecord> = History::at(store.path().to_owned()).examine().collect();
        let paths: Vec<&Path> = examined.iter().map(|file| file.path.as_path()).collect();
        assert_eq!(paths, [folder.join("a.json"), folder.join("b.json")]);
        for file in examined {
            let error = file.record.unwrap_err().to_string();
            assert!(error.contains(&file.path.display().to_string()), "{error}");
        }
    }

    #[test]
    fn a_store_that_is_not_there_is_empty_and_one_that_cannot_be_listed_is_named() {
        let scene = tempfile::tempdir().unwrap();
        assert_eq!(History::at(scene.path().join("none")).examine().count(), 0);
        // What cannot be listed is a file here, for root may list every folder.
        let file = scene.path().join("file");
        fs::write(&file, "").unwrap();
        let examined: Vec<ExaminedRecord> = History::at(file.clone()).examine().collect();
        assert_eq!(examined.len(), 1);
        assert_eq!(examined[0].path, file);
        assert!(examined[0].record.is_err());
    }
}
