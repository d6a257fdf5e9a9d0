//! A metric along a timeline: what charts, tables and data are made of.

use crate::error::Result;
use crate::judge::MeanInterval;
use crate::measure::protocol::CacheState;
use crate::measure::{Direction, Metric};
use crate::record::{PromptSummary, PublishedReference, PublishedSeries, SummaryRow};
use crate::report::chart::{PromptLine, Reference};
use crate::report::number::change_percent;
use crate::report::view::{Change, Timeline, changes_of};
use crate::visible::one_line;

/// Memory is shown in MiB.
const MEBIBYTE: f64 = (1_u64 << 20) as f64;

/// A metric as the pages show it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownMetric {
    /// Names it in addresses and in the page's data.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What the overview calls a regression or an improvement of it; None where it does not watch it.
    pub(super) watched: Option<Watched>,
    pub(super) metric: Metric,
    pub(super) mean: fn(&SummaryRow) -> Option<f64>,
    /// By measuring process, of which the interval is made; None where that is not stored.
    pub(super) processes: Option<fn(&SummaryRow) -> &[f64]>,
    /// Of a prompt; None where prompts have no value of their own.
    pub(super) prompt: Option<fn(&PromptSummary) -> f64>,
}

/// The words of the overview for a metric of which less is better: in a sentence, and before "regression".
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    pub(super) name: &'static str,
    pub(super) short: &'static str,
}

/// All metrics of the pages. Cold and warm loads are two of them, as with and without a cache.
pub(super) const SHOWN: [ShownMetric; 8] = [
    ShownMetric {
        name: "tpot",
        title: "Time per output token",
        watched: Some(Watched { name: "time per output token", short: "TPOT" }),
        metric: Metric::TimePerOutputToken,
        mean: |run| Some(run.tpot_ms),
        processes: Some(|run| &run.process_tpot_ms),
        prompt: Some(|prompt| prompt.tpot_ms),
    },
    ShownMetric {
        name: "ttft",
        title: "Time to first token",
        watched: Some(Watched { name: "time to first token", short: "TTFT" }),
        metric: Metric::TimeToFirstToken,
        mean: |run| Some(run.ttft_ms),
        processes: None,
        prompt: Some(|prompt| prompt.ttft_ms),
    },
    ShownMetric {
        name: "throughput",
        title: "End-to-end throughput",
        watched: None,
        metric: Metric::EndToEndThroughput,
        mean: |run| Some(run.throughput_tok_s),
        processes: Some(|run| &run.process_throughput_tok_s),
        prompt: Some(|prompt| prompt.throughput_tok_s),
    },
    memory("rss", "Peak memory of the process", "peak memory", Metric::PeakRss, |run| {
        run.peak_rss_bytes.map(mebibytes)
    }),
    memory(
        "device-memory",
        "Peak memory of the device",
        "peak device memory",
        Metric::PeakDeviceMemory,
        |run| run.peak_device_memory_bytes.map(mebibytes),
    ),
    load("load-warm", "Load, with a warm cache", |run| load_s(run, CacheState::Warm)),
    load("load-cold", "Load, into a cold cache", |run| load_s(run, CacheState::Cold)),
    load("load-off", "Load, without a cache", |run| load_s(run, CacheState::Off)),
];

const fn memory(
    name: &'static str,
    title: &'static str,
    in_a_sentence: &'static str,
    metric: Metric,
    mean: fn(&SummaryRow) -> Option<f64>,
) -> ShownMetric {
    let watched = Some(Watched { name: in_a_sentence, short: "memory" });
    ShownMetric { name, title, watched, metric, mean, processes: None, prompt: None }
}

const fn load(name: &'static str, title: &'static str, mean: fn(&SummaryRow) -> Option<f64>) -> ShownMetric {
    ShownMetric { name, title, watched: None, metric: Metric::Load, mean, processes: None, prompt: None }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MEBIBYTE
}

fn load_s(run: &SummaryRow, state: CacheState) -> Option<f64> {
    run.load.filter(|load| load.compiled_model_cache == state).map(|load| load.mean_s)
}

impl ShownMetric {
    pub(super) fn is_memory(&self) -> bool {
        matches!(self.metric, Metric::PeakRss | Metric::PeakDeviceMemory)
    }

