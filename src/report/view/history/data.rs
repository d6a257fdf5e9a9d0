//! The data of the page's script: columns instead of rows, for ten thousand commits weigh.

use std::iter;

use serde::Serialize;

use crate::report::view::history::day;
use crate::report::view::history::metric_data::{MetricData, metrics_of};
use crate::report::view::history::standing::Standing;
use crate::report::view::history::timeline_view::{TimelineNames, runtime_name};
use crate::report::view::history::track::Track;
use crate::report::view::{Point, Timeline, exchanged};
use crate::visible::one_line;

/// Digits by which a commit is shown and found in an address.
const SHA_DIGITS: usize = 12;

/// All timelines of the page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct HistoryData {
    pub(super) timelines: Vec<TimelineData>,
}

/// One of them. A script knows a commit by its place.
#[derive(Debug, Clone, Serialize)]
pub(super) struct TimelineData {
    id: String,
    machine: String,
    model: String,
    device: String,
    workload: String,
    runtimes: Vec<String>,
    /// Where another runtime begins.
    runtime_starts: Vec<RuntimeStart>,
    /// The first twelve digits of each commit.
    shas: Vec<String>,
    /// The author's day of each commit, as in "2026-11-24".
    days: Vec<String>,
    /// Words on commits; a letter in `standings` is the place here, "." none.
    words: Vec<StandingData>,
    standings: String,
    epochs: Vec<EpochData>,
    metrics: Vec<MetricData>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct RuntimeStart {
    at: usize,
    runtime: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct StandingData {
    class: &'static str,
    glyph: &'static str,
    word: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct EpochData {
    at: usize,
    text: String,
}

impl TimelineData {
    pub(super) fn of(
        timeline: &Timeline<'_>,
        names: &TimelineNames,
        standings: &[Option<Standing>],
        tracks: &[Track],
    ) -> Self {
        let mut words: Vec<Standing> = Vec::new();
        let standings = standings.iter().map(|standing| {
            let Some(standing) = standing else { return '.' };
            let place = words.iter().position(|word| word == standing).unwrap_or_else(|| {
                words.push(*standing);
                words.len() - 1
            });
            // There are fewer words than letters.
            u8::try_from(place).map_or('.', |place| char::from(b'a'.saturating_add(place)))
        });
        let standings = standings.collect();
        Self {
            id: names.id.clone(),
            machine: names.machine.clone(),
            model: names.model.clone(),
            device: names.device.clone(),
            workload: names.workload.clone(),
            runtimes: names.runtimes.clone(),
            runtime_starts: runtime_starts(timeline, &names.runtimes),
            shas: timeline.points.iter().map(|point| point.sha.chars().take(SHA_DIGITS).collect()).collect(),
            days: timeline.points.iter().map(|point| one_line(day(point.author_date_utc))).collect(),
            words: words
                .iter()
                .map(|it| StandingData { class: it.mark.as_str(), glyph: it.mark.shape(), word: it.word })
                .collect(),
            standings,
            epochs: timeline
                .epochs
                .iter()
                .map(|epoch| EpochData {
                    at: epoch.at,
                    text: epoch.changes.iter().map(exchanged).collect::<Vec<_>>().join(", "),
                })
                .collect(),
            metrics: metrics_of(tracks),
        }
    }
}

fn runtime_starts(timeline: &Timeline<'_>, runtimes: &[String]) -> Vec<RuntimeStart> {
    let of = |point: &Point<'_>| {
        let name = runtime_name(point.entry);
        runtimes.iter().position(|it| *it == name).unwrap_or_default()
    };
    let all = timeline.points.iter().map(of).enumerate();
    let mut before = iter::once(None).chain(timeline.points.iter().map(|point| Some(of(point))));
    all.filter(|(_, runtime)| before.next().flatten() != Some(*runtime))
        .map(|(at, runtime)| RuntimeStart { at, runtime })
        .collect()
}
