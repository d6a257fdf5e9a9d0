//! The answer to a claim.

use serde::{Deserialize, Serialize};

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was seen to hold.
    Yes,
    /// It was seen not to hold.
    No,
    /// Nothing was read that could tell.
    NotObserved,
}

impl Answer {
    /// As text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::NotObserved => "not observed",
        }
    }
}

/// A figure that an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fact {
    /// What it is, with its unit.
    pub id: &'static str,
    /// How much, not rounded.
    pub value: f64,
}

/// An answer, and what it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimResult {
    /// The answer.
    pub answer: Answer,
    /// What was seen, or why nothing was.
    pub reason: String,
    /// The figures in it.
    pub facts: Vec<Fact>,
}

impl ClaimResult {
    pub(super) fn yes(reason: impl Into<String>) -> Self {
        Self { answer: Answer::Yes, reason: reason.into(), facts: Vec::new() }
    }

    pub(super) fn no(reason: impl Into<String>) -> Self {
        Self { answer: Answer::No, reason: reason.into(), facts: Vec::new() }
    }

    pub(super) fn not_observed(reason: impl Into<String>) -> Self {
        Self { answer: Answer::NotObserved, reason: reason.into(), facts: Vec::new() }
    }

    pub(super) fn with(mut self, id: &'static str, value: f64) -> Self {
        self.facts.push(Fact { id, value });
        self
    }
}
