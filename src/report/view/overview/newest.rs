//! The newest record with its values, whether they are valid or not: the last value is always on the overview.

use serde::Serialize;

use crate::golden::GoldenResult;
use crate::measure::Metric;
use crate::record::{Entry, Outcome, SummaryRow};
use crate::report::number::four_digits;
use crate::report::view::overview::OverviewSources;
use crate::report::view::{Badge, CommitLink};
use crate::visible::one_line;

/// The newest record.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewestRecord {
    badge: Badge,
    /// Why it is on no timeline; None where it may be.
    rejected: Option<&'static str>,
    /// Throughput, TPOT and TTFT; None where it has none that its output allows.
    values: Option<String>,
    /// Model, device and machine.
    on: String,
    commit: Option<CommitLink>,
    when_utc: String,
}

impl NewestRecord {
    /// None where there is no record.
    pub(super) fn of(sources: OverviewSources<'_>) -> Option<Self> {
        let entry = sources.entries.iter().max_by_key(|entry| (&entry.when_utc, &entry.run_id))?;
        let series = &entry.setting.series;
        let rejected = match &entry.commit {
            None => Some("measured outside of a repository"),
            Some(commit) if commit.dirty => Some("measured with uncommitted changes"),
            Some(_) => None,
        };
        Some(Self {
            badge: Badge::of_entry(entry),
            rejected,
            values: shown_values(entry).map(in_words),
            on: one_line(&format!("{} on {}, {}", series.model, series.device_in_words(), series.machine)),
            commit: entry.commit.as_ref().and_then(|commit| CommitLink::of(&commit.sha)),
            when_utc: entry.when_utc.clone(),
        })
    }
}

/// The values of a record that ended without wrong output. Invalid ones are shown as such.
pub(super) fn shown_values(entry: &Entry) -> Option<&SummaryRow> {
    let has_output = entry.outcome == Outcome::Complete && entry.golden != Some(GoldenResult::Break);
    entry.figures.as_ref().filter(|_| has_output)
}

fn in_words(values: &SummaryRow) -> String {
    let value = |value: f64, metric: Metric| format!("{} {}", four_digits(value), metric.unit());
    format!(
        "{}, TPOT {}, TTFT {}",
        value(values.throughput_tok_s, Metric::EndToEndThroughput),
        value(values.tpot_ms, Metric::TimePerOutputToken),
        value(values.ttft_ms, Metric::TimeToFirstToken)
    )
}
