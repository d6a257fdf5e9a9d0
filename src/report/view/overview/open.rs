//! The regressions that are open: decided by an A/B or found by change points, and not fixed since.

use serde::Serialize;

use crate::measure::Metric;
use crate::report::decision::Mark;
use crate::report::number::{change_percent, signed_percent};
use crate::report::view::overview::OverviewSources;
use crate::report::view::overview::answer::open_verdict;
use crate::report::view::overview::commit_line::CommitLine;
use crate::report::view::overview::levels::{Track, WATCHED, losses};
use crate::report::view::{Badge, Timeline};
use crate::visible::one_line;

/// An open regression.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OpenRegression {
    badge: Badge,
    metric: &'static str,
    /// As in "+12.2 %".
    change: String,
    since: CommitLine,
    /// Model, device and machine.
    on: String,
    #[serde(skip)]
    ratio: f64,
}

/// Those of a timeline.
pub(super) fn regressions(
    timeline: &Timeline<'_>,
    tracks: &[Track],
    sources: OverviewSources<'_>,
) -> Vec<OpenRegression> {
    let series = timeline.series;
    let on = format!("{} on {}, {}", series.model, series.device_in_words(), series.machine);
    let row = |mark, word: &str, metric, ratio, since| OpenRegression {
        badge: Badge::new(mark, word),
        metric,
        change: signed_percent(change_percent(ratio)),
        since: CommitLine::of(timeline, since, sources),
        on: one_line(&on),
        ratio,
    };
    let decided = open_verdict(timeline);
    let decided = decided.and_then(|(at, verdict)| {
        let change = timeline.points[at].ab_summary()?.tpot_change?;
        Some(row(Mark::Fails, verdict.as_str(), WATCHED[0].name, change.ratio, at))
    });
    let is_decided = |metric| decided.is_some() && metric == Metric::TimePerOutputToken;
    let found = losses(timeline, tracks, sources.policy);
    let found = found.into_iter().filter(|loss| !is_decided(loss.watched.metric));
    let found: Vec<OpenRegression> = found
        .map(|loss| row(Mark::Warns, loss.watched.worse, loss.watched.name, loss.ratio, loss.since))
        .collect();
    decided.into_iter().chain(found).collect()
}

/// Those of all timelines, the largest change first.
pub(super) fn by_size(mut rows: Vec<OpenRegression>) -> Vec<OpenRegression> {
    rows.sort_by(|one, other| other.ratio.total_cmp(&one.ratio));
    rows
}
