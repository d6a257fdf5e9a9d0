//! The gate's policy, `ci/gate.json`: what matters, how sure one must be, and what is done about it.
//!
//! Every threshold of a verdict stands there and nowhere else, each with its reason. The policy of a record
//! is kept in it word for word, so that it can be judged again.

mod anchor;
mod check;
mod waiver;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::judge::Rule;
use crate::measure::Metric;

pub use anchor::{Anchor, PublishedAnchor};
pub use waiver::{Waived, Waiver};

/// A policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Version of this form: 1.
    pub schema: u32,
    /// The paired test of the mean time per output token.
    pub sequential: SequentialPolicy,
    /// What an undecided test means.
    pub when_inconclusive: InconclusivePolicy,
    /// How steady the machine must be.
    pub noise: NoisePolicy,
    /// Figures that are judged beside the mean, once, where the pairs end.
    pub metrics: Vec<MetricPolicy>,
    /// The published figure.
    pub published_anchor: PublishedAnchor,
    /// Figures that an owner pinned.
    pub anchors: Vec<Anchor>,
    /// Regressions that are accepted until a date.
    pub waivers: Vec<Waiver>,
}

/// The paired test of the mean time per output token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequentialPolicy {
    /// A slow-down that is shown to be more than this is a regression, percent.
    pub regressed_beyond_percent: f64,
    /// Where a slow-down of this or more is excluded the head passes, percent.
    pub passes_within_percent: f64,
    /// Why.
    pub because: String,
}

/// What an undecided test means for a status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InconclusivePolicy {
    /// Green with a warning where a slow-down of this or more is excluded, red otherwise, percent.
    pub tolerated_slowdown_percent: f64,
    /// Why.
    pub because: String,
}

/// How steady the machine must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoisePolicy {
    /// Standard deviation of a pair's ratio beyond which a gate trusts nothing, percent.
    pub largest_pair_sd_percent: f64,
    /// Pairs that a guard spoilt and that are drawn again, at most.
    pub largest_redraws: usize,
    /// Why.
    pub because: String,
}

/// A figure that is judged beside the mean time per output token; `tpot@1` itself is judged by prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricPolicy {
    /// Which.
    pub metric: Metric,
    /// The smallest growth that matters, percent.
    pub smallest_change_percent: f64,
    /// How sure one must be that it is more, all figures of one severity together, percent.
    pub confidence_percent: f64,
    /// What a regression does.
    pub on_regression: OnRegression,
    /// Why.
    pub because: String,
}

/// What a regression does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnRegression {
    /// It turns the verdict.
    Fail,
    /// It is said.
    Warn,
}

impl Policy {
    /// Reads a policy; `name` is for messages.
    ///
    /// # Errors
    /// A text that is no policy, a key that is not known, or a value that cannot be meant.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let refuse = |what: String| {
            Error::input(format!("policy `{name}`: {what}")).hint("`ci/gate.md` says what each key means")
        };
        let policy: Self = serde_json::from_str(text).map_err(|cause| refuse(cause.to_string()))?;
        check::check(&policy).map_err(refuse)?;
        Ok(policy)
    }

    /// The rule of the paired test.
    #[must_use]
    pub fn rule(&self) -> Rule {
        Rule {
            regressed_beyond_percent: self.sequential.regressed_beyond_percent,
            passes_within_percent: self.sequential.passes_within_percent,
        }
    }

    /// The file's text with one anchor more; one of the same id gives way.
    ///
    /// # Errors
    /// An anchor that the policy would refuse.
    pub fn with_anchor(&self, anchor: Anchor) -> Result<String> {
        let mut policy = self.clone();
        policy.anchors.retain(|other| other.id != anchor.id);
        policy.anchors.push(anchor);
        let text = serde_json::to_string_pretty(&policy)
            .map_err(|cause| Error::harness(format!("the policy cannot be written: {cause}")))?;
        Self::parse(&text, "with the anchor")?;
        Ok(text + "\n")
    }
}

#[cfg(test)]
mod tests;
