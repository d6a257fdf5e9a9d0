//! The store of records: one immutable file a record, `<machine>/<sha40>/<utc>-<id>.json`.

mod ancestry;
mod entry;
mod epoch;
mod files;
mod foreign;
mod index;
mod index_file;
mod newest;
mod order;
mod origin;
mod series_csv;
mod setting;
mod summary_row;
mod taking;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::{
    FileKind, Overwrite, beginning, read, refuse_links, remove_stale_files, sync, write_whole,
};
use crate::record::{Experiment, Header, Kept, encode, header, open};
use crate::sys::free_bytes;

pub use ancestry::Ancestry;
pub use entry::{Entry, EntryCommit};
pub use epoch::{Epoch, EpochChange, Series};
pub use files::FoundFiles;
pub(in crate::record) use files::{FOREIGN_FOLDER, reserved_for};
pub use index::Index;
pub use newest::RecordsOfCommit;
pub use order::{keep_line, sort_along};
pub(in crate::record) use origin::without_password;
pub use origin::{Installation, Origin, Source as RecordSource};
pub use series_csv::{SERIES_COLUMNS, SeriesColumn, csv_text, series_csv};
pub use setting::{Line, Setting};
pub use summary_row::{AbSummary, ChangeSummary, LoadSummary, PromptSummary, SummaryRow};
pub use taking::Taken;
pub(in crate::record) use taking::place_of;

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
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root, installation: None }
    }

    /// The same store, seen from an installation: what is added to it was measured by that one. From none, no
    /// record was measured here.
    #[must_use]
    pub fn seen_from(self, installation: Option<Installation>) -> Self {
        Self { installation, ..self }
    }

    /// The installation that it is seen from.
    fn installation(&self) -> Option<&Installation> {
        self.installation.as_ref()
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files of its records, in the order of their paths; of folders that cannot be listed, none.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        files::of_store(&self.root).files
    }

    /// What stands in the place of records and is none, and why: folders that cannot be listed, links, pipes.
    #[must_use]
    pub fn closed(&self) -> Vec<(PathBuf, Error)> {
        files::of_store(&self.root).closed
    }

    /// Adds a record. What is there is never touched, and the file is there whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written, or one of its name is there.
    pub fn add<R: Kept>(&self, record: &R) -> Result<PathBuf> {
        // A record that is sealed has a machine, a commit and an id that can leave no folder.
        let encoded = encode(record)?;
        for folder in files::folders_in(&self.root).iter().flat_map(|machine| files::folders_in(machine)) {
            remove_stale_files(&folder);
        }
        let path = self.put(&files::file_of(record.place()), &encoded)?;
        if let Some(installation) = &self.installation {
            let source = RecordSource::Measured { installation: installation.clone() };
            self.note_origin(&header(&encoded, "")?.payload_sha256, source)?;
        }
        Ok(path)
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
        let found = files::of_store(&self.root);
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

/// The header of a record file, by its first bytes alone.
fn header_of(path: &Path) -> Result<Header> {
    let first = beginning(path, LONGEST_HEADER).map_err(|error| error.hint("run `cargo xtask doctor`"))?;
    header(&first, &path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_is_examined_though_others_cannot_be_read() {
        let store = tempfile::tempdir().unwrap();
        let folder = store.path().join("a-machine").join(files::NO_COMMIT);
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
