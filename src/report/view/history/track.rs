//! A figure along a timeline: what charts, tables and data are made of.

use crate::error::Result;
use crate::judge::MeanInterval;
use crate::measure::Metric;
use crate::record::{PromptSummary, PublishedReference, PublishedSeries, SummaryRow};
use crate::report::number::change_percent;
use crate::report::view::history::shown_metric::{SHOWN, ShownMetric};
use crate::report::view::{Change, Timeline, changes_of};
use crate::visible::one_line;

/// A figure at each commit of a timeline.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) shown: &'static ShownMetric,
    /// The figure of the run; None leaves a gap.
    pub(super) means: Vec<Option<f64>>,
    /// Where the mean lies, with 95 % confidence; None with one process, and of figures that are not kept
    /// by process.
    pub(super) intervals: Vec<Option<MeanInterval>>,
    /// By prompt, in the order requested.
    pub(super) prompts: Vec<PromptTrack>,
    /// From which commits on it is another.
    pub(super) changes: Vec<Change>,
    /// Published figures of the same model, device and workload.
    pub(super) references: Vec<PublishedFigureShown>,
}

impl Track {
    /// Whether any commit has an interval.
    pub(super) fn has_intervals(&self) -> bool {
        self.intervals.iter().any(Option::is_some)
    }
}

/// A figure of one prompt at each commit.
#[derive(Debug, Clone)]
pub(super) struct PromptTrack {
    pub(super) id: String,
    pub(super) figures: Vec<Option<f64>>,
}

/// A published figure that is shown beside ours.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PublishedFigureShown {
    pub(super) label: String,
    pub(super) figure: f64,
}

/// What was published.
#[derive(Debug, Clone, Copy)]
pub(super) struct Published<'a> {
    pub(super) reference: &'a PublishedReference,
    pub(super) series: &'a [PublishedSeries],
}

/// The figures that a timeline has, in the order of the page.
pub(super) fn tracks(timeline: &Timeline<'_>, published: Published<'_>) -> Result<Vec<Track>> {
    let figures: Vec<Option<&SummaryRow>> = timeline.points.iter().map(|point| point.figures()).collect();
    let has = |shown: &&ShownMetric| figures.iter().flatten().any(|it| (shown.mean)(it).is_some());
    SHOWN.iter().filter(has).map(|shown| track(timeline, &figures, shown, published)).collect()
}

fn track(
    timeline: &Timeline<'_>,
    figures: &[Option<&SummaryRow>],
    shown: &'static ShownMetric,
    published: Published<'_>,
) -> Result<Track> {
    // These were looked for when the timeline was made.
    let changes = if shown.metric == Metric::TimePerOutputToken {
        timeline.tpot_changes.clone()
    } else {
        changes_of(&timeline.points, &timeline.epochs, shown.mean)?
    };
    Ok(Track {
        shown,
        means: figures.iter().map(|it| it.and_then(shown.mean)).collect(),
        intervals: figures.iter().map(|it| it.and_then(|it| shown.interval(it))).collect(),
        prompts: shown.prompt.map(|value| prompts(figures, value)).unwrap_or_default(),
        changes,
        references: if shown.is_published() { references(figures, published) } else { Vec::new() },
    })
}

/// The prompts of the newest run; one that an older run does not have leaves a gap.
fn prompts(figures: &[Option<&SummaryRow>], value: fn(&PromptSummary) -> f64) -> Vec<PromptTrack> {
    let newest = figures.iter().rev().flatten().next();
    let ids = newest.map(|it| it.prompts.as_slice()).unwrap_or_default().iter().enumerate();
    let track = |(place, id): (usize, &str)| PromptTrack {
        id: one_line(id),
        figures: figures
            .iter()
            .map(|it| it.and_then(|it| it.prompts.get(place)).filter(|it| it.id == id).map(value))
            .collect(),
    };
    ids.map(|(place, prompt)| track((place, prompt.id.as_str()))).collect()
}

/// The figure that runs are compared with, and beside it the other series of the same table. They hold for
/// one model, device and workload: where no run is of these, there are none.
fn references(figures: &[Option<&SummaryRow>], published: Published<'_>) -> Vec<PublishedFigureShown> {
    let newest = figures.iter().rev().flatten().find_map(|it| it.published_tok_s);
    let Some(figure) = newest else { return Vec::new() };
    let known_answer = &published.reference.reference.series;
    let others = published.series.iter().filter(|series| series.name != *known_answer);
    let shown = |name: &str, figure: f64| PublishedFigureShown { label: one_line(name), figure };
    [shown(known_answer, figure)]
        .into_iter()
        .chain(others.map(|series| shown(&series.name, series.average_tok_s)))
        .collect()
}

/// By how much a figure changed, percent.
pub(super) fn percent_of(change: Change) -> Option<f64> {
    change.point.ratio().map(change_percent)
}
