//! What changed on a timeline: change points and epochs, newest first.

use serde::Serialize;

use crate::measure::Metric;
use crate::report::decision::Mark;
use crate::report::number::{change_percent, counted, four_digits, signed_percent};
use crate::report::one_line;
use crate::report::view::overview::OverviewSources;
use crate::report::view::overview::levels::Track;
use crate::report::view::{Badge, CommitLink, EpochStart, Timeline, exchanged};

/// So many changes are told.
const SHOWN: usize = 8;

/// A change and its reason.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChangeRow {
    /// The commit from which on it is so.
    commit: Option<CommitLink>,
    /// When that was authored, UTC.
    date_utc: String,
    /// Its subject; None where it is not known.
    subject: Option<String>,
    /// Slower, faster, or something else.
    badge: Badge,
    /// Of which figure; None for an epoch.
    figure: Option<&'static str>,
    /// By how much, as in "+4.80 %"; None for an epoch.
    change: Option<String>,
    /// Why it is thought so.
    because: String,
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
        let told = (0..track.changes.len()).map(|number| of_change(timeline, track, number));
        told.collect::<Vec<_>>()
    };
    let points = tracks.iter().flat_map(of_track);
    let epochs = timeline.epochs.iter().map(|epoch| of_epoch(timeline, epoch));
    let mut rows: Vec<ChangeRow> = epochs.chain(points).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    rows.truncate(SHOWN);
    for row in &mut rows {
        let subject = (sources.subject_of)(timeline.points[row.at].entry);
        row.subject = subject.map(|subject| one_line(&subject)).filter(|subject| !subject.is_empty());
    }
    rows
}

fn of_change(timeline: &Timeline<'_>, track: &Track, number: usize) -> ChangeRow {
    let (watched, change) = (track.watched, track.changes[number]);
    let percent = change.point.ratio().map_or(f64::NAN, change_percent);
    let is_worse = change.point.mean_after > change.point.mean_before;
    let badge = if is_worse {
        Badge::new(Mark::Fails, watched.worse)
    } else {
        Badge::new(Mark::Holds, watched.better)
    };
    let (before, after) = commits_around(timeline, track, number);
    let because = format!(
        "{} {} on average over {} before, {} over {} from here on ({}; by chance with p {:.0e})",
        told(change.point.mean_before, watched.metric),
        unit(watched.metric),
        counted(before, "commit"),
        told(change.point.mean_after, watched.metric),
        counted(after, "commit"),
        watched.metric.id(),
        change.point.p_value,
    );
    ChangeRow {
        badge,
        figure: Some(watched.name),
        change: Some(signed_percent(percent)),
        because,
        ..row(timeline, change.at)
    }
}

/// Over how many commits with figures each side of a change is a mean.
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

/// Memory is told in MiB, all else in its own unit.
fn told(value: f64, metric: Metric) -> String {
    four_digits(if metric.unit() == "bytes" { value / f64::from(1 << 20) } else { value })
}

fn unit(metric: Metric) -> &'static str {
    if metric.unit() == "bytes" { "MiB" } else { metric.unit() }
}

fn of_epoch(timeline: &Timeline<'_>, epoch: &EpochStart) -> ChangeRow {
    let changes: Vec<String> = epoch.changes.iter().map(exchanged).collect();
    ChangeRow {
        badge: Badge::new(Mark::NotJudged, "new epoch"),
        because: format!("what lies under the measurement was exchanged: {}", changes.join(", ")),
        ..row(timeline, epoch.at)
    }
}

fn row(timeline: &Timeline<'_>, at: usize) -> ChangeRow {
    let point = &timeline.points[at];
    ChangeRow {
        commit: CommitLink::of(point.sha),
        date_utc: point.author_date_utc.to_owned(),
        subject: None,
        badge: Badge::new(Mark::NotJudged, ""),
        figure: None,
        change: None,
        because: String::new(),
        at,
    }
}
