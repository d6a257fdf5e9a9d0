//! What other tools measured: a folder of the store that no index, timeline, baseline or gate looks into.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::record::foreign::foreign_file;
use crate::record::history::files::{FOREIGN_FOLDER, FoundFiles, of_folder};
use crate::record::history::{bytes_of, header_of};
use crate::record::{ForeignRecord, History, Kept, Stored, Taken, encode, open};

impl History {
    /// Keeps what a file of another tool says. The same file, taken for the same format, is kept once.
    ///
    /// # Errors
    /// A record that may not be kept; another file's record in its place; a store that cannot be written.
    pub fn take_foreign(&self, record: &ForeignRecord) -> Result<Taken> {
        let encoded = encode(record)?;
        let below = foreign_file(record);
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
    #[must_use]
    pub fn is_foreign(path: &Path) -> bool {
        header_of(path).is_ok_and(|header| header.kind == ForeignRecord::KIND)
    }

    /// Reads one such record.
    ///
    /// # Errors
    /// When the file cannot be read, or is no whole record of that kind.
    pub fn read_foreign(path: &Path) -> Result<Stored<ForeignRecord>> {
        let bytes = bytes_of(path)?;
        let name = path.display().to_string();
        let record: ForeignRecord = open(&bytes, &name)?;
        record.check().map_err(|error| error.of(&format!("`{name}`")).as_input())?;
        Ok(Stored { path: path.to_owned(), record })
    }

    /// The files of such records, in the order of their names.
    #[must_use]
    pub fn foreign_files(&self) -> Vec<PathBuf> {
        self.foreign_found().files
    }

    /// The same, and what stands in their place and is none.
    #[must_use]
    pub fn foreign_found(&self) -> FoundFiles {
        of_folder(&self.root().join(FOREIGN_FOLDER))
    }
}

/// The record of this file that is there, whenever it was imported.
fn there(path: &Path, record: &ForeignRecord) -> Result<Taken> {
    let there = History::read_foreign(path)?.record;
    if there.source.sha256 == record.source.sha256 {
        return Ok(Taken::There(path.to_owned()));
    }
    Err(Error::input(format!("`{}` is of another file", path.display()))
        .hint("move it away, and import again; it is not touched"))
}
