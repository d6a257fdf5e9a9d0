//! The glyphs: each a shape of its own, so that they can be told apart without colour and on any terminal.

use crate::record::{CheckWord, ComparisonWord, Status, Verdict};

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

    /// The class of pages that gives it its colour.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Warns => "warns",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
            Self::NotJudged => "not-judged",
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

impl From<CheckWord> for Mark {
    fn from(word: CheckWord) -> Self {
        match word {
            CheckWord::Holds => Self::Holds,
            CheckWord::Warns => Self::Warns,
            CheckWord::Fails => Self::Fails,
            CheckWord::NotJudged => Self::NotJudged,
        }
    }
}

impl From<ComparisonWord> for Mark {
    fn from(word: ComparisonWord) -> Self {
        match word {
            ComparisonWord::Regressed => Self::Fails,
            ComparisonWord::Improved | ComparisonWord::Unchanged => Self::Holds,
            ComparisonWord::Undecided => Self::Unknown,
            ComparisonWord::Waived => Self::Warns,
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
