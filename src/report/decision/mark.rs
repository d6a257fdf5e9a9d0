//! The glyphs: each a shape of its own, so that they can be distinguished without colour and on any terminal.

use crate::golden::GoldenResult;
use crate::record::{CheckResult, ComparisonResult, Status, Verdict};

/// How a word is marked, the same in every form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Holds,
    /// To be read.
    Warns,
    /// Not as it should be.
    Fails,
    /// The pairs cannot tell.
    Unknown,
    /// Not judged here.
    NotJudged,
}

impl Mark {
    /// The glyph.
    #[must_use]
    pub fn glyph(self) -> &'static str {
        match self {
            Self::Holds => "ok",
            Self::Warns => "warn",
            Self::Fails => "FAIL",
            Self::Unknown => "?",
            Self::NotJudged => "-",
        }
    }

    /// The word that its glyph stands for, and the class of pages that gives it its colour.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Warns => "warns",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
            Self::NotJudged => "not-judged",
        }
    }

    /// The glyph of pages: a shape of its own, for a reader who sees no colour.
    #[must_use]
    pub fn shape(self) -> &'static str {
        match self {
            Self::Holds => "\u{2713}",
            Self::Warns => "\u{25b2}",
            Self::Fails => "\u{2715}",
            Self::Unknown => "?",
            Self::NotJudged => "\u{2013}",
        }
    }
}

impl From<Verdict> for Mark {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass | Verdict::Improved => Self::Holds,
            Verdict::Regressed | Verdict::Mixed | Verdict::WrongOutput => Self::Fails,
            Verdict::Inconclusive => Self::Unknown,
            Verdict::InvalidEnvironment => Self::Warns,
        }
    }
}

impl From<CheckResult> for Mark {
    fn from(word: CheckResult) -> Self {
        match word {
            CheckResult::Holds => Self::Holds,
            CheckResult::Warns => Self::Warns,
            CheckResult::Fails => Self::Fails,
            CheckResult::NotJudged => Self::NotJudged,
        }
    }
}

impl From<ComparisonResult> for Mark {
    fn from(word: ComparisonResult) -> Self {
        match word {
            ComparisonResult::Regressed => Self::Fails,
            ComparisonResult::Improved | ComparisonResult::Unchanged => Self::Holds,
            ComparisonResult::Undecided => Self::Unknown,
            ComparisonResult::Waived => Self::Warns,
        }
    }
}

impl From<GoldenResult> for Mark {
    fn from(result: GoldenResult) -> Self {
        match result {
            GoldenResult::Match => Self::Holds,
            GoldenResult::NearTie => Self::Warns,
            GoldenResult::Break => Self::Fails,
            GoldenResult::None => Self::NotJudged,
        }
    }
}

impl From<Status> for Mark {
    fn from(status: Status) -> Self {
        match status {
            Status::Green => Self::Holds,
            Status::GreenWithWarning => Self::Warns,
            Status::Red => Self::Fails,
        }
    }
}
