//! The index: what lists and searches need of every record, without opening each.
//!
//! It is derived, and may be deleted at any time. Reading it brings it up to date: a record that was
//! added or changed since is opened, one that is gone is forgotten. What is decided from a record is
//! read from its own file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::{Overwrite, write_whole};
use crate::record::history::bytes_of;
use crate::record::history::entry::Entry;
use crate::record::history::files::{self, INDEX_FILE, file_of};
use crate::record::history::index_file;
use crate::record::{Experiment, History, Kept, accept, header};

/// All that is known of a store's records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    /// Every whole record, in the order of their paths.
    pub entries: Vec<Entry>,
    /// Every other file and folder, with what is wrong with it.
    pub damaged: Vec<(PathBuf, Error)>,
    /// Whole records that lie elsewhere than they say: the file, and where it belongs below the root. They are
    /// among the damaged.
    pub misplaced: Vec<(PathBuf, PathBuf)>,
    /// Records that had to be opened to bring it up to date.
    pub opened: usize,
    /// Why it could not be kept, as in a store that is only read: then the next one pays again.
    pub unkept: Option<Error>,
}

/// What tells a file from a changed one: its size, and when anything of it last changed, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    pub(super) changed_ns: i128,
}

/// A record with the stamp that its file had when it was opened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stamped {
    pub(super) entry: Entry,
    pub(super) stamp: Stamp,
    /// Of the record's payload: by it the origin is found.
    pub(super) payload_sha256: String,
}

impl History {
    /// The index of this store, brought up to date.
    #[must_use]
    pub fn index(&self) -> Index {
        self.bring_up(index_file::read(&self.root().join(INDEX_FILE)).unwrap_or_default())
    }

    /// The index, made anew from every record.
    #[must_use]
    pub fn rebuilt_index(&self) -> Index {
        self.bring_up(Vec::new())
    }

    fn bring_up(&self, known: Vec<Stamped>) -> Index {
        let found = files::of_store(self.root());
        let before = known.len();
        // Both are in the order of their paths, so that one walk meets each at its place.
        let mut known = known.into_iter().peekable();
        let mut index = Index { damaged: found.closed, ..Index::default() };
        let mut stamped = Vec::with_capacity(found.files.len());
        for path in found.files {
            let below = path.strip_prefix(self.root()).unwrap_or(&path);
            let stamp = stamp_of(&path);
            while known.next_if(|known| known.entry.path.as_os_str() < below.as_os_str()).is_some() {}
            match known.next_if(|known| known.entry.path.as_os_str() == below.as_os_str()) {
                Some(known) if Some(known.stamp) == stamp => stamped.push(known),
                _ => {
                    index.opened += 1;
                    match (read_in_place(&path, below), stamp) {
                        (Ok((entry, payload_sha256)), Some(stamp)) => {
                            stamped.push(Stamped { entry, stamp, payload_sha256 });
                        }
                        // It went between listing and reading.
                        (_, None) => {}
                        (Err(Unfit { error, belongs }), _) => {
                            index.misplaced.extend(belongs.map(|place| (path.clone(), place)));
                            index.damaged.push((path, error));
                        }
                    }
                }
            }
        }
        // What is damaged is looked at each time, and is nothing new.
        let is_new = index.opened > index.damaged.len() || before != stamped.len();
        if is_new && self.root().is_dir() {
            let file = self.root().join(INDEX_FILE);
            index.unkept = index_file::bytes(&stamped)
                .and_then(|bytes| write_whole(&file, &bytes, Overwrite::Replace))
                .err();
        }
        let origins = self.origins();
        let seen = |Stamped { entry, payload_sha256, .. }| {
            let origin = origins.get(&payload_sha256);
            Entry { origin, ..entry }
        };
        index.entries = stamped.into_iter().map(seen).collect();
        index
    }

    /// Reads every record whole, and gives each file that is damaged or does not lie where it belongs.
    #[must_use]
    pub fn verify(&self) -> (usize, Vec<(PathBuf, Error)>) {
        let found = files::of_store(self.root());
        let (mut whole, mut damaged) = (0, found.closed);
        for path in found.files {
            match read_in_place(&path, path.strip_prefix(self.root()).unwrap_or(&path)) {
                Ok(_) => whole += 1,
                Err(unfit) => damaged.push((path, unfit.error)),
            }
        }
        let foreign = self.foreign_found();
        damaged.extend(foreign.closed);
        for path in foreign.files {
            match Self::read_foreign(&path) {
                Ok(_) => whole += 1,
                Err(error) => damaged.push((path, error)),
            }
        }
        (whole, damaged)
    }
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    let file = fs::symlink_metadata(path).ok()?;
    let changed_ns = i128::from(file.ctime()) * 1_000_000_000 + i128::from(file.ctime_nsec());
    Some(Stamp { bytes: file.len(), changed_ns })
}

/// Reads a record that must lie where its own words put it.
fn read_in_place(path: &Path, below: &Path) -> Result<(Entry, String), Unfit> {
    let name = path.display().to_string();
    let bytes = bytes_of(path)?;
    let record = accept::<Experiment>(&bytes, &name)?;
    let place = file_of(record.place());
    if place != below {
        let what = format!("record `{}` belongs at `{}`", path.display(), place.display());
        let error = Error::input(what).hint("take it in with `cargo xtask history import FILE`");
        return Err(Unfit { error, belongs: Some(place) });
    }
    Ok((Entry::of(below.to_owned(), &record), header(&bytes, &name)?.payload_sha256))
}

/// Why a file is no record of the store.
struct Unfit {
    error: Error,
    /// Where it belongs, where it is whole.
    belongs: Option<PathBuf>,
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        Self { error, belongs: None }
    }
}