    /// What its values are shown in.
    pub(super) fn unit(&self) -> &'static str {
        if self.is_memory() { "MiB" } else { self.metric.unit() }
    }

    /// Unit and direction, as in "ms/token, lower is better".
    pub(super) fn measure(&self) -> String {
        format!("{}, {} is better", self.unit(), self.metric.direction().as_str())
    }

    /// Whether a change by so much is for the worse.
    pub(super) fn is_worse(&self, percent: f64) -> bool {
        match self.metric.direction() {
            Direction::Lower => percent > 0.0,
            Direction::Higher => percent < 0.0,
        }
    }
}

/// A metric at each commit of a timeline.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) shown: &'static ShownMetric,
    /// The value of the run; None leaves a gap.
    pub(super) means: Vec<Option<f64>>,
    /// Where the mean lies, with 95 % confidence; None with one process, and of what is not stored by process.
    pub(super) intervals: Vec<Option<MeanInterval>>,
    /// By prompt, in the order requested.
    pub(super) prompts: Vec<PromptLine>,
    /// From which commits on it is another.
    pub(super) changes: Vec<Change>,
    /// Published values of the same model, device and workload.
    pub(super) references: Vec<Reference>,
}

impl Track {
    /// Whether any commit has an interval.
    pub(super) fn has_intervals(&self) -> bool {
        self.intervals.iter().any(Option::is_some)
    }
}

/// The metrics that a timeline has, in the order of the page.
///
/// # Errors
/// A value that is no number.
pub(super) fn tracks(
    timeline: &Timeline<'_>,
    published: &PublishedReference,
    series: &[PublishedSeries],
) -> Result<Vec<Track>> {
    let runs: Vec<Option<&SummaryRow>> = timeline.points.iter().map(|point| point.metric_values()).collect();
    let track = |shown: &'static ShownMetric| {
        Ok(Track {
            shown,
            means: runs.iter().map(|run| run.and_then(shown.mean)).collect(),
            intervals: runs
                .iter()
                .map(|run| run.zip(shown.processes).and_then(|(run, of)| MeanInterval::of(of(run))))
                .collect(),
            prompts: shown.prompt.map(|value| prompts(&runs, value)).unwrap_or_default(),
            changes: changes_of(&timeline.points, &timeline.epochs, shown.mean)?,
            references: if shown.metric == Metric::EndToEndThroughput {
                references(&runs, published, series)
            } else {
                Vec::new()
            },
        })
    };
    let is_there = |shown: &&ShownMetric| runs.iter().flatten().any(|run| (shown.mean)(run).is_some());
    SHOWN.iter().filter(is_there).map(track).collect()
}

/// The prompts of the newest run; one that an older run does not have leaves a gap.
fn prompts(runs: &[Option<&SummaryRow>], value: fn(&PromptSummary) -> f64) -> Vec<PromptLine> {
    let newest = runs.iter().rev().flatten().next();
    let prompts = newest.map(|run| run.prompts.as_slice()).unwrap_or_default();
    let line = |(place, prompt): (usize, &PromptSummary)| {
        let of_run = |run: &SummaryRow| run.prompts.get(place).filter(|it| it.id == prompt.id).map(value);
        PromptLine {
            name: one_line(&prompt.id),
            metric_values: runs.iter().map(|run| run.and_then(of_run)).collect(),
        }
    };
    prompts.iter().enumerate().map(line).collect()
}

/// The value that runs are compared with, and beside it the other series of the same table. They hold for
/// one model, device and workload: where no run is of these, there are none.
fn references(
    runs: &[Option<&SummaryRow>],
    published: &PublishedReference,
    series: &[PublishedSeries],
) -> Vec<Reference> {
    let newest = runs.iter().rev().flatten().find_map(|run| run.published_tok_s);
    let Some(metric_value) = newest else { return Vec::new() };
    let own = &published.reference.series;
    let reference = |name: &str, metric_value: f64| Reference { label: one_line(name), metric_value };
    let others = series.iter().filter(|series| series.name != *own);
    let others = others.map(|series| reference(&series.name, series.average_tok_s));
    [reference(own, metric_value)].into_iter().chain(others).collect()
}

/// By how much a metric changed, percent.
pub(super) fn percent_of(change: Change) -> Option<f64> {
    change.point.ratio().map(change_percent)
}
