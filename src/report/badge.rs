//! A word with its mark, as pages show it: a shape, a colour and the word.

use serde::Serialize;

use crate::golden::GoldenResult;
use crate::record::{CheckWord, ComparisonWord, Entry, Outcome, Status, Verdict};
use crate::report::decision::Mark;

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
        Self { class: mark.class(), glyph: mark.shape(), word: word.into() }
    }

    /// How a record ended, or what it came to.
    #[must_use]
    pub fn of_entry(entry: &Entry) -> Self {
        let gate = entry.ab.as_ref().and_then(|ab| ab.gate_verdict.or(ab.verdict));
        match (gate, entry.outcome) {
            (Some(verdict), _) => verdict.into(),
            (None, Outcome::Complete) if entry.golden == Some(GoldenResult::None) => {
                Self::new(Mark::Unknown, "unverified")
            }
            (None, outcome) => outcome.into(),
        }
    }
}

impl From<Verdict> for Badge {
    fn from(verdict: Verdict) -> Self {
        Self::new(Mark::from(verdict), verdict.word())
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

impl From<CheckWord> for Badge {
    fn from(word: CheckWord) -> Self {
        Self::new(word.into(), word.word())
    }
}

impl From<ComparisonWord> for Badge {
    fn from(word: ComparisonWord) -> Self {
        Self::new(word.into(), word.word())
    }
}

impl From<Status> for Badge {
    fn from(status: Status) -> Self {
        Self::new(status.into(), status.word())
    }
}
