//! The store of records: one immutable file a record, `<machine>/<sha40>/<utc>-<id>.json`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::record::{Kept, Overwrite, RunRecord, open, seal, write_whole};

/// The sha that stands for "no commit", as in git.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// A store of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    root: PathBuf,
}

/// A record and its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub record: RunRecord,
}

/// A file of the store, and what came of reading it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExaminedRecord {
    /// The file, or the folder that cannot be listed.
    pub path: PathBuf,
    /// The record, or why there is none.
    pub record: Result<RunRecord>,
}

impl History {
    /// The store in this folder, which need not be there yet.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Adds a record. What is there is never touched, and the file is there whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written, or one of its name is there.
    pub fn add<R: Kept>(&self, record: &R) -> Result<PathBuf> {
        // A record that is sealed has a machine, a commit and an id that can leave no folder.
        let sealed = seal(record)?;
        let place = record.place();
        // Colons are not for file names.
        let when: String = place.when_utc.chars().filter(char::is_ascii_alphanumeric).collect();
        let folder = self.root.join(place.machine).join(place.commit.unwrap_or(NO_COMMIT));
        let path = folder.join(format!("{when}-{}.json", place.run_id));
        write_whole(&path, &sealed, Overwrite::Never)?;
        Ok(path)
    }

    /// Reads one record.
    ///
    /// # Errors
    /// When the file cannot be read, or is no whole record.
    pub fn read(path: &Path) -> Result<Stored> {
        let bytes = fs::read(path).map_err(|cause| {
            Error::io("read", path, &cause).as_input().hint("records are below `reports/history/`")
        })?;
        let record = open(&bytes, &path.display().to_string())?;
        Ok(Stored { path: path.to_owned(), record })
    }

    /// The record of the run that began last; None in an empty store.
    ///
    /// # Errors
    /// When that record cannot be read: an older one is not what was asked for.
    pub fn latest(&self) -> Result<Option<Stored>> {
        let mut files = Vec::new();
        collect(&self.root, &mut files);
        let newest = files.into_iter().max_by(|a, b| a.file_name().cmp(&b.file_name()));
        newest.map(|path| Self::read(&path)).transpose()
    }

    /// Reads every record, in the order of their paths. One that cannot be read does not keep the
    /// others from being read, and neither does a folder that cannot be listed, which is named like
    /// a record. One record is in memory at a time.
    pub fn examine(&self) -> impl Iterator<Item = ExaminedRecord> + use<> {
        let mut files = Vec::new();
        let closed = collect(&self.root, &mut files);
        files.sort_unstable();
        let read = files.into_iter().map(|path| {
            let record = Self::read(&path).map(|stored| stored.record);
            ExaminedRecord { path, record }
        });
        closed.into_iter().chain(read)
    }
}

/// Finds the record files at and below a folder, and gives the folders that cannot be listed. A store
/// that is not there is empty.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Vec<ExaminedRecord> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(cause) => {
            let record = Err(Error::io("list", folder, &cause).as_input());
            return vec![ExaminedRecord { path: folder.to_owned(), record }];
        }
    };
    let mut closed = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            closed.extend(collect(&path, files));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    closed
}

#[cfg(test)]
mod tests {
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
