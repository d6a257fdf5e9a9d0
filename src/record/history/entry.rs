//! What the index knows of a record: enough to list it and to choose it, never enough to judge it.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::golden::GoldenResult;
use crate::measure::{Metric, Sample};
use crate::record::history::epoch::{Epoch, Series};
use crate::record::{AnyRecord, Outcome, RunRecord, SampleRecord, SampleRole, Verdict};

/// A record in the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The file, below the store's root.
    pub path: PathBuf,
    /// Its kind.
    pub kind: RecordKind,
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
    pub figures: Option<Headline>,
    /// What an A/B came to.
    pub verdict: Option<Verdict>,
    /// On what it was measured.
    pub setting: Arc<Setting>,
}

/// The kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// One run of `bench`.
    RunRecord,
    /// One run of `ab`.
    AbRecord,
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
}

/// On what a record was measured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Setting {
    /// What its figures can be compared with.
    pub series: Series,
    /// What lay under the measurement.
    pub epoch: Epoch,
}

/// The figures of lists: means over all measured generations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// `ttft@1`, ms.
    pub ttft_ms: f64,
    /// `tpot@1`, ms per token.
    pub tpot_ms: f64,
    /// `e2e_latency@1`, s.
    pub latency_s: f64,
    /// `e2e_throughput@1`: total tokens over total seconds.
    pub throughput_tok_s: f64,
}

impl Entry {
    /// What there is to say of a record.
    #[must_use]
    pub fn of(path: PathBuf, record: &AnyRecord) -> Self {
        let run = record.run();
        let place = record.place();
        let (kind, outcome, verdict) = match record {
            AnyRecord::Run(run) => (RecordKind::RunRecord, run.outcome, None),
            AnyRecord::Ab(ab) => {
                let verdict = ab.decision.as_ref().map(|decision| decision.verdict);
                (RecordKind::AbRecord, ab.outcome, verdict)
            }
        };
        Self {
            path,
            kind,
            run_id: place.run_id.to_owned(),
            when_utc: place.when_utc.to_owned(),
            commit: run.commit.as_ref().map(|commit| EntryCommit {
                sha: commit.sha.clone(),
                author_date_utc: commit.author_date_utc.clone(),
                dirty: commit.dirty,
            }),
            outcome,
            golden: golden(run),
            figures: Headline::of(run),
            verdict,
            setting: Arc::new(Setting { series: Series::of(run), epoch: Epoch::of(run) }),
        }
    }

    /// Whether others may be held against it: a run that came to its end, of a clean tree, whose output
    /// was held against goldens, with speed.
    #[must_use]
    pub fn may_be_baseline(&self) -> bool {
        self.kind == RecordKind::RunRecord
            && self.outcome == Outcome::Complete
            && self.commit.as_ref().is_some_and(|commit| !commit.dirty)
            && self.golden.is_some_and(GoldenResult::is_verified)
            && self.figures.is_some()
    }
}

/// The worst word of all prompts; None where one was not judged.
fn golden(run: &RunRecord) -> Option<GoldenResult> {
    let words = run
        .workload
        .prompts
        .iter()
        .map(|asked| run.prompts.iter().find(|judged| judged.id == asked.id).map(|judged| judged.golden));
    words.collect::<Option<Vec<_>>>()?.into_iter().max()
}

impl Headline {
    /// The means of a run; None where a prompt has no speed, for then they would be of something else.
    fn of(run: &RunRecord) -> Option<Self> {
        let measured = run.samples.iter().filter(|sample| sample.role == SampleRole::Measured);
        let samples: Vec<Sample> = measured.filter_map(SampleRecord::timed).collect();
        let has_speed = |id: &str| samples.iter().any(|sample| sample.prompt_id == id);
        if samples.is_empty() || !run.workload.prompts.iter().all(|prompt| has_speed(&prompt.id)) {
            return None;
        }
        let sum = |metric: Metric| {
            let values = samples.iter().map(|sample| metric.of(sample).map(|figure| figure.value));
            values.sum::<Option<f64>>()
        };
        let count = samples.len() as f64;
        let tokens: usize = samples.iter().map(|sample| sample.token_ids.len()).sum();
        let seconds = sum(Metric::EndToEndLatency)?;
        Some(Self {
            ttft_ms: sum(Metric::TimeToFirstToken)? / count,
            tpot_ms: sum(Metric::TimePerOutputToken)? / count,
            latency_s: seconds / count,
            throughput_tok_s: tokens as f64 / seconds,
        })
    }
}
