//! The newest record of a kind, by the names of the files: no index is asked, so none can mislead.

use std::cmp::Reverse;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::record::history::files::{self, folders_in};
use crate::record::identified::is_hex;
use crate::record::{AbRecord, AnyRecord, Header, History, Kept, Stored, header};

/// Longer than any header: a file without a line's end is not read to its own.
const LONGEST_HEADER: u64 = 4096;

impl History {
    /// The record of the `bench` that began last; None where there is none.
    ///
    /// # Errors
    /// When that record cannot be read: an older one is not what was asked for.
    pub fn latest(&self) -> Result<Option<Stored>> {
        newest(files::of_store(self.root()).files)
    }

    /// The record of the `ab` of this head that began last, on whichever machine; None where there is
    /// none. It looks into the folders of that commit alone, however many others there are.
    ///
    /// # Errors
    /// A sha that is none; a damaged record that is newer than the newest, for it may be the one.
    pub fn latest_ab_of(&self, sha: &str) -> Result<Option<Stored<AbRecord>>> {
        newest(self.files_of_commit(sha)?)
    }
}

impl History {
    /// Every record of a commit, on whichever machine, newest first. They are read one by one, as they are
    /// asked for; only the folders of that commit are looked into.
    ///
    /// # Errors
    /// A sha that is none.
    pub fn of_commit(&self, sha: &str) -> Result<impl Iterator<Item = Result<Stored<AnyRecord>>> + use<>> {
        let mut files = self.files_of_commit(sha)?;
        files.sort_by(|a, b| Reverse(a.file_name()).cmp(&Reverse(b.file_name())));
        Ok(files.into_iter().map(|path| Self::read_any(&path)))
    }

    /// The hash that seals a record, by the header of its file alone.
    ///
    /// # Errors
    /// When the file cannot be read, or does not begin with a header.
    pub fn payload_sha256(path: &Path) -> Result<String> {
        Ok(header_of(path)?.payload_sha256)
    }

    fn files_of_commit(&self, sha: &str) -> Result<Vec<PathBuf>> {
        if !is_hex(sha, 40) {
            return Err(Error::input(format!("`{sha}` is not a commit's sha: 40 hexadecimal digits"))
                .hint("`git rev-parse HEAD` tells it"));
        }
        let folders = folders_in(self.root()).into_iter().map(|machine| machine.join(sha));
        Ok(folders.flat_map(|folder| files::of_folder(&folder)).collect())
    }
}

/// The newest of a kind. A name begins with the time.
fn newest<R: Kept>(mut files: Vec<PathBuf>) -> Result<Option<Stored<R>>> {
    files.sort_by(|a, b| Reverse(a.file_name()).cmp(&Reverse(b.file_name())));
    for path in files {
        if kind_of(&path)? == R::KIND {
            return History::read_as(&path).map(Some);
        }
    }
    Ok(None)
}

/// The kind that a file's header names, without reading the rest.
fn kind_of(path: &Path) -> Result<String> {
    Ok(header_of(path)?.kind)
}

fn header_of(path: &Path) -> Result<Header> {
    let mut line = Vec::new();
    File::open(path)
        .and_then(|file| BufReader::new(file.take(LONGEST_HEADER)).read_until(b'\n', &mut line))
        .map_err(|cause| Error::io("read", path, &cause).as_input().hint("run `cargo xtask doctor`"))?;
    header(&line, &path.display().to_string())
}
