//! For a pull request's comment and a step's summary: about a dozen lines of Markdown.

mod escape;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use crate::record::{CheckRecord, CheckWord, ComparisonWord, DecisionRecord};
use crate::report::decision::form::Form;
use crate::report::decision::mark::Mark;
use crate::report::decision::subject::Subject;
use crate::report::decision::words::{self, COMPARISON_HEADINGS};
use crate::report::number::counted;

pub(in crate::report) use escape::code;
pub use escape::escape;

/// Rows of the table, and checks with a line of their own; the terminal and JSON have all of them.
const MOST: usize = 6;
/// A comment on GitHub holds 65,536 bytes, and a record from elsewhere may hold any amount of text.
const LARGEST: usize = 60_000;

/// A decision as Markdown. No text of others makes markup, a link, a mention or a reference in it.
#[must_use]
pub fn decision_markdown(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    let form = Form::Markdown;
    let mut text = format!("### arcgauge: {}\n\n", words::verdict(decision, form));
    let _ = writeln!(text, "{}. {}.", subject.headline(form), subject.setting(form));
    let sides = subject.sides(form).into_iter().map(|side| format!("{} {}", side.word, side.told()));
    let _ = writeln!(text, "{}.", sides.collect::<Vec<_>>().join("; "));
    if subject.is_identical() {
        let _ = writeln!(text, "{}", words::IDENTICAL);
    }
    text.push_str(&comparisons(decision));
    text.push_str(&checks(&decision.checks));
    if let Some(known) = &decision.sensitivity {
        let _ = writeln!(text, "\n{}", words::sensitivity(known));
    }
    let _ = writeln!(
        text,
        "\nNext: {}. Record `{}`.{}",
        words::next(subject, decision),
        run_id(subject),
        warnings(subject)
    );
    cut(text)
}

/// Whole lines, as many as a comment holds.
fn cut(text: String) -> String {
    if text.len() <= LARGEST {
        return text;
    }
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        if kept.len() + line.len() <= LARGEST {
            kept.push_str(line);
        }
    }
    kept + "\nThere is more than a comment holds.\n"
}

/// The mean of each metric, and whatever has changed besides.
fn comparisons(decision: &DecisionRecord) -> String {
    let comparisons = &decision.comparisons;
    let told = comparisons
        .iter()
        .filter(|comparison| comparison.prompt.is_none() || comparison.word != ComparisonWord::Unchanged);
    let told: Vec<_> = told.take(MOST).collect();
    if told.is_empty() {
        return String::new();
    }
    let row = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let mut text = format!("\n{}", row(&COMPARISON_HEADINGS));
    text.push_str(&row(&["---", "---", "--:", "--:", "--:", "---", "---"]));
    for comparison in &told {
        let cells = words::comparison(comparison, decision.verdict, Form::Markdown);
        text.push_str(&row(&cells.each_ref().map(String::as_str)));
    }
    let left = comparisons.len() - told.len();
    let left = if left == 0 { String::new() } else { format!(" {} not shown.", counted(left, "row")) };
    let _ = writeln!(text, "\n{}{left}", words::CHANGE);
    text
}

/// What does not hold, each on a line; then the names of the rest.
fn checks(checks: &[CheckRecord]) -> String {
    let form = Form::Markdown;
    let has_a_line = |check: &&CheckRecord| matches!(check.word, CheckWord::Fails | CheckWord::Warns);
    let (mut lines, mut rest): (Vec<_>, Vec<_>) = checks.iter().partition(has_a_line);
    // The worst first; the order of their weight within.
    lines.sort_by_key(|check| check.word != CheckWord::Fails);
    rest.splice(0..0, lines.drain(MOST.min(lines.len())..));
    let mut text = String::new();
    for check in lines {
        let glyph = Mark::from(check.word).glyph();
        let _ = writeln!(text, "- {glyph} {}: {}", form.name(&check.id), form.said(&check.because));
    }
    let rest: Vec<String> = rest
        .iter()
        .map(|check| format!("{} {}", Mark::from(check.word).glyph(), form.said(&check.id)))
        .collect();
    if !rest.is_empty() {
        let _ = writeln!(text, "- {}", rest.join(", "));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn run_id(subject: Subject<'_>) -> String {
    // Twelve hexadecimal digits in a record that can be kept; in a code span, whatever they are.
    subject.run_id().chars().filter(char::is_ascii_hexdigit).take(12).collect()
}

/// How many warnings there are, and of which kinds.
fn warnings(subject: Subject<'_>) -> String {
    let warnings = subject.warnings();
    let mut kinds: Vec<String> = Vec::new();
    for (_, warning) in &warnings {
        let kind = Form::Markdown.said(&warning.id);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        return String::new();
    }
    let more = if kinds.len() > MOST { ", ..." } else { "" };
    kinds.truncate(MOST);
    format!(" {}: {}{more}.", counted(warnings.len(), "warning"), kinds.join(", "))
}
