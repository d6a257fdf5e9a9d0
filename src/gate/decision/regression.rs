//! A regression that was shown, and whether somebody answers for it.

use crate::gate::decision::finding::Finding;
use crate::judge::policy::{Day, OnRegression, Policy, Waived};
use crate::measure::Metric;
use crate::record::{ComparisonResult, Verdict};

/// A figure that grew by more than matters.
pub(super) struct Regression<'a> {
    /// What the check is called.
    pub(super) id: &'a str,
    pub(super) metric: Metric,
    pub(super) prompt: Option<&'a str>,
    /// Head over base, by best estimate.
    pub(super) ratio: f64,
    pub(super) severity: OnRegression,
}

/// The word on a figure, and the rule's.
pub(super) struct Judged {
    pub(super) word: ComparisonResult,
    pub(super) finding: Finding,
}

impl Regression<'_> {
    /// A regression, unless somebody has answered for it until a date that has not come.
    pub(super) fn judge(&self, policy: &Policy, judged_utc: &str, reason: &str) -> Judged {
        let today = judged_utc.get(..10).and_then(Day::parse);
        let answered = today.map_or(Waived::None, |today| policy.waiver_for(self.metric, self.prompt, today));
        match answered {
            Waived::None => self.regressed(reason.to_owned()),
            Waived::Until(waiver) if waiver.covers(self.ratio) => {
                let reason = format!("{reason}; waived until {} ({})", waiver.expires, waiver.issue);
                Judged { word: ComparisonResult::Waived, finding: Finding::warns(self.id, reason) }
            }
            Waived::Until(waiver) => {
                let ceiling = waiver.ceiling_percent;
                self.regressed(format!("{reason}; its waiver ({}) ends at {ceiling} %", waiver.issue))
            }
            Waived::Expired(waiver) => {
                let reason = format!("{reason}; its waiver ({}) expired on {}", waiver.issue, waiver.expires);
                let finding = Finding::fails(self.id, Verdict::Regressed, reason);
                Judged { word: ComparisonResult::Regressed, finding }
            }
        }
    }

    fn regressed(&self, reason: String) -> Judged {
        let finding = match self.severity {
            OnRegression::Fail => Finding::fails(self.id, Verdict::Regressed, reason),
            OnRegression::Warn => Finding::warns(self.id, reason),
        };
        Judged { word: ComparisonResult::Regressed, finding }
    }
}
