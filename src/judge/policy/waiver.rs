//! Regressions that somebody answers for, up to a ceiling and until a date.

use serde::{Deserialize, Serialize};

use crate::judge::Policy;
use crate::measure::Metric;

/// A waiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Of which figure.
    pub metric: Metric,
    /// Of which prompt; None waives the mean, or a figure that is not of a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The largest growth that is accepted, percent.
    pub ceiling_percent: f64,
    /// The last day on which it holds, UTC, as in "2026-12-31".
    pub expires: String,
    /// Where it is dealt with.
    pub issue: String,
    /// Why.
    pub because: String,
}

/// Whether a regression is waived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Waived<'a> {
    /// Nobody answers for it.
    None,
    /// Somebody does.
    Until(&'a Waiver),
    /// Somebody did.
    Expired(&'a Waiver),
}

impl Policy {
    /// The waiver of a figure on a day, as in "2026-11-24". Dates of this form have the order of their texts.
    #[must_use]
    pub fn waiver_for(&self, metric: Metric, prompt: Option<&str>, today: &str) -> Waived<'_> {
        let waives = |waiver: &&Waiver| waiver.metric == metric && waiver.prompt.as_deref() == prompt;
        match self.waivers.iter().find(waives) {
            None => Waived::None,
            Some(waiver) if waiver.expires.as_str() < today => Waived::Expired(waiver),
            Some(waiver) => Waived::Until(waiver),
        }
    }
}
