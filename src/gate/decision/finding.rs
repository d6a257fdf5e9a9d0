//! The word of one rule, and what it does to the verdict.

use crate::record::{CheckRecord, CheckResult, Verdict};

/// A rule's word before the verdict is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: CheckRecord,
    /// The verdict that it alone would be; None where it speaks for no other than a pass.
    pub(super) alone: Option<Verdict>,
    /// Whether it leaves an inconclusive verdict red, whatever slow-down is excluded.
    pub(super) is_red: bool,
}

impl Finding {
    fn new(id: &str, word: CheckResult, reason: impl Into<String>) -> Self {
        let check = CheckRecord { id: id.to_owned(), result: word, reason: reason.into() };
        Self { check, alone: None, is_red: false }
    }

    pub(super) fn holds(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, CheckResult::Holds, reason)
    }

    pub(super) fn warns(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, CheckResult::Warns, reason)
    }

    pub(super) fn not_judged(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, CheckResult::NotJudged, reason)
    }

    pub(super) fn fails(id: &str, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { alone: Some(verdict), is_red: true, ..Self::new(id, CheckResult::Fails, reason) }
    }

    /// Neither well nor wrong: the verdict is open, and policy says what that means for a status.
    pub(super) fn undecided(id: &str, reason: impl Into<String>) -> Self {
        Self { alone: Some(Verdict::Inconclusive), ..Self::new(id, CheckResult::NotJudged, reason) }
    }
}
