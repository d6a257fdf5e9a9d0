//! For a CI that reads JUnit's XML, in the form that nextest writes: a case for the verdict, one for each
//! check and one for each comparison.
//!
//! What is worse or wrong is a failure, a machine that could not be trusted an error, and what could not
//! be reported is skipped, with its reason. A skipped case counts as green for most readers: the exit code
//! and the status are what to act on.

use crate::record::{CheckResult, ComparisonResult, DecisionRecord, Verdict};
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
    Suite { name: subject.title().to_text(), when_utc: decision.judged_utc.clone(), cases: cases(decision) }
}

fn cases(decision: &DecisionRecord) -> Vec<Case> {
    let case = |class: &str, name: String, ending: Ending, kind: &'static str, reason: &str| Case {
        class: class.to_owned(),
        name,
        ending,
        kind,
        reason: reason.to_owned(),
        seconds: None,
    };
    let verdict = case(
        "verdict",
        "verdict".to_owned(),
        of_verdict(decision.verdict),
        decision.verdict.as_str(),
        &decision.reason,
    );
    let checks = decision.checks.iter().map(|check| {
        let ending = of_check(check.result, decision.verdict);
        case("check", check.id.clone(), ending, check.result.as_str(), &check.reason)
    });
    let comparisons = decision.comparisons.iter().map(|comparison| {
        let prompt = comparison.prompt.as_deref().unwrap_or("mean");
        let name = format!("{} {prompt}", comparison.metric.id());
        let ending = of_comparison(comparison.result, decision.verdict);
        let kind = words::standing(comparison, decision.verdict).1;
        case("comparison", name, ending, kind, &comparison.reason)
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
fn of_check(word: CheckResult, verdict: Verdict) -> Ending {
    match (word, verdict) {
        (CheckResult::Holds, _) => Ending::Passed,
        (CheckResult::Warns, _) => Ending::PassedBut,
        (CheckResult::NotJudged, _) | (CheckResult::Fails, Verdict::Inconclusive) => Ending::Skipped,
        (CheckResult::Fails, Verdict::InvalidEnvironment) => Ending::Error,
        (CheckResult::Fails, _) => Ending::Failure,
    }
}

/// Where the machine cannot be trusted, neither can a speed.
fn of_comparison(word: ComparisonResult, verdict: Verdict) -> Ending {
    match word {
        _ if verdict == Verdict::InvalidEnvironment => Ending::Skipped,
        ComparisonResult::Regressed => Ending::Failure,
        ComparisonResult::Improved | ComparisonResult::Unchanged => Ending::Passed,
        ComparisonResult::Undecided => Ending::Skipped,
        ComparisonResult::Waived => Ending::PassedBut,
    }
}
