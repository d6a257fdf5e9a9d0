//! For a CI that reads JUnit's XML, in the form that nextest writes: a case for the verdict, one for each
//! check and one for each comparison.
//!
//! What is worse or wrong is a failure, a machine that could not be trusted an error, and what could not
//! be told is skipped, with its reason. A skipped case counts as green for most readers: the exit code
//! and the status are what to act on.

use crate::record::{CheckWord, ComparisonWord, DecisionRecord, Verdict};
use crate::report::decision::form::Form;
use crate::report::decision::subject::Subject;
use crate::report::decision::words;
use crate::report::junit::{Case, Ending, Suite, document};

/// A decision as JUnit's XML.
#[must_use]
pub fn decision_junit(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    document(&[decision_suite(subject, decision)])
}

/// A decision as a suite of cases.
pub(in crate::report) fn decision_suite(subject: Subject<'_>, decision: &DecisionRecord) -> Suite {
    Suite {
        name: subject.headline(Form::Terminal),
        when_utc: decision.judged_utc.clone(),
        cases: cases(decision),
    }
}

fn cases(decision: &DecisionRecord) -> Vec<Case> {
    let case = |class: &str, name: String, ending: Ending, kind: &'static str, because: &str| Case {
        class: class.to_owned(),
        name,
        ending,
        kind,
        because: because.to_owned(),
        seconds: None,
    };
    let verdict = case(
        "verdict",
        "verdict".to_owned(),
        of_verdict(decision.verdict),
        decision.verdict.word(),
        &decision.because,
    );
    let checks = decision.checks.iter().map(|check| {
        let ending = of_check(check.word, decision.verdict);
        case("check", check.id.clone(), ending, check.word.word(), &check.because)
    });
    let comparisons = decision.comparisons.iter().map(|comparison| {
        let prompt = comparison.prompt.as_deref().unwrap_or("mean");
        let name = format!("{} {prompt}", comparison.metric.id());
        let ending = of_comparison(comparison.word, decision.verdict);
        let kind = words::standing(comparison, decision.verdict).1;
        case("comparison", name, ending, kind, &comparison.because)
    });
    [verdict].into_iter().chain(checks).chain(comparisons).collect()
}

fn of_verdict(verdict: Verdict) -> Ending {
    match verdict {
        Verdict::Pass | Verdict::Improved => Ending::Passed,
        Verdict::Regressed | Verdict::Mixed | Verdict::WrongOutput => Ending::Failure,
        Verdict::Inconclusive => Ending::Skipped,
        Verdict::InvalidEnvironment => Ending::Error,
    }
}

/// What a check that fails means depends on what was made of it.
fn of_check(word: CheckWord, verdict: Verdict) -> Ending {
    match (word, verdict) {
        (CheckWord::Holds, _) => Ending::Passed,
        (CheckWord::Warns, _) => Ending::PassedBut,
        (CheckWord::NotJudged, _) | (CheckWord::Fails, Verdict::Inconclusive) => Ending::Skipped,
        (CheckWord::Fails, Verdict::InvalidEnvironment) => Ending::Error,
        (CheckWord::Fails, _) => Ending::Failure,
    }
}

/// Where the machine cannot be trusted, neither can a speed.
fn of_comparison(word: ComparisonWord, verdict: Verdict) -> Ending {
    match word {
        _ if verdict == Verdict::InvalidEnvironment => Ending::Skipped,
        ComparisonWord::Regressed => Ending::Failure,
        ComparisonWord::Improved | ComparisonWord::Unchanged => Ending::Passed,
        ComparisonWord::Undecided => Ending::Skipped,
        ComparisonWord::Waived => Ending::PassedBut,
    }
}
