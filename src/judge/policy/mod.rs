//! The gate's policy, `ci/gate.json`: every number of a verdict that people may decide on, each with a
//! reason. `ci/gate.md` says what each key means.

mod anchors;
mod check;
mod day;
mod relative;
mod secondary;
#[cfg(test)]
mod tests;
mod waivers;

pub use anchors::{PinnedAnchor, PublishedAnchor};
pub use day::Day;
pub use relative::{NoisePolicy, SequentialPolicy, WhenInconclusive};
pub use secondary::{MetricPolicy, OnRegression};
pub use waivers::{Waived, Waiver};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::measure::Metric;
use check::{Checked, once};

const HINT: &str = "`ci/gate.md` says what each key may be; `git log -p ci/gate.json` shows who changed it";

/// What the gate decides by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Version of this form: 1.
    schema: u32,
    /// When pairs of base and head decide.
    pub sequential: SequentialPolicy,
    /// What becomes of a change that they do not decide.
    pub when_inconclusive: WhenInconclusive,
    /// How much noise a verdict may rest on.
    pub noise: NoisePolicy,
    /// Single prompts and the figures beside decoding.
    pub metrics: Vec<MetricPolicy>,
    /// The published figure.
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

    /// How the gate takes a figure, of a prompt or as a whole; None where it is not judged.
    #[must_use]
    pub fn metric(&self, metric: Metric) -> Option<&MetricPolicy> {
        self.metrics.iter().find(|it| it.metric == metric)
    }

    /// Whether a regression was accepted: of one prompt or phase, or (None) of the figure as a whole. A
    /// waiver of the prompt itself goes before one of the whole figure.
    #[must_use]
    pub fn waiver_for(&self, metric: Metric, prompt: Option<&str>, today: Day) -> Waived<'_> {
        waivers::waiver_for(&self.waivers, metric, prompt, today)
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

    /// The whole file.
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
        Err(format!("`waivers[{}]`, a figure that is not in `metrics` and so not judged", waiver.subject()))
    }
}

/// What a text of any schema has.
#[derive(Deserialize)]
struct SchemaAlone {
    schema: u32,
}

fn unreadable(name: &str, cause: &serde_json::Error) -> Error {
    Error::input(format!("policy `{name}` is not of the expected form: {cause}")).hint(HINT)
}
