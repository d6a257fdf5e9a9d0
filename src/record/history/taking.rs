//! Taking records of others into a store: each is read whole first, and what is there stays.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::{FileKind, read_if_there, refuse_links};
use crate::record::history::entry::is_later;
use crate::record::history::files::file_of;
use crate::record::history::origin::Source;
use crate::record::{Experiment, History, Kept, accept, header, utc_now};

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
    /// place is the record's own word, never the name that it came by. How it came is kept beside it.
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

/// Where the bytes of a record belong, below the root of a store.
///
/// # Errors
/// Bytes that are no whole record, or one that would not have been written.
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
