//! For a step of GitHub's Actions: annotations, as commands to the runner. The step's summary is the
//! Markdown.
//!
//! A runner takes a line that begins with `::` for a command. Each line here is one of ours, whatever
//! stands in it: text of others can neither end a line nor begin one.

use crate::record::{CheckResult, DecisionRecord, Status};
use crate::report::decision::mark::Mark;
use crate::report::decision::subject::Subject;
use crate::report::decision::words;
use crate::visible::one_line;

/// A runner shows no more of a kind from one step; the verdict is reported first.
const MOST_OF_A_KIND: usize = 10;

/// A decision as annotations, a line each: errors first, and the verdict first among its kind.
#[must_use]
pub fn github_annotations(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    let verdict = match decision.status {
        Status::Red => "error",
        Status::GreenWithWarning => "warning",
        Status::Green => "notice",
    };
    let title = subject.title().to_text();
    let reported = format!("{} ({title})", one_line(&decision.reason));
    let mut lines = vec![(verdict, format!("arcgauge: {}", decision.verdict.as_str()), reported)];
    lines.extend(decision.checks.iter().filter_map(|check| {
        let kind = match check.result {
            CheckResult::Fails if decision.status == Status::Red => "error",
            CheckResult::Fails | CheckResult::Warns => "warning",
            CheckResult::Holds | CheckResult::NotJudged => return None,
        };
        Some((kind, format!("arcgauge: {}", check.id), one_line(&check.reason)))
    }));
    lines.extend(decision.comparisons.iter().filter_map(|comparison| {
        let kind = match words::standing(comparison, decision.verdict).0 {
            Mark::Fails if decision.status == Status::Red => "error",
            Mark::Fails | Mark::Warns => "warning",
            Mark::Holds | Mark::Unknown | Mark::NotJudged => return None,
        };
        let (change, interval) = (words::change(comparison), words::interval(comparison));
        let reported = format!("{change} {interval}: {}", one_line(&comparison.reason));
        let (metric, prompt) = (comparison.metric.id(), comparison.prompt.as_deref().unwrap_or("mean"));
        Some((kind, format!("arcgauge: {metric} {prompt}"), reported))
    }));
    let mut text = String::new();
    for kind in ["error", "warning", "notice"] {
        for (_, title, reported) in lines.iter().filter(|line| line.0 == kind).take(MOST_OF_A_KIND) {
            text.push_str(&annotation(kind, title, reported));
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
