//! What the index knows of a record: enough to list it and to choose it, never enough to judge it.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::golden::GoldenResult;
use crate::record::history::setting::Setting;
use crate::record::history::summary_row::{AbSummary, SummaryRow};
use crate::record::{Arm, Experiment, Origin, Outcome, PlanKind, Verdict, seconds_of_utc};

/// Two machines' clocks may differ by so much; a record that began later than this from now has a wrong time.
const CLOCKS_DIFFER_S: i64 = 600;

/// A record in the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The file, below the store's root.
    pub path: PathBuf,
    /// Which verb planned it. Of the figures of `peers` none stands in a series: it was measured among others.
    pub plan: PlanKind,
    /// Names the run.
    pub run_id: String,
    /// When it began, UTC.
    pub when_utc: String,
    /// The commit that was measured; for an A/B the head's.
    pub commit: Option<EntryCommit>,
    /// How it ended.
    pub outcome: Outcome,
    /// The worst word on its outputs; None where one was not judged. For an A/B the head's.
    pub golden: Option<GoldenResult>,
    /// Its figures; None where a prompt has no speed. For an A/B the head's.
    pub figures: Option<SummaryRow>,
    /// What an A/B came to; None for a run.
    pub ab: Option<AbSummary>,
    /// The kinds of its warnings, each once: as in "guard-throttled".
    pub warning_ids: Vec<String>,
    /// On what it was measured.
    pub setting: Arc<Setting>,
    /// Where it comes from, seen from here; the store's word, not the record's.
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
    #[must_use]
    pub fn of(path: PathBuf, record: &Experiment) -> Self {
        let subject = record.subject();
        Self {
            path,
            plan: record.plan,
            run_id: record.run_id.clone(),
            when_utc: record.when_utc.clone(),
            commit: subject.commit.as_ref().map(|commit| EntryCommit {
                sha: commit.sha.clone(),
                author_date_utc: commit.author_date_utc.clone(),
                dirty: commit.dirty,
                first_parent: commit.parents.first().cloned(),
            }),
            outcome: record.outcome,
            golden: golden(subject.arm),
            figures: SummaryRow::of(subject),
            ab: (record.plan == PlanKind::Ab).then(|| AbSummary::of(record)),
            warning_ids: warning_ids(record),
            setting: Arc::new(Setting::of(subject)),
            origin: Origin::Unknown,
        }
    }

    /// Whether it says that it began later than this moment, by more than clocks differ.
    #[must_use]
    pub fn is_later_than(&self, now_utc: &str) -> bool {
        is_later(&self.when_utc, now_utc)
    }

    /// When it began, as a number that orders records; of no moment that can be read, before all others.
    #[must_use]
    pub fn moment(&self) -> i64 {
        seconds_of_utc(&self.when_utc).unwrap_or(i64::MIN)
    }

    /// What an A/B came to for whoever ran it; None for a run, and where it came to no decision.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.ab.as_ref().and_then(|ab| ab.verdict)
    }

    /// Whether others may be compared with it: a run that came to its end, of a clean tree, whose output
    /// was compared with goldens, with speed, on a device that is not emulated.
    #[must_use]
    pub fn may_be_baseline(&self) -> bool {
        self.plan == PlanKind::Bench
            && self.outcome == Outcome::Complete
            && !self.setting.series.emulated
            && self.commit.as_ref().is_some_and(|commit| !commit.dirty)
            && self.golden.is_some_and(GoldenResult::is_verified)
            && self.figures.is_some()
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
