//! How a status is marked, the same in every form: a glyph, a shape, a class and a word; and validity, which every
//! report says first.

use serde::Serialize;

use crate::golden::GoldenResult;
use crate::judge::environment::{Guard, GuardWeight};
use crate::judge::{Validity, tripped_guards};
use crate::record::{
    AbSummary, ArmView, CheckResult, ComparisonResult, Entry, Outcome, Status, Verdict, Warning,
};
use crate::report::decision::with_warning;
use crate::report::document::{Cell, Document, status};
use crate::report::number::counted;

/// How a word is marked, the same in every form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Holds,
    /// To be read.
    Warns,
    /// Not as it should be.
    Fails,
    /// Undecided.
    Unknown,
    /// Not judged here.
    NotJudged,
}

impl Mark {
    /// The glyph.
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
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Warns => "warns",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
            Self::NotJudged => "not-judged",
        }
    }

    /// The same for people, where there is room for words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotJudged => "not judged",
            _ => self.glyph(),
        }
    }

    /// The glyph of pages: a shape of its own, for a reader who sees no colour.
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
    pub fn of_ab(ab: &AbSummary) -> Option<Self> {
        let verdict = ab.gate_verdict.or(ab.verdict)?;
        if !ab.passes_with_warning() {
            return Some(verdict.into());
        }
        Some(Self::new(Mark::Warns, with_warning(verdict.in_words(), ab.regressions.iter().copied())))
    }

    /// The decision on an A/B, else the validity of the record. A speed that rests on pairs whose guards tripped is none.
    pub fn of_entry(entry: &Entry) -> Self {
        let ab = entry.ab.as_ref();
        let is_wrong = ab.is_some_and(|ab| ab.verdict == Some(Verdict::WrongOutput));
        if !is_wrong && ab.is_some_and(|ab| ab.ignores_guards) && !tripped_guards(entry).is_empty() {
            return Self::new(Mark::Warns, "INVALID: guards ignored");
        }
        if let Some(badge) = ab.and_then(Self::of_ab) {
            return badge;
        }
        match Validity::of_entry(entry) {
            Validity::Invalid(reasons) => Self::new(Mark::Warns, format!("INVALID: {}", reasons.join(", "))),
            Validity::Unverified(_) => Self::new(Mark::Unknown, "unverified"),
            Validity::Valid if entry.golden == Some(GoldenResult::None) => {
                Self::new(Mark::Unknown, "unverified")
            }
            Validity::Valid if entry.plan.is_alone() => Self::new(Mark::Holds, "valid"),
            _ => {
                let (mark, word) = of_outcome(entry.outcome);
                Self::new(mark, word)
            }
        }
    }
}

impl From<Verdict> for Badge {
    fn from(verdict: Verdict) -> Self {
        Self::new(Mark::from(verdict), verdict.in_words())
    }
}

/// How a record ended, with its mark.
pub(in crate::report) fn of_outcome(outcome: Outcome) -> (Mark, &'static str) {
    match outcome {
        Outcome::Complete => (Mark::Holds, "complete"),
        Outcome::WrongOutput => (Mark::Fails, "wrong output"),
        Outcome::Interrupted => (Mark::NotJudged, "interrupted"),
        Outcome::Failed => (Mark::Fails, "failed"),
        Outcome::NotMeasured => (Mark::NotJudged, "not measured"),
    }
}

/// The first line of a report on a record that is not valid, as in "INVALID: ...".
pub(in crate::report) fn add_validity(document: &mut Document, validity: &Validity, run: ArmView<'_>) {
    let reason = match validity {
        Validity::Valid => return,
        Validity::Unverified(reason) => reason.clone(),
        Validity::Invalid(reasons) => reasons.join("; "),
        Validity::WrongOutput => {
            "a token differs from its golden; that prompt has no speed, and there is no average".to_owned()
        }
        Validity::Interrupted => {
            let has_times = run.samples.iter().any(|sample| sample.times.is_some());
            let without = if has_times { "" } else { "; no speed is reported" };
            format!("after {}{without}", counted(run.samples.len(), "generation"))
        }
        Validity::Failed => {
            let failure = run.failure.as_deref().unwrap_or("no reason is recorded");
            format!("{failure}; no speed is reported")
        }
    };
    document.status(validity.into(), validity.as_str().replace('-', " "), reason);
}

impl From<&Validity> for Mark {
    fn from(validity: &Validity) -> Self {
        match validity {
            Validity::Valid => Self::Holds,
            Validity::Unverified(_) => Self::Unknown,
            Validity::Invalid(_) => Self::Warns,
            Validity::WrongOutput | Validity::Failed => Self::Fails,
            Validity::Interrupted => Self::NotJudged,
        }
    }
}

/// The result on an output in a word.
pub(in crate::report) fn output_word(golden: Option<GoldenResult>) -> &'static str {
    match golden {
        None => "not judged",
        Some(GoldenResult::None) => "unverified",
        Some(golden) => golden.as_str(),
    }
}

/// The same with its mark.
pub(in crate::report) fn output_status(golden: Option<GoldenResult>) -> Cell {
    status(golden.map_or(Mark::NotJudged, Mark::from), output_word(golden))
}

/// Whether the times of a record are invalid.
pub(in crate::report) fn is_invalid(entry: &Entry) -> bool {
    matches!(Validity::of_entry(entry), Validity::Invalid(_))
}

/// Whether a warning repeats the first line.
pub(in crate::report) fn repeats_validity(validity: &Validity, warning: &Warning) -> bool {
    let guard = warning.id.strip_prefix("guard-");
    let invalidates = |guard: &Guard| guard.weight() == GuardWeight::Invalidates;
    matches!(validity, Validity::Invalid(_))
        && Guard::ALL.iter().filter(|guard| invalidates(guard)).any(|it| Some(it.id()) == guard)
}
