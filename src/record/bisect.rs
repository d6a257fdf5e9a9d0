//! Which comparison of which bisect an A/B was.

use serde::{Deserialize, Serialize};

use crate::measure::Metric;

/// A comparison of a bisect. The sides of a bisect are numbered in their order: the good one is 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BisectRecord {
    /// The sha256 over the sides, over what is searched for, and over how it is measured: records of one question are
    /// comparisons of one bisect.
    pub question_sha256: String,
    /// The number of the bad side, which is the last.
    pub last: usize,
    /// The number of the base.
    pub base: usize,
    /// The number of the head.
    pub head: usize,
    /// The metric that grew, `mean_kl@1` where distributions that drift are searched for; None where output that became
    /// wrong is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// How much it grew from the good side to the bad one, percent: the thresholds of a step follow from it. None where
    /// the policy's thresholds decide, or no metric is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_percent: Option<f64>,
}

impl BisectRecord {
    /// The metrics of which pairs are tested.
    pub const METRICS: [Metric; 2] = [Metric::TimePerOutputToken, Metric::TimeToFirstToken];

    /// The metric of which pairs are tested; None where one process a side decides.
    pub fn tested(&self) -> Option<Metric> {
        self.metric.filter(|metric| Self::METRICS.contains(metric))
    }

    /// A bisect has no more sides than this.
    pub const MOST_SIDES: usize = 100_000;
}
