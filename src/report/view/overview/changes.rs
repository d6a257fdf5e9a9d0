//! What changed on a timeline: change points and epochs, newest first.

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::report::mark::{Badge, Mark};
use crate::report::number::{change_percent, counted, four_digits, signed_percent};
use crate::report::view::overview::{OverviewSources, since};
use crate::report::view::track::Track;
use crate::report::view::{EpochStart, Timeline, changed};

const SHOWN: usize = 8;

/// The newest changes of a timeline, newest first.
pub(super) fn rows(timeline: &Timeline<'_>, tracks: &[Track], sources: OverviewSources<'_>) -> Vec<Value> {
    let changes = tracks.iter().flat_map(|track| of_track(timeline, track));
    let mut rows: Vec<(usize, Value)> = timeline.epochs.iter().map(of_epoch).chain(changes).collect();
    rows.sort_by_key(|(at, _)| Reverse(*at));
    rows.truncate(SHOWN);
    let with_commit = |(at, mut row): (usize, Value)| {
        row["since"] = since(timeline, at, sources);
        row
    };
    rows.into_iter().map(with_commit).collect()
}

/// The change points of a metric that is watched, each with its place.
fn of_track(timeline: &Timeline<'_>, track: &Track) -> Vec<(usize, Value)> {
    let Some(watched) = track.shown.watched else { return Vec::new() };
    let row = |(number, change): (usize, &crate::report::view::Change)| {
        let point = change.point;
        let badge = if point.mean_after > point.mean_before {
            // A change point is advice: only an A/B fails.
            Badge::new(Mark::Warns, format!("{} regression", watched.short))
        } else {
            Badge::new(Mark::Holds, format!("{} improvement", watched.short))
        };
        let (before, after) = commits_around(timeline, track, number);
        let reason = format!(
            "mean {} over {} before, {} {} over {} since ({}, {})",
            four_digits(point.mean_before),
            counted(before, "commit"),
            four_digits(point.mean_after),
            track.shown.unit(),
            counted(after, "commit"),
            track.shown.metric.id(),
            probability(point.p_value),
        );
        let percent = signed_percent(point.ratio().map_or(f64::NAN, change_percent));
        let row = json!({ "badge": badge, "metric": watched.name, "change": percent, "reason": reason });
        (change.at, row)
    };
    track.changes.iter().enumerate().map(row).collect()
}

/// A p-value. One that is too small for a number is below the smallest that is reported.
fn probability(p_value: f64) -> String {
    const SMALLEST: f64 = 1e-99;
    if p_value < SMALLEST { "p < 1e-99".to_owned() } else { format!("p = {p_value:.0e}") }
}

/// How many valid commits the mean of each side is of.
fn commits_around(timeline: &Timeline<'_>, track: &Track, number: usize) -> (usize, usize) {
    let at = track.changes[number].at;
    let epochs = timeline.epochs.iter().map(|epoch| epoch.at);
    let bounds = epochs.chain(track.changes.iter().map(|change| change.at));
    let from = bounds.clone().filter(|bound| *bound < at).max().unwrap_or(0);
    let to = bounds.filter(|bound| *bound > at).min().unwrap_or(timeline.points.len());
    let valid = |from: usize, to: usize| {
        timeline.points[from..to].iter().filter(|point| point.metric_values().is_some()).count()
    };
    (valid(from, at), valid(at, to))
}

fn of_epoch(epoch: &EpochStart) -> (usize, Value) {
    let changes: Vec<String> = epoch.changes.iter().map(changed).collect();
    let reason = format!("environment change: {}", changes.join(", "));
    let badge = Badge::new(Mark::NotJudged, "new epoch");
    (epoch.at, json!({ "badge": badge, "metric": null, "change": null, "reason": reason }))
}
