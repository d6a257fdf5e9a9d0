//! The newest records: found by what they say of their commit and time, never by the names of their files.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::path::Path;

use crate::error::{Error, Result};
use crate::record::history::index::{Entry, Index};
use crate::record::history::{bytes_of, header_of, is_name_of_record};
use crate::record::is_hex;
use crate::record::{Experiment, History, Origin, PlanKind, Stored, header, open, utc_now};

/// The records of a commit, as far as they may decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordsOfCommit {
    /// Those measured here, on whichever device, newest first.
    pub measured_here: Vec<Experiment>,
    /// How many others there are, and where the first of them comes from.
    pub others: usize,
    /// Where these come from, each origin once.
    pub origins: Vec<String>,
}

impl History {
    /// The record of the `bench` that began last, wherever it was measured; None where there is none. One that
    /// says that it began later than now is passed over.
    ///
    /// # Errors
    /// When that record cannot be read: an older one is not what was requested.
    pub fn latest(&self) -> Result<Option<Stored>> {
        let index = self.index();
        let now = utc_now();
        self.newest_run(&index, |entry| !entry.is_later_than(&now))
    }

    /// The record of the `bench` that was measured here and began last.
    ///
    /// # Errors
    /// When that record cannot be read, or says that it began later than now.
    pub fn latest_measured_here(&self) -> Result<Option<Stored>> {
        let index = self.index();
        let found = self.newest_run(&index, |entry| entry.origin == Origin::Here)?;
        if let Some(stored) = &found {
            check_time(&stored.path, &stored.record.when_utc)?;
        }
        Ok(found)
    }

    fn newest_run(&self, index: &Index, may_be: impl Fn(&Entry) -> bool) -> Result<Option<Stored>> {
        let runs = index.entries.iter().filter(|entry| entry.plan == PlanKind::Bench);
        let newest = runs.filter(|entry| may_be(entry)).max_by_key(|entry| (entry.moment(), &entry.run_id));
        let newest_name = newest.and_then(|entry| entry.path.file_name());
        // One that is damaged may be the newest; its name is all that can be read of it.
        let is_newer = |name: Option<&OsStr>| newest_name.is_none() || name > newest_name;
        // What is no regular file, or has another name than a record is given, was never one.
        let was_one = |path: &Path| {
            is_name_of_record(path) && path.symlink_metadata().is_ok_and(|found| found.is_file())
        };
        let mut damaged = index.damaged.iter().filter(|(path, _)| was_one(path));
        if let Some((_, error)) = damaged.find(|(path, _)| is_newer(path.file_name())) {
            return Err(error.clone());
        }
        let Some(entry) = newest else { return Ok(None) };
        self.read_entry(entry).map(Some)
    }

    /// The records of a commit. What was measured elsewhere is counted and no more.
    ///
    /// # Errors
    /// A sha that is none; a damaged record in a folder of that commit, a record of that commit that lies
    /// elsewhere, or one that began later than now: each could be the one that counts.
    pub fn of_commit(&self, sha: &str) -> Result<RecordsOfCommit> {
        if !is_hex(sha, 40) {
            return Err(Error::input(format!("`{sha}` is not a commit's sha: 40 hexadecimal digits"))
                .hint("`git rev-parse HEAD` prints it"));
        }
        let index = self.index();
        let is_of = |path: &Path| path.components().any(|part| part.as_os_str() == sha);
        let belongs = |path: &Path| {
            let place = index.misplaced.iter().find(|(file, _)| file == path).map(|(_, place)| place);
            place.is_some_and(|place| is_of(place))
        };
        let below = |path: &Path| path.strip_prefix(self.root()).is_ok_and(is_of);
        if let Some((_, error)) = index.damaged.iter().find(|(path, _)| below(path) || belongs(path)) {
            return Err(error.clone());
        }
        // What the index says of them is read again, of those in the commit's folder whatever it says.
        let of_commit = |entry: &&Entry| {
            is_of(&entry.path) || entry.commit.as_ref().is_some_and(|commit| commit.sha == sha)
        };
        let mut entries: Vec<&Entry> = index.entries.iter().filter(of_commit).collect();
        entries.sort_by_key(|entry| Reverse((entry.moment(), &entry.run_id)));
        let mut records = RecordsOfCommit::default();
        for entry in entries {
            let stored = self.read_entry(entry)?;
            if entry.origin == Origin::Here {
                check_time(&stored.path, &entry.when_utc)?;
                records.measured_here.push(stored.record);
            } else {
                records.origins.push(entry.origin.in_words());
            }
        }
        records.others = records.origins.len();
        records.origins.sort();
        records.origins.dedup();
        Ok(records)
    }

    /// Refuses the file of a record that was not measured here, wherever the file lies: its bytes are looked up.
    ///
    /// # Errors
    /// A file that cannot be read; a record from elsewhere.
    pub fn check_measured_here(&self, path: &Path) -> Result<()> {
        let origin = self.origins().get(&Self::payload_sha256(path)?);
        if origin == Origin::Here {
            return Ok(());
        }
        let what = format!(
            "record `{}` was not measured here (origin: {}), and only what was measured here decides",
            path.display(),
            origin.in_words()
        );
        Err(Error::input(what).hint(
            "measure here: `cargo xtask bench`; for a record of another store name that one with `--store DIR`",
        ))
    }

    /// The hash that seals a record, by the header of its file alone.
    ///
    /// # Errors
    /// When the file cannot be read, or does not begin with a header.
    pub fn payload_sha256(path: &Path) -> Result<String> {
        Ok(header_of(path)?.payload_sha256)
    }

    /// Reads a record that the index names, and sees that it is what the index says.
    pub(super) fn read_entry(&self, entry: &Entry) -> Result<Stored> {
        let path = self.root().join(&entry.path);
        let (bytes, name) = (bytes_of(&path)?, path.display().to_string());
        let record = open(&bytes, &name)?;
        let origin = self.origins().get(&header(&bytes, &name)?.payload_sha256);
        if (Entry { origin, ..Entry::of(entry.path.clone(), &record) }) == *entry {
            return Ok(Stored { path, record });
        }
        Err(index_is_wrong(&path))
    }
}

fn index_is_wrong(path: &Path) -> Error {
    Error::harness(format!("the index is wrong about record `{}`: it was written over", path.display()))
        .hint("run `cargo xtask history rebuild`")
}

fn check_time(path: &Path, when_utc: &str) -> Result<()> {
    let now = utc_now();
    if !super::index::is_later(when_utc, &now) {
        return Ok(());
    }
    let what = format!(
        "record `{}` says that it began at `{when_utc}`, which is later than now ({now})",
        path.display()
    );
    Err(Error::input(what).hint(format!(
        "set the clock of this machine, or move the file away: `mv {0} {0}.wrong-time`",
        path.display()
    )))
}
