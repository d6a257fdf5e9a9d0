//! One timeline on the first page: how it stands, and how it came to that.

use serde::Serialize;

use crate::error::Result;
use crate::judge::policy::Policy;
use crate::judge::{MEAN_CONFIDENCE_PERCENT, MeanInterval};
use crate::measure::Metric;
use crate::record::{Entry, PublishedReference, SummaryRow};
use crate::report::decision::Mark;
use crate::report::number::{counted, four_digits, whole_percent};
use crate::report::view::history::{SmallChart, small_chart};
use crate::report::view::overview::OverviewSources;
use crate::report::view::overview::answer::{answer, verdict};
use crate::report::view::overview::changes::{self, ChangeRow};
use crate::report::view::overview::commit_line::CommitLine;
use crate::report::view::overview::levels::tracks;
use crate::report::view::overview::newest::shown_values;
use crate::report::view::{Badge, CommitLink, Point, Timeline};
use crate::visible::one_line;

/// How a timeline stands.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    /// Model and device.
    title: String,
    machine: String,
    /// The runtime of the newest record, and what is asked.
    runtime: String,
    /// The status.
    answer: Badge,
    /// Why.
    reason: String,
    /// The commit since which it is so.
    since: Option<CommitLine>,
    #[serde(skip)]
    mark: Mark,
    /// The newest valid values; where there are none, the newest that were rejected.
    speed: Option<Speed>,
    /// The newest decision on a commit.
    last_verdict: Option<LastVerdict>,
    /// How its speed moved.
    trend: Option<SmallChart>,
    /// What changed, newest first.
    changes: Vec<ChangeRow>,
    /// How many commits were measured, in words.
    measured: String,
}

/// The newest figures.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Speed {
    /// Why the values are not valid; None where they are.
    rejected: Option<Badge>,
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
    pub(super) fn of(timeline: &Timeline<'_>, sources: OverviewSources<'_>) -> Result<Self> {
        let series = timeline.series;
        let newest_first = || timeline.points.iter().rev();
        let with_figures = newest_first().find(|point| point.figures().is_some());
        let rejected = newest_first().find(|point| shown_values(point.newest).is_some());
        let tracks = tracks(timeline)?;
        let answer = answer(timeline, &tracks, sources.policy);
        let measured = timeline.points.iter().filter(|point| point.figures().is_some()).count();
        let runtime =
            series.openvino.as_deref().map_or("no OpenVINO".to_owned(), |it| format!("OpenVINO {it}"));
        Ok(Self {
            title: format!("{} on {}", one_line(&series.model), one_line(&series.device_in_words())),
            machine: one_line(&series.machine),
            runtime: format!(
                "{}, {} x {}",
                one_line(&runtime),
                counted(timeline.setting.prompts, "prompt"),
                counted(timeline.setting.new_tokens, "token")
            ),
            answer: answer.badge,
            reason: answer.reason,
            since: answer.since.map(|at| CommitLine::of(timeline, at, sources)),
            mark: answer.mark,
            speed: with_figures
                .and_then(|point| Some(Speed::of(point, point.entry, point.figures()?, None, sources)))
                .or_else(|| {
                    let point = rejected?;
                    let badge = Badge::of_entry(point.newest);
                    Some(Speed::of(point, point.newest, shown_values(point.newest)?, Some(badge), sources))
                }),
            last_verdict: last_verdict(timeline),
            trend: small_chart(timeline, answer.metric, sources.published)?,
            changes: changes::rows(timeline, &tracks, sources),
            measured: format!("{measured} of {} have a valid run", counted(timeline.points.len(), "commit")),
        })
    }

    /// The worst status first.
    pub(super) fn rank(&self) -> usize {
        let marks = [Mark::Fails, Mark::Warns, Mark::Unknown, Mark::NotJudged, Mark::Holds];
        marks.iter().position(|mark| *mark == self.mark).unwrap_or(marks.len())
    }
}

fn last_verdict(timeline: &Timeline<'_>) -> Option<LastVerdict> {
    let point = timeline.points.iter().rev().find(|point| verdict(point).is_some())?;
    Some(LastVerdict {
        commit: CommitLink::of(point.sha),
        when_utc: point.ab?.when_utc.clone(),
        badge: Badge::of_ab(point.ab_summary()?)?,
    })
}

impl Speed {
    fn of(
        point: &Point<'_>,
        entry: &Entry,
        figures: &SummaryRow,
        rejected: Option<Badge>,
        sources: OverviewSources<'_>,
    ) -> Self {
        let (reported, badge) = standing(figures, sources.published, sources.policy);
        let metric = |value: f64, metric: Metric| format!("{} {}", four_digits(value), metric.unit());
        Self {
            rejected,
            commit: CommitLink::of(point.sha),
            when_utc: entry.when_utc.clone(),
            throughput: metric(figures.throughput_tok_s, Metric::EndToEndThroughput),
            tpot: metric(figures.tpot_ms, Metric::TimePerOutputToken),
            ttft: metric(figures.ttft_ms, Metric::TimeToFirstToken),
            throughput_interval: interval(&figures.process_throughput_tok_s, Metric::EndToEndThroughput),
            tpot_interval: interval(&figures.process_tpot_ms, Metric::TimePerOutputToken),
            published: reported,
            published_badge: badge,
        }
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

/// How a speed stands to the published figure, by the policy's limits.
fn standing(figures: &SummaryRow, published: &PublishedReference, policy: &Policy) -> (String, Badge) {
    let Some(value) = figures.published_tok_s else {
        let why = if published.model.accepted.is_empty() {
            "no model is accepted as the published one yet"
        } else {
            "it is of another model, device or workload"
        };
        let reported =
            format!("not compared with {}: {why}", published_words(published, published.reference.value));
        return (reported, Badge::new(Mark::NotJudged, "not judged"));
    };
    let anchor = &policy.published_anchor;
    let speed = figures.throughput_tok_s;
    let (mark, word) = if speed < anchor.fail_below {
        (Mark::Fails, "below")
    } else if speed < anchor.warn_below {
        (Mark::Warns, "below")
    } else {
        (Mark::Holds, "reached")
    };
    let share = whole_percent(speed / value * 100.0);
    (format!("{share} of {}", published_words(published, value)), Badge::new(mark, word))
}

/// The published figure, in words.
fn published_words(published: &PublishedReference, value: f64) -> String {
    format!(
        "the published {} {} ({}, {})",
        four_digits(value),
        published.reference.metric.unit(),
        published.model.name,
        published.device.name
    )
}
