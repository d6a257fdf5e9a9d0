//! Trends: every metric along the commits of each machine, model, device and workload.

mod data;
#[cfg(test)]
pub(in crate::report) mod example;
mod line_chart;
#[cfg(test)]
mod tests;
mod timeline_view;

use std::collections::BTreeMap;
use std::path::PathBuf;

use data::timeline_data;
use serde_json::{Value, json};

use crate::error::Result;
use crate::record::{AbSummary, Entry, Outcome, PublishedReference, PublishedSeries, Verdict};
use crate::report::mark::{Badge, Mark, is_invalid};
use crate::report::number::four_digits;
use crate::report::render::json_block;
use crate::report::view::track::{Track, tracks};
use crate::report::view::{Point, Timeline, place_in};
use crate::visible::one_line;
pub(in crate::report::view) use line_chart::small_chart;
use timeline_view::{timeline_csv, timeline_view};

/// Commits that charts without a script have room for in one page, beside those of the first timeline. A
/// chart has six hundred columns at most, so a longer timeline counts as so many.
const CHARTED_COMMITS: usize = 1_000;
const COLUMNS: usize = 600;
/// Rows of a table, where the charts stand in the page, and where they do not.
const ROWS: usize = 100;
const FEW_ROWS: usize = 10;

/// What the page is made of.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct HistorySources<'a> {
    /// Every timeline, the one that was measured last first.
    pub(in crate::report) timelines: &'a [Timeline<'a>],
    pub(in crate::report) published: &'a PublishedReference,
    pub(in crate::report) published_series: &'a [PublishedSeries],
}

/// The page and what stands beside it.
#[derive(Debug, Clone)]
pub(in crate::report) struct HistoryPage {
    pub(in crate::report) view: Value,
    /// The data of the page's script.
    pub(in crate::report) data: String,
    /// All values, each file by its path below the site's folder.
    pub(in crate::report) csv_files: Vec<(PathBuf, String)>,
}

/// A timeline with what its parts are made of.
struct TimelineParts<'a> {
    timeline: &'a Timeline<'a>,
    /// Stays the same with a new runtime, so that addresses hold.
    id: String,
    /// OpenVINO's versions in the order of their first commit.
    runtimes: Vec<String>,
    /// By commit.
    standings: Vec<Option<Standing>>,
    /// The epoch of each commit, from 1.
    epochs: Vec<usize>,
    tracks: Vec<Track>,
}

/// How much of a timeline stands in the page without its script.
#[derive(Debug, Clone, Copy)]
struct Extent {
    is_open: bool,
    has_charts: bool,
}

impl HistoryPage {
    /// The page of these timelines.
    ///
    /// # Errors
    /// A value that is no number.
    pub(in crate::report) fn of(sources: HistorySources<'_>) -> Result<Self> {
        let (mut data, mut views, mut csv_files) = (Vec::new(), Vec::new(), Vec::new());
        let mut room = CHARTED_COMMITS;
        for timeline in sources.timelines {
            let tracks = tracks(timeline, sources.published, sources.published_series)?;
            let parts = TimelineParts::of(timeline, tracks);
            let is_open = views.is_empty();
            let needed = timeline.points.len().min(COLUMNS);
            let has_charts = is_open || needed <= room;
            if has_charts && !is_open {
                room -= needed;
            }
            views.push(timeline_view(&parts, Extent { is_open, has_charts }));
            csv_files.push((parts.csv_file().into(), timeline_csv(&parts)?));
            data.push(timeline_data(parts));
        }
        let reference = &sources.published.reference;
        let published = format!("{} {}", four_digits(reference.value), reference.metric.unit());
        let view = json!({ "timelines": views, "published": published });
        Ok(Self { view, data: json_block(&BTreeMap::from([("timelines", data)]))?, csv_files })
    }
}

impl<'a> TimelineParts<'a> {
    fn of(timeline: &'a Timeline<'a>, tracks: Vec<Track>) -> Self {
        let mut runtimes: Vec<String> = Vec::new();
        for point in &timeline.points {
            place_in(&mut runtimes, runtime_name(point.entry));
        }
        let epoch = |at: usize| timeline.epochs.iter().filter(|epoch| epoch.at <= at).count() + 1;
        Self {
            id: timeline.setting.line().id(),
            runtimes,
            standings: timeline.points.iter().map(Standing::of).collect(),
            epochs: (0..timeline.points.len()).map(epoch).collect(),
            tracks,
            timeline,
        }
    }

    fn csv_file(&self) -> String {
        format!("csv/{}.csv", self.id)
    }
}

/// The runtime that a record was measured with, for people.
fn runtime_name(entry: &Entry) -> String {
    let version = entry.setting.series.openvino.as_deref();
    version.map_or("no OpenVINO".to_owned(), |it| format!("OpenVINO {}", one_line(it)))
}

/// The result on a commit: its A/B's, or why it has no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    mark: Mark,
    word: &'static str,
}

impl Standing {
    /// None where the commit has values and was compared with no other.
    fn of(point: &Point<'_>) -> Option<Self> {
        let ab = point.ab_summary().filter(|ab| !ab.is_against_itself);
        let of_verdict = |verdict: Verdict| Self { mark: verdict.into(), word: verdict.in_words() };
        match ab.and_then(|ab| ab.gate_verdict.or(ab.verdict)) {
            _ if point.entry.outcome == Outcome::WrongOutput => Some(of_verdict(Verdict::WrongOutput)),
            _ if ab.is_some_and(AbSummary::passes_with_warning) => {
                Some(Self { mark: Mark::Warns, word: "pass with warning" })
            }
            Some(verdict) => Some(of_verdict(verdict)),
            None if point.metric_values().is_some() => None,
            None if is_invalid(point.entry) => Some(Self { mark: Mark::Warns, word: "INVALID" }),
            None => Some(Self { mark: Mark::NotJudged, word: "no verified output" }),
        }
    }

    fn badge(self) -> Badge {
        Badge::new(self.mark, self.word)
    }
}

/// The day of a UTC label, as in "2026-11-24".
fn day(utc: &str) -> &str {
    utc.get(..10).unwrap_or(utc)
}
