//! A word with its mark, as pages show it: a shape, a colour and the word.

use serde::Serialize;

use crate::golden::GoldenResult;
use crate::record::{AbSummary, CheckResult, ComparisonResult, Entry, Outcome, PlanKind, Status, Verdict};
use crate::report::decision::{Mark, with_warning};
use crate::report::view::doubt::{doubt_reason, is_doubted};

/// A word with its mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Badge {
    /// The class that gives it its colour.
    pub class: &'static str,
    /// Its shape.
    pub glyph: &'static str,
    /// The word.
    pub word: String,
}

impl Badge {
    /// A word with this mark.
    pub fn new(mark: Mark, word: impl Into<String>) -> Self {
        Self { class: mark.as_str(), glyph: mark.shape(), word: word.into() }
    }

    /// The result of an A/B: the gate's verdict, else the one for whoever ran it. One that passes while another
    /// metric regressed is a warning.
    #[must_use]
    pub fn of_ab(ab: &AbSummary) -> Option<Self> {
        let verdict = ab.gate_verdict.or(ab.verdict)?;
        if !ab.passes_with_warning() {
            return Some(verdict.into());
        }
        Some(Self::new(Mark::Warns, with_warning(verdict.as_str(), ab.regressions.iter().copied())))
    }

    /// How a record ended, or what it came to.
    #[must_use]
    pub fn of_entry(entry: &Entry) -> Self {
        let of_ab = entry.ab.as_ref().and_then(Self::of_ab);
        match (of_ab, entry.outcome) {
            (Some(badge), _) => badge,
            (None, Outcome::Complete) if is_doubted(entry) => {
                Self::new(Mark::Warns, format!("INVALID: {}", doubt_reason(entry)))
            }
            (None, Outcome::Complete) if entry.golden == Some(GoldenResult::None) => {
                Self::new(Mark::Unknown, "unverified")
            }
            (None, Outcome::Complete) if entry.plan == PlanKind::Bench => Self::new(Mark::Holds, "valid"),
            (None, outcome) => outcome.into(),
        }
    }
}

impl From<Verdict> for Badge {
    fn from(verdict: Verdict) -> Self {
        Self::new(Mark::from(verdict), verdict.as_str())
    }
}

impl From<Outcome> for Badge {
    fn from(outcome: Outcome) -> Self {
        let (mark, word) = match outcome {
            Outcome::Complete => (Mark::Holds, "complete"),
            Outcome::WrongOutput => (Mark::Fails, "wrong output"),
            Outcome::Interrupted => (Mark::NotJudged, "interrupted"),
            Outcome::Failed => (Mark::Fails, "failed"),
            Outcome::NotMeasured => (Mark::NotJudged, "not measured"),
        };
        Self::new(mark, word)
    }
}

impl From<CheckResult> for Badge {
    fn from(word: CheckResult) -> Self {
        Self::new(word.into(), word.as_str())
    }
}

impl From<ComparisonResult> for Badge {
    fn from(word: ComparisonResult) -> Self {
        Self::new(word.into(), word.as_str())
    }
}

impl From<Status> for Badge {
    fn from(status: Status) -> Self {
        Self::new(status.into(), status.as_str())
    }
}
