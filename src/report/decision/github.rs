//! For a step of GitHub's Actions: annotations, as commands to the runner. The step's summary is the
//! Markdown.
//!
//! A runner takes a line that begins with `::` for a command. Each line here is one of ours, whatever
//! stands in it: text of others can neither end a line nor begin one.

use crate::record::{CheckWord, DecisionRecord, Status};
use crate::report::decision::form::Form;
use crate::report::decision::mark::Mark;
use crate::report::decision::subject::Subject;
use crate::report::decision::words;
use crate::report::one_line::one_line;

/// A runner shows no more of a kind from one step; the verdict is told first.
const MOST_OF_A_KIND: usize = 10;

/// A decision as annotations, a line each: errors first, and the verdict first among its kind.
#[must_use]
pub fn github_annotations(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    let verdict = match decision.status {
        Status::Red => "error",
        Status::GreenWithWarning => "warning",
        Status::Green => "notice",
    };
    let headline = subject.headline(Form::Terminal);
    let told = format!("{} ({headline})", one_line(&decision.because));
    let mut lines = vec![(verdict, format!("arcgauge: {}", decision.verdict.word()), told)];
    lines.extend(decision.checks.iter().filter_map(|check| {
        let kind = match check.word {
            CheckWord::Fails if decision.status == Status::Red => "error",
            CheckWord::Fails | CheckWord::Warns => "warning",
            CheckWord::Holds | CheckWord::NotJudged => return None,
        };
        Some((kind, format!("arcgauge: {}", check.id), one_line(&check.because)))
    }));
    lines.extend(decision.comparisons.iter().filter_map(|comparison| {
        let kind = match words::standing(comparison, decision.verdict).0 {
            Mark::Fails if decision.status == Status::Red => "error",
            Mark::Fails | Mark::Warns => "warning",
            Mark::Holds | Mark::Unknown | Mark::NotJudged => return None,
        };
        let [metric, prompt, change, interval, ..] =
            words::comparison(comparison, decision.verdict, Form::Terminal);
        let told = format!("{change} {interval}: {}", one_line(&comparison.because));
        Some((kind, format!("arcgauge: {metric} {prompt}"), told))
    }));
    let mut text = String::new();
    for kind in ["error", "warning", "notice"] {
        for (_, title, told) in lines.iter().filter(|line| line.0 == kind).take(MOST_OF_A_KIND) {
            text.push_str(&annotation(kind, title, told));
        }
    }
    text
}

/// A command to the runner, with its line's end; `message` is a line.
fn annotation(kind: &str, title: &str, message: &str) -> String {
    let title = data(&one_line(title)).replace(':', "%3A").replace(',', "%2C");
    format!("::{kind} title={title}::{}\n", data(message))
}

/// As a command's data is written.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
