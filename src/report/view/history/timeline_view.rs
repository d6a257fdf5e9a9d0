//! One timeline as the page tells it.

use serde::Serialize;

use crate::record::Entry;
use crate::report::chart::Chart;
use crate::report::decision::Mark;
use crate::report::number::{counted, signed_percent};
use crate::report::view::history::line_chart::chart_of;
use crate::report::view::history::standing::Standing;
use crate::report::view::history::table::{Table, table};
use crate::report::view::history::track::{Track, percent_of};
use crate::report::view::history::{csv_file, day};
use crate::report::view::{Badge, Change, CommitLink, EpochStart, Timeline, exchanged};
use crate::visible::one_line;

/// So many change points of a figure are reported, the newest ones.
const CHANGES: usize = 8;

/// What a timeline is called.
#[derive(Debug, Clone)]
pub(super) struct TimelineNames {
    /// Stays the same with a new runtime, so that addresses hold.
    pub(super) id: String,
    pub(super) machine: String,
    pub(super) model: String,
    pub(super) device: String,
    /// The first digits of the identity of prompts and protocol.
    pub(super) workload: String,
    /// In the order of their first commit.
    pub(super) runtimes: Vec<String>,
}

/// A timeline.
#[derive(Debug, Clone, Serialize)]
pub(super) struct TimelineView {
    id: String,
    title: String,
    setting: String,
    measured: String,
    is_open: bool,
    csv_href: String,
    metrics: Vec<MetricView>,
    epochs: Vec<EpochRow>,
}

/// A figure.
#[derive(Debug, Clone, Serialize)]
struct MetricView {
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    measure: String,
    definition: &'static str,
    /// None where only the script draws it.
    chart: Option<Drawing>,
    /// As in "the newest 8 of 41 change points".
    changed: String,
    changes: Vec<ChangeRow>,
    table: Table,
}

#[derive(Debug, Clone, Serialize)]
struct Drawing {
    wide: String,
    narrow: String,
}

#[derive(Debug, Clone, Serialize)]
struct ChangeRow {
    badge: Badge,
    percent: String,
    commit: Option<CommitLink>,
    day: String,
}

#[derive(Debug, Clone, Serialize)]
struct EpochRow {
    number: usize,
    commit: Option<CommitLink>,
    day: String,
    reason: String,
}

/// How much of a timeline stands in the page without its script.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) is_open: bool,
    pub(super) has_charts: bool,
    pub(super) rows: usize,
}

/// What a timeline's parts are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimelineParts<'a> {
    pub(super) timeline: &'a Timeline<'a>,
    pub(super) names: &'a TimelineNames,
    pub(super) standings: &'a [Option<Standing>],
    pub(super) epochs: &'a [usize],
    pub(super) tracks: &'a [Track],
}

impl TimelineNames {
    pub(super) fn of(timeline: &Timeline<'_>) -> Self {
        let series = timeline.series;
        let mut runtimes: Vec<String> = Vec::new();
        for point in &timeline.points {
            let name = runtime_name(point.entry);
            if !runtimes.contains(&name) {
                runtimes.push(name);
            }
        }
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        Self {
            id: timeline.setting.line().id(),
            machine: one_line(&series.machine),
            model: one_line(&series.model),
            device: one_line(&series.device_in_words()),
            workload: one_line(&short(&series.workload_sha256)),
            runtimes,
        }
    }
}

/// The runtime that a record was measured with, for people.
pub(super) fn runtime_name(entry: &Entry) -> String {
    entry
        .setting
        .series
        .openvino
        .as_deref()
        .map_or("no OpenVINO".to_owned(), |it| format!("OpenVINO {}", one_line(it)))
}

impl TimelineView {
    pub(super) fn of(parts: TimelineParts<'_>, extent: Extent) -> Self {
        let TimelineParts { timeline, names, .. } = parts;
        let measured = timeline.points.iter().filter(|point| point.figures().is_some()).count();
        Self {
            id: names.id.clone(),
            title: format!("{} on {} of {}", names.model, names.device, names.machine),
            setting: names.runtimes.join(", "),
            measured: format!(
                "{}, {measured} with a valid run; {}",
                counted(timeline.points.len(), "commit"),
                counted(timeline.epochs.len() + 1, "epoch")
            ),
            is_open: extent.is_open,
            csv_href: csv_file(&names.id),
            metrics: parts.tracks.iter().map(|track| metric_view(parts, track, extent)).collect(),
            epochs: epoch_rows(timeline),
        }
    }
}

fn metric_view(parts: TimelineParts<'_>, track: &Track, extent: Extent) -> MetricView {
    let TimelineParts { timeline, standings, epochs, .. } = parts;
    let drawing = |chart: Chart| Drawing { wide: chart.wide, narrow: chart.narrow };
    MetricView {
        name: track.shown.name,
        title: track.shown.title,
        unit: track.shown.unit(),
        measure: track.shown.measure(),
        definition: track.shown.metric.id(),
        chart: extent.has_charts.then(|| drawing(chart_of(timeline, standings, track))),
        changed: if track.changes.len() > CHANGES {
            format!("the newest {CHANGES} of {}", counted(track.changes.len(), "change point"))
        } else {
            counted(track.changes.len(), "change point")
        },
        changes: change_rows(timeline, track),
        table: table(timeline, standings, epochs, track, extent.rows),
    }
}

/// The newest change points, newest first.
fn change_rows(timeline: &Timeline<'_>, track: &Track) -> Vec<ChangeRow> {
    let row = |change: &Change| {
        let percent = percent_of(*change)?;
        let is_worse = track.shown.is_worse(percent);
        let badge =
            if is_worse { Badge::new(Mark::Fails, "worse") } else { Badge::new(Mark::Holds, "better") };
        let point = &timeline.points[change.at];
        Some(ChangeRow {
            badge,
            percent: signed_percent(percent),
            commit: CommitLink::of(point.sha),
            day: day(point.author_date_utc).to_owned(),
        })
    };
    track.changes.iter().rev().filter_map(row).take(CHANGES).collect()
}

fn epoch_rows(timeline: &Timeline<'_>) -> Vec<EpochRow> {
    let row = |(number, epoch): (usize, &EpochStart)| {
        let point = &timeline.points[epoch.at];
        EpochRow {
            number,
            commit: CommitLink::of(point.sha),
            day: day(point.author_date_utc).to_owned(),
            reason: epoch.changes.iter().map(exchanged).collect::<Vec<_>>().join("; "),
        }
    };
    (2..).zip(&timeline.epochs).map(row).collect()
}
