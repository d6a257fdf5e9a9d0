//! What changed on a timeline: change points and epochs, newest first.

use serde::Serialize;

use crate::measure::Metric;
use crate::report::decision::Mark;
use crate::report::number::{change_percent, counted, four_digits, signed_percent};
use crate::report::view::overview::OverviewSources;
use crate::report::view::overview::commit_line::CommitLine;
use crate::report::view::overview::levels::Track;
use crate::report::view::{Badge, EpochStart, Timeline, exchanged};

/// So many changes are shown.
const SHOWN: usize = 8;

/// A change and its reason.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChangeRow {
    /// The commit since which it is so.
    since: Option<CommitLine>,
    /// A regression, an improvement, or an epoch.
    badge: Badge,
    /// The metric; None for an epoch.
    metric: Option<&'static str>,
    /// By how much, as in "+4.80 %"; None for an epoch.
    change: Option<String>,
    /// By what it was found.
    reason: String,
    #[serde(skip)]
    at: usize,
}

/// The newest changes of a timeline, newest first.
pub(super) fn rows(
    timeline: &Timeline<'_>,
    tracks: &[Track],
    sources: OverviewSources<'_>,
) -> Vec<ChangeRow> {
    let of_track = |track: &Track| {
        let reported = (0..track.changes.len()).map(|number| of_change(timeline, track, number));
        reported.collect::<Vec<_>>()
    };
    let points = tracks.iter().flat_map(of_track);
    let epochs = timeline.epochs.iter().map(of_epoch);
    let mut rows: Vec<ChangeRow> = epochs.chain(points).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    rows.truncate(SHOWN);
    for row in &mut rows {
        row.since = Some(CommitLine::of(timeline, row.at, sources));
    }
    rows
}

fn of_change(timeline: &Timeline<'_>, track: &Track, number: usize) -> ChangeRow {
    let (watched, change) = (track.watched, track.changes[number]);
    let percent = change.point.ratio().map_or(f64::NAN, change_percent);
    let is_worse = change.point.mean_after > change.point.mean_before;
    let badge = if is_worse {
        // A change point is advice: only an A/B fails.
        Badge::new(Mark::Warns, watched.worse)
    } else {
        Badge::new(Mark::Holds, watched.better)
    };
    let (before, after) = commits_around(timeline, track, number);
    let reason = format!(
        "mean {} over {} before, {} {} over {} since ({}, p = {:.0e})",
        reported(change.point.mean_before, watched.metric),
        counted(before, "commit"),
        reported(change.point.mean_after, watched.metric),
        unit(watched.metric),
        counted(after, "commit"),
        watched.metric.id(),
        change.point.p_value,
    );
    ChangeRow {
        badge,
        metric: Some(watched.name),
        change: Some(signed_percent(percent)),
        reason,
        ..row(change.at)
    }
}

/// How many valid commits the mean of each side is of.
fn commits_around(timeline: &Timeline<'_>, track: &Track, number: usize) -> (usize, usize) {
    let at = track.changes[number].at;
    let epochs = || timeline.epochs.iter().map(|epoch| epoch.at);
    let changes = || track.changes.iter().map(|change| change.at);
    let from = epochs().chain(changes()).filter(|bound| *bound < at).max().unwrap_or(0);
    let to = epochs().chain(changes()).filter(|bound| *bound > at).min().unwrap_or(timeline.points.len());
    let with_figures = |from: usize, to: usize| {
        timeline.points[from..to].iter().filter(|point| point.figures().is_some()).count()
    };
    (with_figures(from, at), with_figures(at, to))
}

/// Memory is in MiB, all else in its own unit.
fn reported(value: f64, metric: Metric) -> String {
    four_digits(if metric.unit() == "bytes" { value / f64::from(1 << 20) } else { value })
}

fn unit(metric: Metric) -> &'static str {
    if metric.unit() == "bytes" { "MiB" } else { metric.unit() }
}

fn of_epoch(epoch: &EpochStart) -> ChangeRow {
    let changes: Vec<String> = epoch.changes.iter().map(exchanged).collect();
    ChangeRow {
        badge: Badge::new(Mark::NotJudged, "new epoch"),
        reason: format!("environment change: {}", changes.join(", ")),
        ..row(epoch.at)
    }
}

fn row(at: usize) -> ChangeRow {
    ChangeRow {
        since: None,
        badge: Badge::new(Mark::NotJudged, ""),
        metric: None,
        change: None,
        reason: String::new(),
        at,
    }
}
