//! The index: what lists and searches need of every record, without opening each.
//!
//! It is derived, and may be deleted at any time. Reading it brings it up to date: a record that was
//! added or changed since is opened, one that is gone is forgotten. What is decided from a record is
//! read from its own file.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind, Overwrite, write_whole};
use crate::golden::GoldenResult;
use crate::record::encoded::{first_line_and_payload, with_header};
use crate::record::history::series::{AbSummary, Setting, SummaryRow};
use crate::record::history::{INDEX_FILE, bytes_of, file_of, of_store};
use crate::record::{
    Arm, BisectRecord, Experiment, History, Origin, Outcome, PlanKind, Schema, StoredRecord, Verdict, accept,
    header, seconds_of_utc, sha256_of_bytes,
};
use crate::sys::FileStamp;

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
    /// Why it could not be stored, as in a store that is only read: then the next one pays again.
    pub unkept: Option<Error>,
}

/// What distinguishes a file from a changed one: its size, and when anything of it last changed, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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
    pub fn index(&self) -> Index {
        self.bring_up(read_index(&self.root().join(INDEX_FILE)).unwrap_or_default())
    }

    /// The index, made again from every record.
    pub fn rebuilt_index(&self) -> Index {
        self.bring_up(Vec::new())
    }

    fn bring_up(&self, known: Vec<Stamped>) -> Index {
        let found = of_store(self.root());
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
            index.unkept =
                index_bytes(&stamped).and_then(|bytes| write_whole(&file, &bytes, Overwrite::Replace)).err();
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
    pub fn verify(&self) -> (usize, Vec<(PathBuf, Error)>) {
        let found = of_store(self.root());
        let (mut whole, mut damaged) = (0, found.closed);
        for path in found.files {
            match read_in_place(&path, path.strip_prefix(self.root()).unwrap_or(&path)) {
                Ok(_) => whole += 1,
                Err(unfit) => damaged.push((path, unfit.error)),
            }
        }
        let imported = self.imported_found();
        damaged.extend(imported.closed);
        for path in imported.files {
            match Self::read_imported(&path) {
                Ok(_) => whole += 1,
                Err(error) => damaged.push((path, error)),
            }
        }
        (whole, damaged)
    }
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    let FileStamp { size_bytes, changed_ns, .. } = FileStamp::of(&fs::symlink_metadata(path).ok()?);
    Some(Stamp { bytes: size_bytes, changed_ns })
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

/// Raised when an index of an older arcgauge says less, or something else.
const SCHEMA: Schema = Schema { major: 11, minor: 0 };

/// A line, without the names of its fields; the setting stands for itself by its number.
type Line = (Entry, Stamp, String, usize);

fn index_bytes(records: &[Stamped]) -> Result<Vec<u8>> {
    let unfit = |cause: serde_json::Error| Error::harness(format!("the index cannot be written: {cause}"));
    let mut numbers: HashMap<&Setting, usize> = HashMap::new();
    let mut settings: Vec<&Setting> = Vec::new();
    let mut lines = Vec::new();
    for Stamped { entry, stamp, payload_sha256 } in records {
        let number = *numbers.entry(&entry.setting).or_insert_with(|| {
            settings.push(&entry.setting);
            settings.len() - 1
        });
        // As `Line` is read: the fields of an entry in their order.
        let entry = (
            &entry.path,
            entry.plan,
            &entry.run_id,
            &entry.when_utc,
            &entry.unit_id,
            &entry.commit,
            entry.outcome,
            entry.golden,
            &entry.metric_values,
            &entry.ab,
            &entry.bisect,
            &entry.warning_ids,
        );
        let line = (entry, (stamp.bytes, stamp.changed_ns), payload_sha256, number);
        serde_json::to_writer(&mut lines, &line).map_err(unfit)?;
        lines.push(b'\n');
    }
    let mut payload = serde_json::to_vec(&settings).map_err(unfit)?;
    payload.push(b'\n');
    payload.extend(lines);
    with_header("history-index", SCHEMA, &payload).map_err(unfit)
}

/// What an index says; None where there is none that can be used.
pub(super) fn read_index(file: &Path) -> Option<Vec<Stamped>> {
    let bytes = files::read(file, FileKind::StoreList).ok()?;
    let header = header(&bytes, "the index").ok()?;
    let (_, payload) = first_line_and_payload(&bytes);
    if header.schema != SCHEMA || header.payload_sha256 != sha256_of_bytes(payload) {
        return None;
    }
    let mut lines = payload.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let settings: Vec<Arc<Setting>> =
        serde_json::from_slice::<Vec<Setting>>(lines.next()?).ok()?.into_iter().map(Arc::new).collect();
    lines
        .map(|line| {
            let (entry, stamp, payload_sha256, number): Line = serde_json::from_slice(line).ok()?;
            let entry = Entry { setting: Arc::clone(settings.get(number)?), ..entry };
            Some(Stamped { entry, stamp, payload_sha256 })
        })
        .collect()
}

/// Two machines' clocks may differ by so much; a record that began later than this from now has a wrong time.
const CLOCKS_DIFFER_S: i64 = 600;

/// A record in the index.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Entry {
    /// The file, below the store's root.
    pub path: PathBuf,
    /// Which verb planned it. Of the values of `peers` none stands in a series: it was measured among others.
    pub plan: PlanKind,
    /// Names the run.
    pub run_id: String,
    /// When it began, UTC.
    pub when_utc: String,
    /// Which of several machines of one model it was, where its owner named it.
    pub unit_id: Option<String>,
    /// The commit that was measured; for an A/B the head's.
    pub commit: Option<EntryCommit>,
    /// How it ended.
    pub outcome: Outcome,
    /// The worst word on its outputs; None where one was not judged. For an A/B the head's.
    pub golden: Option<GoldenResult>,
    /// Its values; None where a prompt has no speed. For an A/B the head's.
    #[serde(rename = "figures")]
    pub metric_values: Option<SummaryRow>,
    /// What an A/B came to; None for a run.
    pub ab: Option<AbSummary>,
    /// Which comparison of a bisect an A/B was.
    pub bisect: Option<BisectRecord>,
    /// The kinds of its warnings, each once: as in "guard-throttled".
    pub warning_ids: Vec<String>,
    /// On what it was measured.
    #[serde(skip)]
    pub setting: Arc<Setting>,
    /// Where it comes from, seen from here; the store's word, not the record's.
    #[serde(skip)]
    pub origin: Origin,
}

