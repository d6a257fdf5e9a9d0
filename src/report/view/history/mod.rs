//! Trends: every metric along the commits of each machine, model, device and workload.

mod data;
#[cfg(test)]
pub(in crate::report) mod example;
mod line_chart;
mod metric_data;
mod shown_metric;
mod standing;
mod table;
#[cfg(test)]
mod tests;
mod timeline_csv;
mod timeline_view;
mod track;

use std::path::PathBuf;

use serde::Serialize;

use crate::error::Result;
use crate::measure::Metric;
use crate::record::{PublishedReference, PublishedSeries};
use crate::report::number::four_digits;
use crate::report::render::json_block;
use crate::report::view::Timeline;
use data::{HistoryData, TimelineData};
pub(in crate::report) use line_chart::SmallChart;
use line_chart::small_chart_of;
use standing::{Standing, epoch_numbers};
use timeline_view::{Extent, TimelineNames, TimelineParts, TimelineView};
use track::{Published, tracks};

/// Commits that charts without a script have room for in one page, beside those of the first timeline. A
/// chart has six hundred columns at most, so a longer timeline counts as so many.
const CHARTED_COMMITS: usize = 1_000;
const COLUMNS: usize = 600;
/// Rows of a table, where the charts stand in the page, and where they do not.
const ROWS: usize = 100;
const FEW_ROWS: usize = 10;

/// What the page is made of.
#[derive(Debug, Clone, Copy)]
pub struct HistorySources<'a> {
    /// Every timeline, the one that was measured last first.
    pub timelines: &'a [Timeline<'a>],
    /// What runs are compared with.
    pub published: &'a PublishedReference,
    /// What was published beside it.
    pub published_series: &'a [PublishedSeries],
}

/// The page and what stands beside it.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// What the template tells.
    pub view: HistoryView,
    /// The data of the page's script.
    pub data: String,
    /// The whole figures.
    pub csv_files: Vec<CsvFile>,
}

/// What the template tells.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryView {
    timelines: Vec<TimelineView>,
    /// The figures that ours are compared with.
    published: String,
}

/// A file beside the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvFile {
    /// Below the site's folder.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl HistoryPage {
    /// The page of these timelines.
    ///
    /// # Errors
    /// A figure that is no number.
    pub fn of(sources: HistorySources<'_>) -> Result<Self> {
        let published = Published { reference: sources.published, series: sources.published_series };
        let mut data = HistoryData { timelines: Vec::new() };
        let mut views = Vec::new();
        let mut csv_files = Vec::new();
        let mut room = CHARTED_COMMITS;
        for timeline in sources.timelines {
            let names = TimelineNames::of(timeline);
            let standings: Vec<Option<Standing>> = timeline.points.iter().map(Standing::of).collect();
            let epochs = epoch_numbers(timeline);
            let tracks = tracks(timeline, published)?;
            let is_open = views.is_empty();
            let needed = timeline.points.len().min(COLUMNS);
            let has_charts = is_open || needed <= room;
            if has_charts && !is_open {
                room -= needed;
            }
            let extent = Extent { is_open, has_charts, rows: if has_charts { ROWS } else { FEW_ROWS } };
            let parts = TimelineParts {
                timeline,
                names: &names,
                standings: &standings,
                epochs: &epochs,
                tracks: &tracks,
            };
            views.push(TimelineView::of(parts, extent));
            data.timelines.push(TimelineData::of(timeline, &names, &standings, &tracks));
            csv_files.push(CsvFile {
                path: csv_file(&names.id).into(),
                text: timeline_csv::timeline_csv(timeline, &standings, &epochs, &tracks)?,
            });
        }
        let reference = &sources.published.reference;
        let published = format!("{} {}", four_digits(reference.value), reference.metric.unit());
        Ok(Self { view: HistoryView { timelines: views, published }, data: json_block(&data)?, csv_files })
    }
}

/// The trend of one metric, for the overview: the same values and change points as on the page of the history.
///
/// # Errors
/// A figure that is no number.
pub(in crate::report) fn small_chart(
    timeline: &Timeline<'_>,
    metric: Metric,
    published: &PublishedReference,
) -> Result<Option<SmallChart>> {
    let tracks = tracks(timeline, Published { reference: published, series: &[] })?;
    let track = tracks.iter().find(|track| track.shown.metric == metric);
    Ok(track.and_then(|track| small_chart_of(timeline, track)))
}

/// The CSV of a timeline, from the page.
fn csv_file(id: &str) -> String {
    format!("csv/{id}.csv")
}

/// The day of a UTC label, as in "2026-11-24".
fn day(utc: &str) -> &str {
    utc.get(..10).unwrap_or(utc)
}
