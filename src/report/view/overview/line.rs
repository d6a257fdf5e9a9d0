//! One timeline on the first page: how it stands, and how it came to that.

use serde::Serialize;

use crate::golden::GoldenResult;
use crate::judge::{MEAN_CONFIDENCE_PERCENT, MeanInterval};
use crate::measure::Metric;
use crate::record::{Headline, PublishedReference, Verdict};
use crate::report::chart::Chart;
use crate::report::decision::Mark;
use crate::report::number::{change_percent, counted, four_digits, signed_percent, whole_percent};
use crate::report::one_line;
use crate::report::view::overview::OverviewSources;
use crate::report::view::overview::changes::{self, ChangeRow};
use crate::report::view::overview::trend;
use crate::report::view::{Badge, CommitLink, Point, Timeline, short};

/// How a timeline stands.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    /// Model and device.
    title: String,
    machine: String,
    /// The runtime of the newest record.
    runtime: String,
    /// One word on all of it.
    answer: Badge,
    /// Why, in a sentence.
    because: String,
    /// The newest commit that has figures.
    speed: Option<Speed>,
    /// The newest decision on a commit.
    last_verdict: Option<LastVerdict>,
    /// How its speed moved.
    trend: Option<Chart>,
    /// What changed, newest first.
    changes: Vec<ChangeRow>,
    /// How many commits were measured, in words.
    measured: String,
}

/// The newest figures.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Speed {
    commit: Option<CommitLink>,
    when_utc: String,
    throughput: String,
    tpot: String,
    ttft: String,
    /// The interval over the processes; None with one process.
    throughput_interval: Option<String>,
    tpot_interval: Option<String>,
    /// As in "108 % of the published 21.24 token/s"; why not, where it is of something else.
    published: String,
    published_badge: Badge,
}

/// A decision on a commit.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LastVerdict {
    commit: Option<CommitLink>,
    when_utc: String,
    badge: Badge,
}

impl Line {
    pub(super) fn of(timeline: &Timeline<'_>, sources: OverviewSources<'_>) -> Self {
        let series = timeline.series;
        let with_figures = timeline.points.iter().rev().find(|point| point.figures().is_some());
        let answer = answer(timeline);
        let measured = timeline.points.iter().filter(|point| point.figures().is_some()).count();
        let runtime =
            series.openvino.as_deref().map_or("no OpenVINO".to_owned(), |it| format!("OpenVINO {it}"));
        Self {
            title: format!("{} on {}", one_line(&series.model), one_line(&series.device)),
            machine: one_line(&series.machine),
            runtime: one_line(&runtime),
            answer: answer.badge,
            because: answer.because,
            speed: with_figures.and_then(|point| Speed::of(point, sources.published)),
            last_verdict: last_verdict(timeline),
            trend: trend::chart(timeline),
            changes: changes::rows(timeline, sources),
            measured: format!(
                "{measured} of {} commits with records have verified figures",
                timeline.points.len()
            ),
        }
    }
}

/// A word and its reason.
struct Answer {
    badge: Badge,
    because: String,
}

