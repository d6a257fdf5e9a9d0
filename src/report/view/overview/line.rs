//! One timeline on the first page: its status, its newest values, its trend and its changes.

use serde_json::{Value, json};

use crate::judge::policy::Policy;
use crate::judge::{MEAN_CONFIDENCE_PERCENT, MeanInterval};
use crate::measure::Metric;
use crate::record::{Entry, PublishedReference, SummaryRow};
use crate::report::mark::{Badge, Mark};
use crate::report::number::{counted, four_digits, whole_percent};
use crate::report::view::history::small_chart;
use crate::report::view::overview::status::Status;
use crate::report::view::overview::{OverviewSources, changes, shown_values, since, values};
use crate::report::view::track::Track;
use crate::report::view::{CommitLink, Point, Timeline};
use crate::visible::one_line;

/// A timeline, and the mark of its status.
pub(super) fn line(timeline: &Timeline<'_>, tracks: &[Track], sources: OverviewSources<'_>) -> (Mark, Value) {
    let series = timeline.series;
    let status = Status::of(timeline, tracks, sources.policy);
    let mut newest_first = timeline.points.iter().rev();
    let valid = newest_first
        .clone()
        .find_map(|point| Some(speed(point, point.entry, point.metric_values()?, sources)));
    // Where there are no valid values, the newest that were rejected.
    let speed = valid.or_else(|| {
        newest_first.find_map(|point| {
            let mut speed = speed(point, point.newest, shown_values(point.newest)?, sources);
            speed["rejected"] = json!(Badge::of_entry(point.newest));
            Some(speed)
        })
    });
    let measured = timeline.points.iter().filter(|point| point.metric_values().is_some()).count();
    let openvino = series.openvino.as_deref();
    let runtime = openvino.map_or("no OpenVINO".to_owned(), |it| format!("OpenVINO {}", one_line(it)));
    let track = tracks.iter().find(|track| track.shown.metric == status.metric);
    let line = json!({
        "title": format!("{} on {}", one_line(&series.model), one_line(&series.device_in_words())),
        "machine": one_line(&series.machine),
        "runtime": format!(
            "{runtime}, {} x {}",
            counted(timeline.setting.prompts, "prompt"),
            counted(timeline.setting.new_tokens, "token")
        ),
        "answer": status.badge,
        "reason": status.reason,
        "since": status.since.map(|at| since(timeline, at, sources)),
        "speed": speed,
        "last_verdict": last_verdict(timeline),
        "trend": track.and_then(|track| small_chart(timeline, track)),
        "changes": changes::rows(timeline, tracks, sources),
        "measured": format!("valid runs of {measured} of {}", counted(timeline.points.len(), "commit")),
    });
    (status.mark, line)
}

/// The newest decision on a commit.
fn last_verdict(timeline: &Timeline<'_>) -> Option<Value> {
    let point = timeline.points.iter().rev().find(|point| point.verdict().is_some())?;
    Some(json!({
        "commit": CommitLink::of(point.sha),
        "when_utc": point.ab?.when_utc,
        "badge": Badge::of_ab(point.ab_summary()?)?,
    }))
}

/// The values of a commit beside the published one.
fn speed(point: &Point<'_>, entry: &Entry, run: &SummaryRow, sources: OverviewSources<'_>) -> Value {
    let (published, badge) = published(run, sources.published, sources.policy);
    let [throughput, tpot, ttft] = values(run);
    json!({
        "rejected": null,
        "commit": CommitLink::of(point.sha),
        "when_utc": entry.when_utc,
        "throughput": throughput,
        "tpot": tpot,
        "ttft": ttft,
        "throughput_interval": interval(&run.process_throughput_tok_s, Metric::EndToEndThroughput),
        "tpot_interval": interval(&run.process_tpot_ms, Metric::TimePerOutputToken),
        "published": published,
        "published_badge": badge,
    })
}

/// The interval over the processes; None with one process.
fn interval(processes: &[f64], metric: Metric) -> Option<String> {
    let interval = MeanInterval::of(processes)?;
    let [lower, upper] = [interval.lower(), interval.upper()].map(four_digits);
    Some(format!(
        "[{lower}, {upper}] {}: {MEAN_CONFIDENCE_PERCENT} % interval over {}",
        metric.unit(),
        counted(processes.len(), "process")
    ))
}

/// How a speed compares with the published one, by the policy's limits; why it does not, where it is of something else.
fn published(run: &SummaryRow, published: &PublishedReference, policy: &Policy) -> (String, Badge) {
    let in_words = |value: f64| {
        format!(
            "the published {} {} ({}, {})",
            four_digits(value),
            published.reference.metric.unit(),
            published.model.name,
            published.device.name
        )
    };
    let Some(value) = run.published_tok_s else {
        let why = if published.model.accepted.is_empty() {
            "no files are accepted as the published model yet"
        } else {
            "it is of another model, device or workload"
        };
        let text = format!("not compared with {}: {why}", in_words(published.reference.value));
        return (text, Badge::new(Mark::NotJudged, "not judged"));
    };
    let anchor = &policy.published_anchor;
    let speed = run.throughput_tok_s;
    let (mark, word) = if speed < anchor.fail_below {
        (Mark::Fails, "below")
    } else if speed < anchor.warn_below {
        (Mark::Warns, "below")
    } else {
        (Mark::Holds, "reached")
    };
    (format!("{} of {}", whole_percent(speed / value * 100.0), in_words(value)), Badge::new(mark, word))
}
