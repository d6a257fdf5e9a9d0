//! The figures of the runs: as they are reported, and as a script makes a difference of them.

use serde::Serialize;

use crate::measure::Metric;
use crate::measure::protocol::CacheState;
use crate::record::{PromptSummary, SummaryRow};
use crate::report::number::four_digits;
use crate::visible::one_line;

/// Prompts of a run that have rows of their own.
const MOST_PROMPTS: usize = 12;
const BYTES_PER_MEBIBYTE: f64 = 1_048_576.0;
/// A difference is reported with four digits at most, so that of figures with seven is as good as exact.
const DIGITS: usize = 7;

/// A figure that prompts have, too.
struct OfPrompts {
    metric: Metric,
    title: &'static str,
    mean: fn(&SummaryRow) -> f64,
    prompt: fn(&PromptSummary) -> f64,
}

/// A figure of a whole run.
struct OfRun {
    metric: Metric,
    title: &'static str,
    figure: fn(&SummaryRow) -> Option<f64>,
}

const OF_PROMPTS: [OfPrompts; 3] = [
    OfPrompts {
        metric: Metric::TimePerOutputToken,
        title: "time per output token",
        mean: |figures| figures.tpot_ms,
        prompt: |prompt| prompt.tpot_ms,
    },
    OfPrompts {
        metric: Metric::TimeToFirstToken,
        title: "time to first token",
        mean: |figures| figures.ttft_ms,
        prompt: |prompt| prompt.ttft_ms,
    },
    OfPrompts {
        metric: Metric::EndToEndThroughput,
        title: "throughput, prefill included",
        mean: |figures| figures.throughput_tok_s,
        prompt: |prompt| prompt.throughput_tok_s,
    },
];

/// Loads of two kinds are two figures, so that one is never compared with the other.
const OF_RUNS: [OfRun; 5] = [
    OfRun {
        metric: Metric::Load,
        title: "load, with a warm cache",
        figure: |figures| load(figures, CacheState::Warm),
    },
    OfRun {
        metric: Metric::Load,
        title: "load, into a cold cache",
        figure: |figures| load(figures, CacheState::Cold),
    },
    OfRun {
        metric: Metric::Load,
        title: "load, without a cache",
        figure: |figures| load(figures, CacheState::Off),
    },
    OfRun {
        metric: Metric::PeakRss,
        title: "peak memory, highest of the processes",
        figure: |figures| mebibytes(figures.peak_rss_bytes),
    },
    OfRun {
        metric: Metric::PeakDeviceMemory,
        title: "peak GPU memory, highest of the processes",
        figure: |figures| mebibytes(figures.peak_device_memory_bytes),
    },
];

/// A row of the table of figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RowData {
    metric: &'static str,
    title: &'static str,
    /// "mean" over all prompts; empty for what is of no prompt.
    prompt: String,
    unit: &'static str,
    better: &'static str,
    /// Whether a guard that tripped takes the belief in it.
    is_time: bool,
}

/// The figures of a run, three lists of one length.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct FigureLists {
    /// The places of the rows.
    rows: Vec<usize>,
    /// As they are reported.
    reported: Vec<String>,
    /// To make a difference of.
    figures: Vec<f64>,
}

/// The prompts of all runs, in the order in which they are met.
pub(super) fn prompts(runs: &[&SummaryRow]) -> Vec<String> {
    let mut prompts: Vec<String> = Vec::new();
    for prompt in runs.iter().flat_map(|figures| figures.prompts.iter().take(MOST_PROMPTS)) {
        if !prompts.contains(&prompt.id) {
            prompts.push(prompt.id.clone());
        }
    }
    prompts
}

/// All rows: of each figure the mean before its prompts.
pub(super) fn rows(prompts: &[String]) -> Vec<RowData> {
    let row = |metric: Metric, title, prompt: String| RowData {
        metric: metric.id(),
        title,
        prompt,
        unit: if is_memory(metric) { "MiB" } else { metric.unit() },
        better: metric.direction().as_str(),
        is_time: !is_memory(metric),
    };
    let of_prompts = OF_PROMPTS.iter().flat_map(|shown| {
        let names = ["mean".to_owned()].into_iter().chain(prompts.iter().map(|id| one_line(id)));
        names.map(|name| row(shown.metric, shown.title, name))
    });
    let of_runs = OF_RUNS.iter().map(|shown| row(shown.metric, shown.title, String::new()));
    of_prompts.chain(of_runs).collect()
}

/// What a run has of these rows.
pub(super) fn figures(summary_row: &SummaryRow, prompts: &[String]) -> FigureLists {
    let mut lists = FigureLists::default();
    let mut add = |row: usize, figure: f64| {
        if let Some(short) = shortened(figure) {
            lists.rows.push(row);
            lists.reported.push(four_digits(figure));
            lists.figures.push(short);
        }
    };
    let of_one = prompts.len() + 1;
    for (place, shown) in OF_PROMPTS.iter().enumerate() {
        add(place * of_one, (shown.mean)(summary_row));
        for prompt in summary_row.prompts.iter().take(MOST_PROMPTS) {
            if let Some(at) = prompts.iter().position(|id| *id == prompt.id) {
                add(place * of_one + 1 + at, (shown.prompt)(prompt));
            }
        }
    }
    for (place, shown) in OF_RUNS.iter().enumerate() {
        if let Some(figure) = (shown.figure)(summary_row) {
            add(OF_PROMPTS.len() * of_one + place, figure);
        }
    }
    lists
}

/// A figure without digits that no difference shows; None where it is no positive number.
fn shortened(figure: f64) -> Option<f64> {
    let short = format!("{figure:.*e}", DIGITS - 1).parse::<f64>().ok()?;
    (short.is_finite() && short > 0.0).then_some(short)
}

fn is_memory(metric: Metric) -> bool {
    matches!(metric, Metric::PeakRss | Metric::PeakDeviceMemory)
}

fn mebibytes(bytes: Option<u64>) -> Option<f64> {
    bytes.map(|bytes| bytes as f64 / BYTES_PER_MEBIBYTE)
}

fn load(figures: &SummaryRow, state: CacheState) -> Option<f64> {
    figures.load.filter(|load| load.compiled_model_cache == state).map(|load| load.mean_s)
}