/// Are we all right? What is wrong goes before what is slow, and what is slow before what is not known.
fn answer(timeline: &Timeline<'_>) -> Answer {
    let said = |mark, word: &str, because: String| Answer { badge: Badge::new(mark, word), because };
    let Some(newest) = timeline.points.last() else {
        return said(Mark::NotJudged, "nothing measured", "there is no record".to_owned());
    };
    let newest_sha = short(newest.sha);
    if newest.entry.golden == Some(GoldenResult::Break) {
        let because =
            format!("the newest commit with a record, {newest_sha}, gave another answer than its golden");
        return said(Mark::Fails, "wrong output", because);
    }
    let decided = timeline.points.iter().rev().find_map(|point| Some((point, verdict(point)?)));
    if let Some((point, verdict @ (Verdict::Regressed | Verdict::Mixed | Verdict::WrongOutput))) = decided {
        let because = format!("the newest decision, on {}, says so", short(point.sha));
        return said(Mark::Fails, verdict.word(), because);
    }
    // A slow-down that nothing has made good since.
    let last = timeline.tpot_changes.last();
    if let Some(change) = last.filter(|change| change.point.mean_after > change.point.mean_before) {
        let percent = change.point.ratio().map_or(f64::NAN, change_percent);
        let sha = short(timeline.points[change.at].sha);
        let because = format!(
            "{} time per output token since {sha}, and nothing has made it good since",
            signed_percent(percent)
        );
        return said(Mark::Warns, "slower", because);
    }
    if newest.figures().is_none() {
        let because = format!("the newest commit with a record, {newest_sha}, has no verified figures");
        return said(Mark::Unknown, "not known", because);
    }
    let because = match decided {
        Some((point, verdict)) => format!(
            "the newest decision, on {}, is {}, and no slow-down stands",
            short(point.sha),
            verdict.word()
        ),
        None => "no slow-down stands; no commit was held against another yet".to_owned(),
    };
    said(Mark::Holds, "all right", because)
}

fn verdict(point: &Point<'_>) -> Option<Verdict> {
    let ab = point.ab_headline().filter(|ab| !ab.is_against_itself)?;
    ab.gate_verdict.or(ab.verdict)
}

fn last_verdict(timeline: &Timeline<'_>) -> Option<LastVerdict> {
    let point = timeline.points.iter().rev().find(|point| verdict(point).is_some())?;
    Some(LastVerdict {
        commit: CommitLink::of(point.sha),
        when_utc: point.ab?.when_utc.clone(),
        badge: verdict(point)?.into(),
    })
}

impl Speed {
    fn of(point: &Point<'_>, published: &PublishedReference) -> Option<Self> {
        let figures = point.figures()?;
        let (told, badge) = standing(figures, published);
        let metric = |value: f64, metric: Metric| format!("{} {}", four_digits(value), metric.unit());
        Some(Self {
            commit: CommitLink::of(point.sha),
            when_utc: point.entry.when_utc.clone(),
            throughput: metric(figures.throughput_tok_s, Metric::EndToEndThroughput),
            tpot: metric(figures.tpot_ms, Metric::TimePerOutputToken),
            ttft: metric(figures.ttft_ms, Metric::TimeToFirstToken),
            throughput_interval: interval(&figures.process_throughput_tok_s, Metric::EndToEndThroughput),
            tpot_interval: interval(&figures.process_tpot_ms, Metric::TimePerOutputToken),
            published: told,
            published_badge: badge,
        })
    }
}

fn interval(processes: &[f64], metric: Metric) -> Option<String> {
    let interval = MeanInterval::of(processes)?;
    let [lower, upper] = [interval.lower(), interval.upper()].map(four_digits);
    Some(format!(
        "[{lower}, {upper}] {}: {MEAN_CONFIDENCE_PERCENT} % interval over {}",
        metric.unit(),
        counted(processes.len(), "process")
    ))
}

fn standing(figures: &Headline, published: &PublishedReference) -> (String, Badge) {
    let reference = published_words(published);
    match figures.published_tok_s {
        None => (
            format!("not held against {reference}: it is of another model, device or workload"),
            Badge::new(Mark::NotJudged, "not judged"),
        ),
        Some(value) => {
            let share = figures.throughput_tok_s / value;
            let (mark, word) = if share < 1.0 { (Mark::Warns, "below") } else { (Mark::Holds, "reached") };
            (format!("{} of {reference}", whole_percent(share * 100.0)), Badge::new(mark, word))
        }
    }
}

/// The published figure, in words.
pub(super) fn published_words(published: &PublishedReference) -> String {
    format!(
        "the published {} {} ({}, {})",
        four_digits(published.reference.value),
        published.reference.metric.unit(),
        published.model.name,
        published.device.name
    )
}
