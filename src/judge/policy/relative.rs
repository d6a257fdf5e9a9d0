//! How the head is judged against the base, measured interleaved on one machine.

use serde::{Deserialize, Serialize};

use super::check::{Checked, positive, positive_below, said};
use crate::judge::sequential::{Interval, Rule};

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

/// What becomes of a change of which the pairs do not tell.
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
    #[must_use]
    pub fn rule(&self) -> Rule {
        Rule {
            regressed_beyond_percent: self.regressed_beyond_percent,
            passes_within_percent: self.passes_within_percent,
        }
    }

    pub(super) fn check(&self) -> Checked {
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
    #[must_use]
    pub fn tolerates(&self, interval: Option<&Interval>) -> bool {
        let limit_ln = (self.tolerated_slowdown_percent / 100.0).ln_1p();
        interval.is_some_and(|interval| interval.upper_ln() < limit_ln)
    }

    pub(super) fn check(&self, sequential: &SequentialPolicy) -> Checked {
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
    #[must_use]
    pub fn is_exceeded_by(&self, interval: &Interval) -> bool {
        interval.pair_sd_percent() > self.largest_pair_sd_percent
    }

    pub(super) fn check(&self) -> Checked {
        positive("noise.largest_pair_sd_percent", self.largest_pair_sd_percent)?;
        said("noise.reason", &self.reason)
    }
}
