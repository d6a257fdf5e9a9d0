//! The gate's policy, `ci/gate.json`: every number of a verdict that people may decide on, each with a
//! reason. `ci/gate.md` says what each key means.

mod anchors;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::judge::sequential::{Interval, Rule};
use crate::measure::{Direction, Metric};
use crate::record::{is_hex, seconds_of_utc, utc_of_seconds};
use crate::workload::Suite;

pub use anchors::{PinnedAnchor, PublishedAnchor};

const HINT: &str = "`ci/gate.md` says what each key may be; `git log -p ci/gate.json` shows who changed it";

/// What the gate decides by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Version of this form: 1.
    schema: u32,
    /// The prompts that base and head are measured on.
    #[serde(default, skip_serializing_if = "is_reference")]
    pub suite: Suite,
    /// When pairs of base and head decide.
    pub sequential: SequentialPolicy,
    /// What becomes of a change that they do not decide.
    pub when_inconclusive: WhenInconclusive,
    /// How much noise a verdict may rest on.
    pub noise: NoisePolicy,
    /// Single prompts and the values beside decoding.
    pub metrics: Vec<MetricPolicy>,
    /// Which drift of next-token distributions is judged; None where it is not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftPolicy>,
    /// The published value.
    pub published_anchor: PublishedAnchor,
    /// Records of ours that were pinned beside it.
    pub anchors: Vec<PinnedAnchor>,
    /// Regressions that were accepted for a time.
    pub waivers: Vec<Waiver>,
}

impl Policy {
    /// The version of the form that is read and written.
    pub const SCHEMA: u32 = 1;

    /// Reads a policy; `name` is what its text is called in an error, as in "ci/gate.json of 1a2b3c".
    ///
    /// # Errors
    /// A text of another form or schema, a key that is not known, or a value that cannot stand.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        // The schema first: of another one the other keys would only be said to be unknown.
        let schema = serde_json::from_str::<SchemaAlone>(text).map_err(|cause| unreadable(name, &cause))?;
        if schema.schema != Self::SCHEMA {
            let (found, read) = (schema.schema, Self::SCHEMA);
            let message = format!("policy `{name}` has schema `{found}`, and this arcgauge reads {read}");
            return Err(Error::input(message).hint(HINT));
        }
        let policy: Self = serde_json::from_str(text).map_err(|cause| unreadable(name, &cause))?;
        policy.check().map_err(|fault| Error::input(format!("policy `{name}` has {fault}")).hint(HINT))?;
        Ok(policy)
    }

    /// How the gate takes a value, of a prompt or as a whole; None where it is not judged.
    pub fn metric(&self, metric: Metric) -> Option<&MetricPolicy> {
        self.metrics.iter().find(|it| it.metric == metric)
    }

    /// Whether a regression was accepted: of one prompt or phase, or (None) of the value as a whole. A
    /// waiver of the prompt itself goes before one of the whole value.
    pub fn waiver_for(&self, metric: Metric, prompt: Option<&str>, today: Day) -> Waived<'_> {
        waiver_for(&self.waivers, metric, prompt, today)
    }

    /// The text of the file with one more anchor, in the file's own order: what `baseline pin` writes.
    ///
    /// # Errors
    /// An anchor that cannot stand, as one of an id that is taken.
    pub fn with_anchor(&self, anchor: PinnedAnchor) -> Result<String> {
        let mut policy = self.clone();
        policy.anchors.push(anchor);
        policy.check().map_err(|fault| Error::input(format!("the policy would have {fault}")).hint(HINT))?;
        policy.text()
    }

    fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|cause| Error::harness(format!("the policy cannot be written: {cause}")))?;
        Ok(text + "\n")
    }

    fn check(&self) -> Checked {
        self.sequential.check()?;
        self.when_inconclusive.check(&self.sequential)?;
        self.noise.check()?;
        self.metrics.iter().try_for_each(MetricPolicy::check)?;
        once("metrics.metric", self.metrics.iter().map(|it| it.metric.id()))?;
        self.drift.as_ref().map_or(Ok(()), DriftPolicy::check)?;
        self.published_anchor.check()?;
        self.anchors.iter().try_for_each(PinnedAnchor::check)?;
        once("anchors.id", self.anchors.iter().map(|it| &it.id))?;
        self.waivers.iter().try_for_each(Waiver::check)?;
        once("waivers", self.waivers.iter().map(Waiver::subject))?;
        self.waivers.iter().try_for_each(|waiver| self.check_is_judged(waiver))
    }

    /// A waiver of something that nobody judges does nothing, and says otherwise.
    fn check_is_judged(&self, waiver: &Waiver) -> Checked {
        if waiver.metric == Metric::TimePerOutputToken || self.metric(waiver.metric).is_some() {
            return Ok(());
        }
        Err(format!("`waivers[{}]`, a value that is not in `metrics` and so not judged", waiver.subject()))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_reference(suite: &Suite) -> bool {
    *suite == Suite::Reference
}

#[derive(Deserialize)]
struct SchemaAlone {
    schema: u32,
}

fn unreadable(name: &str, cause: &serde_json::Error) -> Error {
    Error::input(format!("policy `{name}` is not of the expected form: {cause}")).hint(HINT)
}

/// When the pairs decide, and what for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequentialPolicy {
    /// A slow-down of decoding that is proven to be larger is a regression, percent.
    pub regressed_beyond_percent: f64,
    /// Where a slow-down of this much or more is excluded, the change passes, percent.
    pub passes_within_percent: f64,
    /// Why these.
    #[serde(alias = "because")]
    pub reason: String,
}

