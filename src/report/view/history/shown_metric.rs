//! The figures of the history, in the order of the page.

use crate::judge::MeanInterval;
use crate::measure::protocol::CacheState;
use crate::measure::{Direction, Metric};
use crate::record::{PromptSummary, SummaryRow};

/// How many bytes a figure of memory is reported in.
const GIBIBYTE: f64 = (1_u64 << 30) as f64;

/// A figure of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownMetric {
    /// Names it in addresses and in the page's data.
    pub(super) name: &'static str,
    /// Its name for people.
    pub(super) title: &'static str,
    /// By which definition.
    pub(super) metric: Metric,
    /// Of a run.
    pub(super) mean: fn(&SummaryRow) -> Option<f64>,
    /// By measuring process, of which the interval is made; None where that is not kept.
    pub(super) processes: Option<fn(&SummaryRow) -> &[f64]>,
    /// Of a prompt; None where prompts have no figure of their own.
    pub(super) prompt: Option<fn(&PromptSummary) -> f64>,
}

/// All of them. Cold and warm loads are two figures, as with and without a cache.
pub(super) const SHOWN: [ShownMetric; 8] = [
    ShownMetric {
        name: "tpot",
        title: "Time per output token",
        metric: Metric::TimePerOutputToken,
        mean: |figures| Some(figures.tpot_ms),
        processes: Some(|figures| &figures.process_tpot_ms),
        prompt: Some(|prompt| prompt.tpot_ms),
    },
    ShownMetric {
        name: "ttft",
        title: "Time to first token",
        metric: Metric::TimeToFirstToken,
        mean: |figures| Some(figures.ttft_ms),
        processes: None,
        prompt: Some(|prompt| prompt.ttft_ms),
    },
    ShownMetric {
        name: "throughput",
        title: "End-to-end throughput",
        metric: Metric::EndToEndThroughput,
        mean: |figures| Some(figures.throughput_tok_s),
        processes: Some(|figures| &figures.process_throughput_tok_s),
        prompt: Some(|prompt| prompt.throughput_tok_s),
    },
    ShownMetric {
        name: "rss",
        title: "Peak memory of the process",
        metric: Metric::PeakRss,
        mean: |figures| figures.peak_rss_bytes.map(gibibytes),
        processes: None,
        prompt: None,
    },
    ShownMetric {
        name: "device-memory",
        title: "Peak memory of the device",
        metric: Metric::PeakDeviceMemory,
        mean: |figures| figures.peak_device_memory_bytes.map(gibibytes),
        processes: None,
        prompt: None,
    },
    ShownMetric {
        name: "load-warm",
        title: "Load, with a warm cache",
        metric: Metric::Load,
        mean: |figures| load(figures, CacheState::Warm),
        processes: None,
        prompt: None,
    },
    ShownMetric {
        name: "load-cold",
        title: "Load, into a cold cache",
        metric: Metric::Load,
        mean: |figures| load(figures, CacheState::Cold),
        processes: None,
        prompt: None,
    },
    ShownMetric {
        name: "load-off",
        title: "Load, without a cache",
        metric: Metric::Load,
        mean: |figures| load(figures, CacheState::Off),
        processes: None,
        prompt: None,
    },
];

impl ShownMetric {
    /// What its figures are reported in.
    pub(super) fn unit(&self) -> &'static str {
        match self.metric {
            Metric::PeakRss | Metric::PeakDeviceMemory => "GiB",
            other => other.unit(),
        }
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

    /// Where its mean lies; None with one process, and of figures that are not kept by process.
    pub(super) fn interval(&self, figures: &SummaryRow) -> Option<MeanInterval> {
        MeanInterval::of((self.processes?)(figures))
    }

    /// Whether published figures are of the same definition.
    pub(super) fn is_published(&self) -> bool {
        self.metric == Metric::EndToEndThroughput
    }
}

fn gibibytes(bytes: u64) -> f64 {
    bytes as f64 / GIBIBYTE
}

fn load(figures: &SummaryRow, state: CacheState) -> Option<f64> {
    figures.load.filter(|load| load.compiled_model_cache == state).map(|load| load.mean_s)
}
