//! The figures of a run by prompt, beside those of the commit before.

use serde::Serialize;

use crate::golden::GoldenResult;
use crate::judge::comparability::ComparedSide;
use crate::judge::{Figures, summarise};
use crate::measure::Metric;
use crate::record::{ArmView, PromptSummary};
use crate::report::decision::Mark;
use crate::report::number::{change_percent, four_digits, mebibytes, signed_percent};
use crate::report::view::commit::RecordOfCommit;
use crate::report::view::commit::standing::{Standing, no_change_reason};
use crate::report::view::{Badge, CommitLink};
use crate::visible::one_line;

/// The table.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FigureTable {
    title: String,
    rows: Vec<FigureRow>,
    headings: [FigureHeading; 3],
    /// The commit that the differences are to; None where there is none to be compared with.
    before: Option<CommitLink>,
    /// Why there are no differences, though there is a commit before.
    no_change: Option<NoChange>,
}

/// That a run is not compared with the commit before.
#[derive(Debug, Clone, Serialize)]
struct NoChange {
    before: CommitLink,
    reason: &'static str,
}

/// What a column holds.
#[derive(Debug, Clone, Serialize)]
struct FigureHeading {
    id: &'static str,
    name: &'static str,
    measure: String,
}

/// A prompt, or the mean over all.
#[derive(Debug, Clone, Serialize)]
struct FigureRow {
    title: String,
    golden: Badge,
    throughput: String,
    ttft: String,
    tpot: String,
    /// The difference of the time per output token to the commit before.
    tpot_change: Option<String>,
    peak: String,
}

impl FigureTable {
    pub(super) fn of(record: ArmView<'_>, side: &ComparedSide, of_commit: &RecordOfCommit<'_>) -> Self {
        let standing = Standing::of(record, side);
        // Unverified times are shown as such, so this is more than what is believed of the run.
        let summary = summarise(&record);
        let reason = of_commit.before.and_then(|before| no_change_reason(side, of_commit.entry, before));
        let compared = of_commit.before.filter(|_| reason.is_none());
        let figures_before = compared.and_then(|entry| entry.figures.as_ref());
        let of_prompt = |id: &str| {
            let mut prompts = figures_before.into_iter().flat_map(|figures| &figures.prompts);
            prompts.find(|prompt: &&PromptSummary| prompt.id == id).map(|prompt| prompt.tpot_ms)
        };
        let prompts = summary.prompts.iter().map(|prompt| {
            let figures = prompt.figures.as_ref().filter(|_| standing.shows_times_of(prompt.golden));
            row(&prompt.title, prompt.golden, figures, of_prompt(&prompt.id), prompt.peak_rss_bytes)
        });
        let mean = (standing != Standing::WithoutSpeed).then(|| {
            let before = figures_before.map(|figures| figures.tpot_ms);
            row("mean", summary.golden, summary.average.as_ref(), before, summary.peak_rss_bytes)
        });
        let link = of_commit.before.and_then(|entry| CommitLink::of(&entry.commit.as_ref()?.sha));
        Self {
            title: format!("Figures by prompt{}", standing.suffix()),
            rows: prompts.chain(mean).collect(),
            headings: [
                heading("Throughput", Metric::EndToEndThroughput),
                heading("Per token", Metric::TimePerOutputToken),
                heading("First token", Metric::TimeToFirstToken),
            ],
            before: link.clone().filter(|_| reason.is_none()),
            no_change: link.zip(reason).map(|(before, reason)| NoChange { before, reason }),
        }
    }
}

fn heading(name: &'static str, metric: Metric) -> FigureHeading {
    let measure = format!("{}, {} is better", metric.unit(), metric.direction().as_str());
    FigureHeading { id: metric.id(), name, measure }
}

fn row(
    title: &str,
    golden: Option<GoldenResult>,
    figures: Option<&Figures>,
    tpot_before_ms: Option<f64>,
    peak_rss_bytes: Option<u64>,
) -> FigureRow {
    let cell = |value: fn(&Figures) -> Option<f64>| {
        let value = figures.and_then(value);
        value.map_or("-".to_owned(), four_digits)
    };
    let tpot = figures.and_then(|figures| figures.mean.get(Metric::TimePerOutputToken));
    FigureRow {
        title: one_line(title),
        golden: golden_badge(golden),
        throughput: cell(|figures| figures.mean.get(Metric::EndToEndThroughput)),
        ttft: cell(|figures| figures.mean.get(Metric::TimeToFirstToken)),
        tpot: cell(|figures| figures.mean.get(Metric::TimePerOutputToken)),
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