/// What becomes of a change of which the pairs do not decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhenInconclusive {
    /// Where a slow-down of this much or more is excluded, the status is green with a warning, else
    /// red, percent.
    pub tolerated_slowdown_percent: f64,
    /// Why this.
    #[serde(alias = "because")]
    pub reason: String,
}

/// How much noise a verdict may rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoisePolicy {
    /// Where the pairs' differences have a larger standard deviation, the environment is invalid, percent.
    pub largest_pair_sd_percent: f64,
    /// So many pairs that a guard invalidated are measured again; at one more the environment is invalid.
    pub largest_redraws: usize,
    /// Why these.
    #[serde(alias = "because")]
    pub reason: String,
}

impl SequentialPolicy {
    /// The thresholds, as the test takes them.
    pub fn rule(&self) -> Rule {
        Rule {
            regressed_beyond_percent: self.regressed_beyond_percent,
            passes_within_percent: self.passes_within_percent,
        }
    }

    fn check(&self) -> Checked {
        positive("sequential.passes_within_percent", self.passes_within_percent)?;
        positive_below(
            "sequential.regressed_beyond_percent",
            self.regressed_beyond_percent,
            "`passes_within_percent`",
            self.passes_within_percent,
        )?;
        said("sequential.reason", &self.reason)
    }
}

impl WhenInconclusive {
    /// Whether what was learnt excludes a slow-down that would not be tolerated. Without an interval
    /// nothing is excluded.
    pub fn tolerates(&self, interval: Option<&Interval>) -> bool {
        let limit_ln = (self.tolerated_slowdown_percent / 100.0).ln_1p();
        interval.is_some_and(|interval| interval.upper_ln() < limit_ln)
    }

    fn check(&self, sequential: &SequentialPolicy) -> Checked {
        let key = "when_inconclusive.tolerated_slowdown_percent";
        positive(key, self.tolerated_slowdown_percent)?;
        let (tolerated, passes) = (self.tolerated_slowdown_percent, sequential.passes_within_percent);
        // Below it nothing inconclusive would be tolerated, and the key would say what it does not do.
        if tolerated < passes {
            return Err(format!(
                "`{key}` of `{tolerated}`; it may not be below `sequential.passes_within_percent` of {passes}"
            ));
        }
        said("when_inconclusive.reason", &self.reason)
    }
}

impl NoisePolicy {
    /// Whether the pairs lie too far apart for a verdict.
    pub fn is_exceeded_by(&self, interval: &Interval) -> bool {
        interval.pair_sd_percent() > self.largest_pair_sd_percent
    }

    fn check(&self) -> Checked {
        positive("noise.largest_pair_sd_percent", self.largest_pair_sd_percent)?;
        said("noise.reason", &self.reason)
    }
}

/// What a proven regression of a value does to the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnRegression {
    /// It turns red.
    Fail,
    /// It stays, with a warning.
    Warn,
}

/// When a value has regressed, and what of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricPolicy {
    /// Which value, one of which less is better. `tpot@1` is that of single prompts: their mean is the
    /// pairs' own.
    pub metric: Metric,
    /// A rise that is proven to be larger counts, percent.
    pub smallest_change_percent: f64,
    /// How sure a regression has to be over all prompts or phases of this value together, percent.
    pub confidence_percent: f64,
    /// What becomes of the status.
    pub on_regression: OnRegression,
    /// Why so.
    #[serde(alias = "because")]
    pub reason: String,
}

impl MetricPolicy {
    /// The change that counts on the scale of ln(head / base).
    pub fn smallest_change_ln(&self) -> f64 {
        (self.smallest_change_percent / 100.0).ln_1p()
    }

    /// The share of false words over all of this value's tests together.
    pub fn alpha(&self) -> f64 {
        1.0 - self.confidence_percent / 100.0
    }

    fn check(&self) -> Checked {
        let id = self.metric.id();
        let key = |field: &str| format!("metrics[{id}].{field}");
        if self.metric.direction() == Direction::Higher {
            return Err(format!("`{}` of `{id}`; only values of which less is better", key("metric")));
        }
        positive(&key("smallest_change_percent"), self.smallest_change_percent)?;
        positive_below(&key("confidence_percent"), self.confidence_percent, "certainty", 100.0)?;
        said(&key("reason"), &self.reason)
    }
}

/// What of the drift of next-token distributions is judged, against the limits of device and precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftPolicy {
    /// `mean_kl@1`, `max_logit_difference@1`, or both.
    pub metrics: Vec<Metric>,
    /// What becomes of the status where the head exceeds a limit.
    pub on_exceeded: OnRegression,
    /// Why so.
    pub reason: String,
}

