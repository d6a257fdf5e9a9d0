//! Whether a policy can be meant.

use crate::judge::policy::{Anchor, MetricPolicy, Policy, Waiver};
use crate::measure::Metric;

/// The version of the form that is read.
const SCHEMA: u32 = 1;
/// The figures that can be judged beside the mean.
const JUDGED: [Metric; 5] = [
    Metric::TimePerOutputToken,
    Metric::TimeToFirstToken,
    Metric::Load,
    Metric::PeakRss,
    Metric::PeakDeviceMemory,
];
/// Nobody waives or tolerates more than this, percent: beyond it a typing error is likelier.
const LARGEST_PERCENT: f64 = 1000.0;

/// Says what is wrong with the first value that cannot be meant.
pub(super) fn check(policy: &Policy) -> Result<(), String> {
    if policy.schema != SCHEMA {
        return Err(format!("`schema` is `{}`, and this arcgauge reads {SCHEMA}", policy.schema));
    }
    let sequential = &policy.sequential;
    percent("sequential.regressed_beyond_percent", sequential.regressed_beyond_percent)?;
    percent("sequential.passes_within_percent", sequential.passes_within_percent)?;
    if sequential.passes_within_percent <= sequential.regressed_beyond_percent {
        return Err(format!(
            "`sequential.passes_within_percent` is `{}`, which must be more than `regressed_beyond_percent`",
            sequential.passes_within_percent
        ));
    }
    reason("sequential", &sequential.because)?;
    let tolerated = &policy.when_inconclusive;
    percent("when_inconclusive.tolerated_slowdown_percent", tolerated.tolerated_slowdown_percent)?;
    if tolerated.tolerated_slowdown_percent < sequential.passes_within_percent {
        return Err(format!(
            "`when_inconclusive.tolerated_slowdown_percent` is `{}`, less than what passes anyway",
            tolerated.tolerated_slowdown_percent
        ));
    }
    reason("when_inconclusive", &tolerated.because)?;
    percent("noise.largest_pair_sd_percent", policy.noise.largest_pair_sd_percent)?;
    reason("noise", &policy.noise.because)?;
    for (at, metric) in policy.metrics.iter().enumerate() {
        check_metric(metric, &policy.metrics[..at])?;
    }
    let published = &policy.published_anchor;
    bounds("published_anchor", published.warn_below, published.fail_below)?;
    reason("published_anchor", &published.because)?;
    for (at, anchor) in policy.anchors.iter().enumerate() {
        check_anchor(anchor, &policy.anchors[..at])?;
    }
    for (at, waiver) in policy.waivers.iter().enumerate() {
        check_waiver(waiver, &policy.waivers[..at])?;
    }
    Ok(())
}

fn check_metric(metric: &MetricPolicy, earlier: &[MetricPolicy]) -> Result<(), String> {
    let id = metric.metric.id();
    if !JUDGED.contains(&metric.metric) {
        let judged = JUDGED.map(Metric::id).join("`, `");
        return Err(format!("`metrics` has `{id}`, which is not judged by pairs; it may have `{judged}`"));
    }
    if earlier.iter().any(|other| other.metric == metric.metric) {
        return Err(format!("`metrics` has `{id}` twice"));
    }
    percent(&format!("smallest_change_percent of {id}"), metric.smallest_change_percent)?;
    let confidence = metric.confidence_percent;
    if !(50.0..100.0).contains(&confidence) {
        return Err(format!("`confidence_percent` of `{id}` is `{confidence}`, which is not in 50 to 100"));
    }
    reason(id, &metric.because)
}

fn check_anchor(anchor: &Anchor, earlier: &[Anchor]) -> Result<(), String> {
    let id = &anchor.id;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if id.is_empty() || !id.bytes().all(plain) {
        return Err(format!("the anchor `{id}` has no plain name"));
    }
    if earlier.iter().any(|other| other.id == *id) {
        return Err(format!("the anchor `{id}` is there twice"));
    }
    if anchor.metric != Metric::EndToEndThroughput {
        return Err(format!("the anchor `{id}` is of `{}`, not of a throughput", anchor.metric.id()));
    }
    bounds(&format!("anchor {id}"), anchor.warn_below, anchor.fail_below)?;
    if !anchor.value.is_finite() || anchor.value < anchor.fail_below {
        return Err(format!("the anchor `{id}` has the value `{}`, below its own bound", anchor.value));
    }
    reason(&format!("anchor {id}"), &anchor.because)
}

fn check_waiver(waiver: &Waiver, earlier: &[Waiver]) -> Result<(), String> {
    let id = waiver.metric.id();
    percent(&format!("ceiling_percent of the waiver of {id}"), waiver.ceiling_percent)?;
    if !is_date(&waiver.expires) {
        return Err(format!("the waiver of `{id}` expires on `{}`, which is no date", waiver.expires));
    }
    if waiver.issue.trim().is_empty() {
        return Err(format!("the waiver of `{id}` names no `issue`"));
    }
    if earlier.iter().any(|other| other.metric == waiver.metric && other.prompt == waiver.prompt) {
        return Err(format!("`{id}` is waived twice"));
    }
    reason(&format!("waiver of {id}"), &waiver.because)
}

fn percent(name: &str, value: f64) -> Result<(), String> {
    if value > 0.0 && value <= LARGEST_PERCENT {
        return Ok(());
    }
    Err(format!("`{name}` is `{value}`, which is no percentage above 0"))
}

fn bounds(name: &str, warn_below: f64, fail_below: f64) -> Result<(), String> {
    if fail_below > 0.0 && warn_below >= fail_below && warn_below.is_finite() {
        return Ok(());
    }
    Err(format!("`{name}` warns below `{warn_below}` and fails below `{fail_below}`, the wrong way round"))
}

fn reason(name: &str, because: &str) -> Result<(), String> {
    if because.trim().is_empty() { Err(format!("`{name}` has an empty `because`")) } else { Ok(()) }
}

/// `YYYY-MM-DD` of a day that there is.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |at: &[usize]| at.iter().all(|at| bytes[*at].is_ascii_digit());
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' || !digits(&[0, 1, 2, 3, 5, 6, 8, 9]) {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or(0);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}
