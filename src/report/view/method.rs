//! How it is measured and judged: definitions from the metrics, thresholds from the policy, guards from the
//! guards. No number is written on the page that is not read from where it rules.

use serde::Serialize;

use crate::judge::change_point::Detection;
use crate::judge::environment::{Guard, GuardWeight};
use crate::judge::policy::{OnRegression, Policy, Waiver};
use crate::judge::sequential::LOOKS;
use crate::judge::{MEAN_CONFIDENCE_PERCENT, RAMP_SHARE};
use crate::measure::Metric;
use crate::record::{PublishedReference, WorkloadRecord};
use crate::report::number::{counted, four_digits};
use crate::visible::one_line;

/// The page.
#[derive(Debug, Clone, Serialize)]
pub struct MethodView {
    metrics: Vec<MetricRow>,
    protocol: &'static str,
    /// Numbers of pairs at which a verdict may fall.
    looks: String,
    rules: Vec<RuleRow>,
    secondary: Vec<SecondaryRow>,
    anchors: Vec<AnchorRow>,
    waivers: Vec<WaiverRow>,
    guards: Vec<GuardRow>,
    change_point_window: usize,
    change_point_level: usize,
    change_point_p_value: String,
    mean_confidence: String,
    ramp: String,
    policy_sha256: String,
}

#[derive(Debug, Clone, Serialize)]
struct MetricRow {
    id: &'static str,
    unit: &'static str,
    better: &'static str,
    formula: &'static str,
}

/// A threshold of the policy.
#[derive(Debug, Clone, Serialize)]
struct RuleRow {
    key: &'static str,
    value: String,
    what: &'static str,
    reason: String,
}

#[derive(Debug, Clone, Serialize)]
struct SecondaryRow {
    id: &'static str,
    smallest_change: String,
    confidence: String,
    on_regression: &'static str,
    reason: String,
}

/// A fixed figure.
#[derive(Debug, Clone, Serialize)]
struct AnchorRow {
    what: String,
    warn_below: String,
    fail_below: String,
    reason: String,
}

#[derive(Debug, Clone, Serialize)]
struct WaiverRow {
    subject: String,
    ceiling: String,
    expires: String,
    issue: String,
    reason: String,
}

#[derive(Debug, Clone, Serialize)]
struct GuardRow {
    id: &'static str,
    trips_when: String,
    weight: &'static str,
}

impl MethodView {
    /// The rules of this policy, whose text has this hash.
    #[must_use]
    pub fn of(policy: &Policy, policy_sha256: &str, published: &PublishedReference) -> Self {
        let looks: Vec<String> = LOOKS.iter().map(|look| look.pairs.to_string()).collect();
        let detection = Detection::default();
        Self {
            metrics: Metric::ALL.iter().copied().map(metric).collect(),
            protocol: WorkloadRecord::PROTOCOL,
            looks: looks.join(", "),
            rules: rules(policy),
            secondary: secondary(policy),
            anchors: anchors(policy, published),
            waivers: policy.waivers.iter().map(waiver).collect(),
            guards: Guard::ALL.into_iter().map(guard).collect(),
            change_point_window: detection.window,
            change_point_level: detection.shortest_level,
            change_point_p_value: detection.largest_p_value.to_string(),
            mean_confidence: reported(MEAN_CONFIDENCE_PERCENT, "%"),
            ramp: reported(RAMP_SHARE * 100.0, "%"),
            policy_sha256: policy_sha256.get(..12).unwrap_or(policy_sha256).to_owned(),
        }
    }
}

/// A threshold as it stands in the policy, not rounded.
fn reported(value: f64, unit: &str) -> String {
    format!("{value} {unit}")
}

fn metric(metric: Metric) -> MetricRow {
    MetricRow {
        id: metric.id(),
        unit: metric.unit(),
        better: metric.direction().as_str(),
        formula: metric.formula(),
    }
}

fn rules(policy: &Policy) -> Vec<RuleRow> {
    let row = |key, value, what, reason: &str| RuleRow { key, value, what, reason: one_line(reason) };
    let (sequential, noise) = (&policy.sequential, &policy.noise);
    let inconclusive = &policy.when_inconclusive;
    vec![
        row(
            "regressed beyond",
            reported(sequential.regressed_beyond_percent, "%"),
            "a slow-down of decoding that is proven to be larger is a regression: red",
            &sequential.reason,
        ),
        row(
            "passes within",
            reported(sequential.passes_within_percent, "%"),
            "where a slow-down of this much or more is excluded, the change passes",
            &sequential.reason,
        ),
        row(
            "tolerated when inconclusive",
            reported(inconclusive.tolerated_slowdown_percent, "%"),
            "where the pairs do not decide: green with a warning if this much is excluded, else red",
            &inconclusive.reason,
        ),
        row(
            "noise of pairs",
            reported(noise.largest_pair_sd_percent, "%"),
            "where pairs differ with a larger standard deviation, the environment is invalid",
            &noise.reason,
        ),
        row(
            "pairs measured again",
            counted(noise.largest_redraws, "pair"),
            "so many that a guard invalidated; at one more the environment is invalid",
            &noise.reason,
        ),
    ]
}

fn secondary(policy: &Policy) -> Vec<SecondaryRow> {
    let row = policy.metrics.iter().map(|metric| SecondaryRow {
        id: metric.metric.id(),
        smallest_change: reported(metric.smallest_change_percent, "%"),
        confidence: reported(metric.confidence_percent, "%"),
        on_regression: match metric.on_regression {
            OnRegression::Fail => "red",
            OnRegression::Warn => "a warning",
        },
        reason: one_line(&metric.reason),
    });
    row.collect()
}

fn anchors(policy: &Policy, published: &PublishedReference) -> Vec<AnchorRow> {
    let anchor = &policy.published_anchor;
    let unit = anchor.metric.unit();
    let first = AnchorRow {
        what: one_line(&format!(
            "published {} {unit}: {} on {}, {} new tokens",
            four_digits(published.reference.value),
            published.model.name,
            published.device.name,
            published.new_tokens
        )),
        warn_below: reported(anchor.warn_below, unit),
        fail_below: reported(anchor.fail_below, unit),
        reason: one_line(&anchor.reason),
    };
    let pinned = policy.anchors.iter().map(|anchor| AnchorRow {
        what: one_line(&format!(
            "{}: run {}, pinned {} by {}",
            anchor.id, anchor.run_id, anchor.pinned_utc, anchor.who
        )),
        warn_below: reported(anchor.warn_below, anchor.metric.unit()),
        fail_below: reported(anchor.fail_below, anchor.metric.unit()),
        reason: one_line(&anchor.reason),
    });
    [first].into_iter().chain(pinned).collect()
}

fn waiver(waiver: &Waiver) -> WaiverRow {
    WaiverRow {
        subject: one_line(&waiver.subject()),
        ceiling: reported(waiver.ceiling_percent, "%"),
        expires: waiver.expires.to_string(),
        issue: one_line(&waiver.issue),
        reason: one_line(&waiver.reason),
    }
}

fn guard(guard: Guard) -> GuardRow {
    GuardRow {
        id: guard.id(),
        trips_when: guard.trips_when(),
        weight: match guard.weight() {
            GuardWeight::Invalidates => "the times are invalid",
            GuardWeight::Warns => "a warning",
        },
    }
}
