//! The figures of a run by prompt, beside those of the commit before.

use serde::Serialize;

use crate::golden::GoldenResult;
use crate::judge::{Figures, Summary};
use crate::measure::Metric;
use crate::record::{Entry, PromptHeadline};
use crate::report::decision::Mark;
use crate::report::number::{change_percent, four_digits, mebibytes, signed_percent};
use crate::report::one_line;
use crate::report::view::{Badge, CommitLink};

/// The table.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FigureTable {
    rows: Vec<FigureRow>,
    /// The commit that the differences are to; None where there is none to be held against.
    before: Option<CommitLink>,
}

/// A prompt, or the mean over all.
#[derive(Debug, Clone, Serialize)]
struct FigureRow {
    title: String,
    golden: Badge,
    latency: String,
    throughput: String,
    ttft: String,
    tpot: String,
    /// The difference of the time per output token to the commit before.
    tpot_change: Option<String>,
    peak: String,
}

impl FigureTable {
    pub(super) fn of(summary: &Summary, before: Option<&Entry>) -> Self {
        let figures_before = before.and_then(|entry| entry.figures.as_ref());
        let of_prompt = |id: &str| {
            let mut prompts = figures_before.into_iter().flat_map(|figures| &figures.prompts);
            prompts.find(|prompt: &&PromptHeadline| prompt.id == id).map(|prompt| prompt.tpot_ms)
        };
        let prompts = summary.prompts.iter().map(|prompt| {
            let figures = prompt.figures.as_ref();
            row(&prompt.title, prompt.golden, figures, of_prompt(&prompt.id), prompt.peak_rss_bytes)
        });
        let mean = figures_before.map(|figures| figures.tpot_ms);
        let mean = row("mean", summary.golden, summary.average.as_ref(), mean, summary.peak_rss_bytes);
        let has_speed = summary.average.is_some();
        Self {
            rows: prompts.chain([mean]).collect(),
            before: before
                .filter(|_| has_speed)
                .and_then(|entry| entry.commit.as_ref())
                .and_then(|commit| CommitLink::of(&commit.sha)),
        }
    }
}

fn row(
    title: &str,
    golden: Option<GoldenResult>,
    figures: Option<&Figures>,
    tpot_before_ms: Option<f64>,
    peak_rss_bytes: Option<u64>,
) -> FigureRow {
    let cell = |metric: Metric, value: fn(&Figures) -> Option<f64>| {
        let value = figures.and_then(value);
        value.map_or("-".to_owned(), |value| format!("{} {}", four_digits(value), metric.unit()))
    };
    let tpot = figures.and_then(|figures| figures.mean.decode_tpot_ms);
    FigureRow {
        title: one_line(title),
        golden: golden_badge(golden),
        latency: cell(Metric::EndToEndLatency, |figures| Some(figures.mean.latency_s)),
        throughput: cell(Metric::EndToEndThroughput, |figures| Some(figures.mean.throughput_tok_s)),
        ttft: cell(Metric::TimeToFirstToken, |figures| Some(figures.mean.ttft_ms)),
        tpot: cell(Metric::TimePerOutputToken, |figures| figures.mean.decode_tpot_ms),
        tpot_change: tpot
            .zip(tpot_before_ms)
            .map(|(now, before)| signed_percent(change_percent(now / before))),
        peak: peak_rss_bytes.map_or("-".to_owned(), mebibytes),
    }
}

/// The word on an output.
pub(super) fn golden_badge(golden: Option<GoldenResult>) -> Badge {
    match golden {
        None => Badge::new(Mark::NotJudged, "not judged"),
        Some(GoldenResult::None) => Badge::new(Mark::Unknown, "unverified"),
        Some(GoldenResult::NearTie) => Badge::new(Mark::Warns, "near-tie"),
        Some(GoldenResult::Match) => Badge::new(Mark::Holds, "match"),
        Some(GoldenResult::Break) => Badge::new(Mark::Fails, "break"),
    }
}
