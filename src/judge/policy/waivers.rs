//! Regressions that somebody accepted, for a time.

use serde::{Deserialize, Serialize};

use super::Day;
use super::check::{Checked, positive, said};
use crate::measure::Metric;

/// An accepted regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Of which figure.
    pub metric: Metric,
    /// Of which prompt or phase alone; None: of the figure as a whole, and of each of them.
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
    /// It was accepted for a time that is over: red, until somebody decides anew.
    Expired(&'a Waiver),
}

impl Waiver {
    /// Whether a rise is within the ceiling, by its best estimate: head over base, as in 1.04.
    #[must_use]
    pub fn covers(&self, ratio: f64) -> bool {
        ratio <= 1.0 + self.ceiling_percent / 100.0
    }

    /// What it is of, in one word: "tpot@1" or "tpot@1/fibonacci".
    #[must_use]
    pub fn subject(&self) -> String {
        let id = self.metric.id();
        self.prompt.as_ref().map_or_else(|| id.to_owned(), |prompt| format!("{id}/{prompt}"))
    }

    pub(super) fn check(&self) -> Checked {
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

/// The waiver of a regression on a day. One of the prompt itself goes before one of the whole figure.
pub(super) fn waiver_for<'a>(
    waivers: &'a [Waiver],
    metric: Metric,
    prompt: Option<&str>,
    today: Day,
) -> Waived<'a> {
    let of_metric = || waivers.iter().filter(move |waiver| waiver.metric == metric);
    let of_prompt = of_metric().find(|waiver| prompt.is_some() && waiver.prompt.as_deref() == prompt);
    match of_prompt.or_else(|| of_metric().find(|waiver| waiver.prompt.is_none())) {
        None => Waived::None,
        Some(waiver) if today <= waiver.expires => Waived::Until(waiver),
        Some(waiver) => Waived::Expired(waiver),
    }
}
