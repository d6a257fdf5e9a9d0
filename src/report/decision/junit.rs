//! For a CI that reads JUnit's XML, in the form that nextest writes: a case for the verdict, one for each
//! check and one for each comparison.
//!
//! What is worse or wrong is a failure, a machine that could not be trusted an error, and what could not
//! be told is skipped, with its reason. A skipped case counts as green for most readers: the exit code
//! and the status are what to act on.

use std::fmt::Write;

use crate::record::{CheckWord, ComparisonWord, DecisionRecord, Verdict};
use crate::report::decision::form::Form;
use crate::report::decision::subject::Subject;
use crate::report::decision::words;
use crate::report::one_line::one_line;

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Passed,
    /// Passed, with something to be read.
    PassedBut,
    Failure,
    Error,
    Skipped,
}

struct Case {
    class: &'static str,
    name: String,
    ending: Ending,
    kind: &'static str,
    because: String,
}

/// A decision as JUnit's XML.
#[must_use]
pub fn decision_junit(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    let cases = cases(decision);
    let count = |ending: Ending| cases.iter().filter(|case| case.ending == ending).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        cases.len(),
        count(Ending::Failure),
        count(Ending::Error),
        count(Ending::Skipped)
    );
    let suite = xml(&subject.headline(Form::Terminal));
    let when = xml(&decision.judged_utc);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"arcgauge\" {counts} timestamp=\"{when}\">\n\
         \x20   <testsuite name=\"{suite}\" {counts} timestamp=\"{when}\">\n"
    );
    for case in &cases {
        let _ = writeln!(text, "        {}", case.told());
    }
    text.push_str("    </testsuite>\n</testsuites>\n");
    text
}

fn cases(decision: &DecisionRecord) -> Vec<Case> {
    let verdict = Case {
        class: "verdict",
        name: "verdict".to_owned(),
        ending: of_verdict(decision.verdict),
        kind: decision.verdict.word(),
        because: decision.because.clone(),
    };
    let checks = decision.checks.iter().map(|check| Case {
        class: "check",
        name: check.id.clone(),
        ending: of_check(check.word, decision.verdict),
        kind: check.word.word(),
        because: check.because.clone(),
    });
    let comparisons = decision.comparisons.iter().map(|comparison| Case {
        class: "comparison",
        name: format!("{} {}", comparison.metric.id(), comparison.prompt.as_deref().unwrap_or("mean")),
        ending: of_comparison(comparison.word, decision.verdict),
        kind: words::standing(comparison, decision.verdict).1,
        because: comparison.because.clone(),
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

impl Case {
    fn told(&self) -> String {
        let name = xml(&self.name);
        let opened = format!("<testcase name=\"{name}\" classname=\"{}\"", self.class);
        let (kind, because) = (self.kind, xml(&self.because));
        let inside = match self.ending {
            Ending::Passed => return format!("{opened}/>"),
            Ending::PassedBut => format!("<system-out>{kind}: {because}</system-out>"),
            Ending::Failure => format!("<failure message=\"{because}\" type=\"{kind}\"/>"),
            Ending::Error => format!("<error message=\"{because}\" type=\"{kind}\"/>"),
            Ending::Skipped => format!("<skipped message=\"{because}\" type=\"{kind}\"/>"),
        };
        format!("{opened}>{inside}</testcase>")
    }
}

/// A text within an attribute or an element. What XML cannot hold even as an entity, the line has
/// already written as its number.
fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for sign in one_line(text).chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(sign),
        }
    }
    escaped
}