impl DriftPolicy {
    fn check(&self) -> Checked {
        let other = |metric: &&Metric| !matches!(metric, Metric::MeanKl | Metric::MaxLogitDifference);
        if let Some(metric) = self.metrics.iter().find(other) {
            let (kl, logit) = (Metric::MeanKl.id(), Metric::MaxLogitDifference.id());
            return Err(format!("`drift.metrics` of `{}`; it may be `{kl}` or `{logit}`", metric.id()));
        }
        if self.metrics.is_empty() {
            return Err("`drift.metrics` of nothing; leave `drift` out".to_owned());
        }
        once("drift.metrics", self.metrics.iter().map(|metric| metric.id()))?;
        said("drift.reason", &self.reason)
    }
}

/// An accepted regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Of which value.
    pub metric: Metric,
    /// Of which prompt or phase alone; None: of the value as a whole, and of each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The largest rise that is accepted, percent.
    pub ceiling_percent: f64,
    /// The last day on which it is.
    pub expires: Day,
    /// Where it is being worked on.
    pub issue: String,
    /// Why it was accepted.
    #[serde(alias = "because")]
    pub reason: String,
}

/// Whether a regression was accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Waived<'a> {
    /// Nobody accepted it.
    None,
    /// It is accepted, up to the waiver's ceiling and through its last day.
    Until(&'a Waiver),
    /// It was accepted for a time that is over: red, until somebody decides again.
    Expired(&'a Waiver),
}

impl Waiver {
    /// Whether a rise is within the ceiling, by its best estimate: head over base, as in 1.04.
    pub fn covers(&self, ratio: f64) -> bool {
        ratio <= 1.0 + self.ceiling_percent / 100.0
    }

    /// What it is of, in one word: "tpot@1" or "tpot@1/fibonacci".
    pub fn subject(&self) -> String {
        let id = self.metric.id();
        self.prompt.as_ref().map_or_else(|| id.to_owned(), |prompt| format!("{id}/{prompt}"))
    }

    fn check(&self) -> Checked {
        let subject = self.subject();
        let key = |field: &str| format!("waivers[{subject}].{field}");
        if let Some(prompt) = &self.prompt {
            said(&key("prompt"), prompt)?;
        }
        positive(&key("ceiling_percent"), self.ceiling_percent)?;
        said(&key("issue"), &self.issue)?;
        said(&key("reason"), &self.reason)
    }
}

/// The waiver of a regression on a day. One of the prompt itself goes before one of the whole value.
fn waiver_for<'a>(waivers: &'a [Waiver], metric: Metric, prompt: Option<&str>, today: Day) -> Waived<'a> {
    let of_metric = || waivers.iter().filter(move |waiver| waiver.metric == metric);
    let of_prompt = of_metric().find(|waiver| prompt.is_some() && waiver.prompt.as_deref() == prompt);
    match of_prompt.or_else(|| of_metric().find(|waiver| waiver.prompt.is_none())) {
        None => Waived::None,
        Some(waiver) if today <= waiver.expires => Waived::Until(waiver),
        Some(waiver) => Waived::Expired(waiver),
    }
}

/// The result of a value that cannot stand, or nothing.
type Checked = Result<(), String>;

fn positive(key: &str, value: f64) -> Checked {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(format!("`{key}` of `{value}`; it has to be a number above 0"))
}

/// Positive, and below another value, which the words name.
fn positive_below(key: &str, value: f64, limit: &str, limit_value: f64) -> Checked {
    positive(key, value)?;
    if value < limit_value {
        return Ok(());
    }
    Err(format!("`{key}` of `{value}`; it has to be below {limit} of {limit_value}"))
}

fn said(key: &str, text: &str) -> Checked {
    if text.trim().is_empty() { Err(format!("nothing in `{key}`; say it in a few words")) } else { Ok(()) }
}

/// 64 hexadecimal digits in lower case, as arcgauge writes them.
fn sha256(key: &str, text: &str) -> Checked {
    if is_hex(text, 64) {
        return Ok(());
    }
    Err(format!("`{key}` of `{text}`; it has to be the 64 lower-case digits of a sha256"))
}

/// Each name stands once.
fn once<T: Ord + Display>(key: &str, names: impl IntoIterator<Item = T>) -> Checked {
    let mut seen = BTreeSet::new();
    for name in names {
        if seen.contains(&name) {
            return Err(format!("`{key}` of `{name}` twice; keep one"));
        }
        seen.insert(name);
    }
    Ok(())
}

/// A day, UTC, written as in "2026-11-24": by the seconds from 1970 to its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(i64);

impl Day {
    /// Reads a day; None where the text is not of the form, or the calendar has no such day.
    pub fn parse(text: &str) -> Option<Self> {
        let midnight = format!("{text}T00:00:00Z");
        let seconds = seconds_of_utc(&midnight)?;
        (utc_of_seconds(seconds)? == midnight).then_some(Self(seconds))
    }
}

impl Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = utc_of_seconds(self.0).unwrap_or_default();
        f.write_str(midnight.get(..10).unwrap_or_default())
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no day of the form 2026-11-24"))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}
