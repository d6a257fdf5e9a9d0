//! A decision for a page: the same words as on a terminal, with badges in the place of glyphs.

use serde::Serialize;

use crate::record::{CheckRecord, ComparisonRecord, ComparisonWord, DecisionRecord};
use crate::report::badge::Badge;
use crate::report::decision::form::Form;
use crate::report::decision::subject::Subject;
use crate::report::decision::words;
use crate::report::one_line;

/// A decision.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionParts {
    verdict: Badge,
    status: Badge,
    because: String,
    judged_utc: String,
    is_identical: bool,
    comparisons: Vec<ComparisonRow>,
    checks: Vec<CheckRow>,
    sensitivity: Option<String>,
    next: String,
}

/// A comparison.
#[derive(Debug, Clone, Serialize)]
pub struct ComparisonRow {
    metric: String,
    prompt: String,
    change: String,
    interval: String,
    pairs: String,
    better: String,
    badge: Badge,
    /// Why, where it has changed.
    because: Option<String>,
}

/// A rule and its word.
#[derive(Debug, Clone, Serialize)]
pub struct CheckRow {
    id: String,
    badge: Badge,
    because: String,
}

/// A decision as a page tells it.
#[must_use]
pub fn decision_parts(subject: Subject<'_>, decision: &DecisionRecord) -> DecisionParts {
    DecisionParts {
        verdict: decision.verdict.into(),
        status: decision.status.into(),
        because: one_line(&decision.because),
        judged_utc: one_line(&decision.judged_utc),
        is_identical: subject.is_identical(),
        comparisons: decision.comparisons.iter().map(|told| comparison(told, decision)).collect(),
        checks: decision.checks.iter().map(check).collect(),
        sensitivity: decision.sensitivity.as_ref().map(words::sensitivity),
        next: words::next(subject, decision),
    }
}

fn comparison(told: &ComparisonRecord, decision: &DecisionRecord) -> ComparisonRow {
    let [metric, prompt, change, interval, pairs, better, _] =
        words::comparison(told, decision.verdict, Form::Terminal);
    let (mark, word) = words::standing(told, decision.verdict);
    ComparisonRow {
        metric,
        prompt,
        change,
        interval,
        pairs,
        better,
        badge: Badge::new(mark, word),
        because: (told.word != ComparisonWord::Unchanged).then(|| one_line(&told.because)),
    }
}

fn check(check: &CheckRecord) -> CheckRow {
    CheckRow { id: one_line(&check.id), badge: check.word.into(), because: one_line(&check.because) }
}
