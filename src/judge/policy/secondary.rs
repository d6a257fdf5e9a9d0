//! Single prompts and the figures beside decoding: judged once, at the last look.

use serde::{Deserialize, Serialize};

use super::check::{Checked, positive, positive_below, said};
use crate::measure::{Direction, Metric};

/// What a proven regression of a figure does to the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnRegression {
    /// It turns red.
    Fail,
    /// It stays, with a warning.
    Warn,
}

/// When a figure has regressed, and what of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricPolicy {
    /// Which figure, one of which less is better. `tpot@1` is that of single prompts: their mean is the
    /// pairs' own.
    pub metric: Metric,
    /// A rise that is proven to be larger counts, percent.
    pub smallest_change_percent: f64,
    /// How sure a regression has to be over all prompts or phases of this figure together, percent.
    pub confidence_percent: f64,
    /// What becomes of the status.
    pub on_regression: OnRegression,
    /// Why so.
    #[serde(alias = "because")]
    pub reason: String,
}

impl MetricPolicy {
    /// The change that counts on the scale of ln(head / base).
    #[must_use]
    pub fn smallest_change_ln(&self) -> f64 {
        (self.smallest_change_percent / 100.0).ln_1p()
    }

    /// The share of false words over all of this figure's tests together.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        1.0 - self.confidence_percent / 100.0
    }

    pub(super) fn check(&self) -> Checked {
        let id = self.metric.id();
        let key = |field: &str| format!("metrics[{id}].{field}");
        if self.metric.direction() == Direction::Higher {
            return Err(format!("`{}` of `{id}`; only figures of which less is better", key("metric")));
        }
        positive(&key("smallest_change_percent"), self.smallest_change_percent)?;
        positive_below(&key("confidence_percent"), self.confidence_percent, "certainty", 100.0)?;
        said(&key("reason"), &self.reason)
    }
}
