//! How it is measured and judged: definitions from the metrics, thresholds from the policy, guards from the
//! guards. No number is written on the page that is not read from where it rules.

use serde_json::{Value, json};

use crate::judge::change_point::Detection;
use crate::judge::environment::{Guard, GuardWeight};
use crate::judge::policy::{OnRegression, Policy};
use crate::judge::sequential::LOOKS;
use crate::judge::{MEAN_CONFIDENCE_PERCENT, RAMP_SHARE};
use crate::measure::Metric;
use crate::record::{PublishedReference, WorkloadRecord};
use crate::report::number::{counted, four_digits};
use crate::visible::one_line;

/// The rules of this policy, whose text has this hash.
pub(in crate::report) fn method_page(
    policy: &Policy,
    policy_sha256: &str,
    published: &PublishedReference,
) -> Value {
    let detection = Detection::default();
    let metric = |it: &Metric| json!({ "id": it.id(), "unit": it.unit(), "better": it.direction().as_str(), "formula": it.formula() });
    let guard = |it: Guard| {
        let weight = match it.weight() {
            GuardWeight::Invalidates => "the times are invalid",
            GuardWeight::Warns => "a warning",
        };
        json!({ "id": it.id(), "trips_when": it.trips_when(), "weight": weight })
    };
    json!({
        "metrics": Metric::ALL.iter().map(metric).collect::<Value>(),
        "protocol": WorkloadRecord::PROTOCOL,
        // Numbers of pairs at which a verdict may fall.
        "looks": LOOKS.map(|look| look.pairs.to_string()).join(", "),
        "rules": rules(policy),
        "secondary": secondary(policy),
        "anchors": anchors(policy, published),
        "waivers": waivers(policy),
        "guards": Guard::ALL.into_iter().map(guard).collect::<Value>(),
        "change_point_window": detection.window,
        "change_point_level": detection.shortest_level,
        "change_point_p_value": detection.largest_p_value.to_string(),
        "mean_confidence": exact(MEAN_CONFIDENCE_PERCENT, "%"),
        "ramp": exact(RAMP_SHARE * 100.0, "%"),
        "policy_sha256": policy_sha256.get(..12).unwrap_or(policy_sha256),
    })
}

/// A threshold as it stands in the policy, not rounded.
fn exact(value: f64, unit: &str) -> String {
    format!("{value} {unit}")
}

fn rules(policy: &Policy) -> Value {
    let (sequential, noise, inconclusive) = (&policy.sequential, &policy.noise, &policy.when_inconclusive);
    let rows = [
        (
            "regressed beyond",
            exact(sequential.regressed_beyond_percent, "%"),
            "a slow-down of decoding that is proven to be larger is a regression: red",
            &sequential.reason,
        ),
        (
            "passes within",
            exact(sequential.passes_within_percent, "%"),
            "where a slow-down of this much or more is excluded, the change passes",
            &sequential.reason,
        ),
        (
            "tolerated when inconclusive",
            exact(inconclusive.tolerated_slowdown_percent, "%"),
            "where the pairs do not decide: green with a warning if this much is excluded, else red",
            &inconclusive.reason,
        ),
        (
            "noise of pairs",
            exact(noise.largest_pair_sd_percent, "%"),
            "where pairs differ with a larger standard deviation, the environment is invalid",
            &noise.reason,
        ),
        (
            "pairs measured again",
            counted(noise.largest_redraws, "pair"),
            "so many that a guard invalidated; at one more the environment is invalid",
            &noise.reason,
        ),
    ];
    let row = |(key, value, what, reason): (_, _, _, &String)| json!({ "key": key, "value": value, "what": what, "reason": one_line(reason) });
    rows.map(row).into_iter().collect()
}

fn secondary(policy: &Policy) -> Value {
    let rows = policy.metrics.iter().map(|metric| {
        let on_regression = match metric.on_regression {
            OnRegression::Fail => "red",
            OnRegression::Warn => "a warning",
        };
        json!({
            "id": metric.metric.id(),
            "smallest_change": exact(metric.smallest_change_percent, "%"),
            "confidence": exact(metric.confidence_percent, "%"),
            "on_regression": on_regression,
            "reason": one_line(&metric.reason),
        })
    });
    rows.collect()
}

fn anchors(policy: &Policy, published: &PublishedReference) -> Value {
    let row = |what: String, unit: &str, warn_below: f64, fail_below: f64, reason: &str| {
        json!({
            "what": one_line(&what),
            "warn_below": exact(warn_below, unit),
            "fail_below": exact(fail_below, unit),
            "reason": one_line(reason),
        })
    };
    let anchor = &policy.published_anchor;
    let unit = anchor.metric.unit();
    let what = format!(
        "published {} {unit}: {} on {}, {} new tokens",
        four_digits(published.reference.value),
        published.model.name,
        published.device.name,
        published.new_tokens
    );
    let first = row(what, unit, anchor.warn_below, anchor.fail_below, &anchor.reason);
    let pinned = policy.anchors.iter().map(|anchor| {
        let what =
            format!("{}: run {}, pinned {} by {}", anchor.id, anchor.run_id, anchor.pinned_utc, anchor.who);
        row(what, anchor.metric.unit(), anchor.warn_below, anchor.fail_below, &anchor.reason)
    });
    [first].into_iter().chain(pinned).collect()
}

fn waivers(policy: &Policy) -> Value {
    let rows = policy.waivers.iter().map(|waiver| {
        json!({
            "subject": one_line(&waiver.subject()),
            "ceiling": exact(waiver.ceiling_percent, "%"),
            "expires": waiver.expires.to_string(),
            "issue": one_line(&waiver.issue),
            "reason": one_line(&waiver.reason),
        })
    });
    rows.collect()
}