/// A commit, as far as lists need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryCommit {
    /// 40 hexadecimal digits.
    pub sha: String,
    /// When it was authored, UTC.
    pub author_date_utc: String,
    /// Whether the tree had changes over it.
    pub dirty: bool,
    /// Its first parent; None for a root.
    pub first_parent: Option<String>,
}

impl Entry {
    /// What there is to say of a record.
    pub fn of(path: PathBuf, record: &Experiment) -> Self {
        let subject = record.subject();
        Self {
            path,
            plan: record.plan,
            run_id: record.run_id.clone(),
            when_utc: record.when_utc.clone(),
            unit_id: record.unit_id.clone(),
            commit: subject.commit.as_ref().map(|commit| EntryCommit {
                sha: commit.sha.clone(),
                author_date_utc: commit.author_date_utc.clone(),
                dirty: commit.dirty,
                first_parent: commit.parents.first().cloned(),
            }),
            outcome: record.outcome,
            golden: golden(subject.arm),
            metric_values: SummaryRow::of(subject),
            ab: (record.plan == PlanKind::Ab).then(|| AbSummary::of(record)),
            bisect: record.bisect.clone(),
            warning_ids: warning_ids(record),
            setting: Arc::new(Setting::of(subject)),
            origin: Origin::Unknown,
        }
    }

    /// Whether it says that it began later than this moment, by more than clocks differ.
    pub fn is_later_than(&self, now_utc: &str) -> bool {
        is_later(&self.when_utc, now_utc)
    }

    /// When it began, as a number that orders records; of no moment that can be read, before all others.
    pub fn moment(&self) -> i64 {
        seconds_of_utc(&self.when_utc).unwrap_or(i64::MIN)
    }

    /// What an A/B came to for whoever ran it; None for a run, and where it came to no decision.
    pub fn verdict(&self) -> Option<Verdict> {
        self.ab.as_ref().and_then(|ab| ab.verdict)
    }

    /// Whether others may be compared with it: a run that came to its end, of a clean tree, whose output
    /// was compared with goldens, with speed, on a device that is not emulated.
    pub fn may_be_baseline(&self) -> bool {
        self.plan == PlanKind::Bench
            && self.outcome == Outcome::Complete
            && !self.setting.series.emulated
            && self.commit.as_ref().is_some_and(|commit| !commit.dirty)
            && self.golden.is_some_and(GoldenResult::is_verified)
            && self.metric_values.is_some()
    }
}

/// A record's file, with what lists need of it.
#[derive(Debug, Clone)]
pub struct RecordFile {
    /// What the index says of it.
    pub entry: Entry,
    /// The file.
    pub file: PathBuf,
}

impl RecordFile {
    /// A record of a store.
    pub fn stored(history: &History, entry: &Entry) -> Self {
        Self { entry: entry.clone(), file: history.root().join(&entry.path) }
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read, or is no whole record.
    pub fn read(&self) -> Result<Experiment> {
        Ok(History::read(&self.file)?.record)
    }
}

/// Whether a moment lies after another by more than clocks differ.
pub(in crate::record) fn is_later(when_utc: &str, now_utc: &str) -> bool {
    let (when, now) = (seconds_of_utc(when_utc), seconds_of_utc(now_utc));
    when.zip(now).is_some_and(|(when, now)| when.saturating_sub(now) > CLOCKS_DIFFER_S)
}

fn warning_ids(record: &Experiment) -> Vec<String> {
    let warnings = record.arms.iter().flat_map(|arm| &arm.warnings).chain(&record.warnings);
    let mut ids: Vec<String> = warnings.map(|warning| warning.id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The worst word of all prompts; None where one was not judged.
fn golden(run: &Arm) -> Option<GoldenResult> {
    let judged = run.judged_by_prompt();
    let requested = run.workload.prompts.iter();
    let words = requested.map(|requested| judged.get(requested.id.as_str()).map(|judged| judged.golden));
    words.collect::<Option<Vec<_>>>()?.into_iter().max()
}
