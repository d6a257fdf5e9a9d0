//! The store of records: one immutable file a record, `<machine>/<sha40>/<utc>-<id>.json`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::record::{Overwrite, RunRecord, open, seal, write_whole};

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
    pub fn add(&self, record: &RunRecord) -> Result<PathBuf> {
        // A record that is sealed has a machine, a commit and an id that can leave no folder.
        let sealed = seal(record)?;
        let commit = record.commit.as_ref().map_or(NO_COMMIT, |commit| &commit.sha);
        // Colons are not for file names.
        let when: String = record.when_utc.chars().filter(char::is_ascii_alphanumeric).collect();
        let folder = self.root.join(&record.machine.slug).join(commit);
        let path = folder.join(format!("{when}-{}.json", record.run_id));
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
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}
