//! Reports a decision: in the form that was requested, and to GitHub where it runs there.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use clap::ValueEnum;

use crate::cli::{command_github, exit_code, print_data, print_document, say, shell};
use crate::error::Result;
use crate::record::{DecisionRecord, Experiment, Outcome};
use crate::report::decision::{
    Subject, decision_document, decision_json, decision_junit, decision_markdown, github_annotations,
};
use crate::report::document::Document;

/// Prints the result of an `ab`, and gives its exit code.
///
/// # Errors
/// As [`print_data()`].
pub(super) fn report_ab(record: &Experiment, format: VerdictFormat) -> Result<u8> {
    let given = shell::again();
    let subject = Subject { record, given: Some(&given) };
    let code = match (&record.decision, record.outcome) {
        (Some(decision), _) => exit_code::of_verdict(decision.verdict),
        (None, Outcome::Interrupted) => exit_code::INTERRUPTED,
        (None, _) => exit_code::HARNESS_FAILED,
    };
    match (&record.decision, format) {
        (Some(decision), format) => report(subject, decision, format, code)?,
        (None, VerdictFormat::Json) => print_data(&decision_json(subject, None, code))?,
        (None, _) => print_document(decision_document(subject, None))?,
    }
    Ok(code)
}

/// Prints what a gate decided; GitHub gets its annotations and summary even where stdout cannot be written.
///
/// # Errors
/// As [`print_data()`].
pub(super) fn report(
    subject: Subject<'_>,
    decision: &DecisionRecord,
    format: VerdictFormat,
    code: u8,
) -> Result<()> {
    // The command that was given names folders of this machine: it stays on the terminal.
    let shared = Subject { given: None, ..subject };
    let printed = match format {
        VerdictFormat::Text => print_document(decision_document(subject, Some(decision))),
        VerdictFormat::Json => print_data(&decision_json(shared, Some(decision), code)),
        VerdictFormat::Markdown => print_data(&decision_markdown(shared, decision)),
        VerdictFormat::Junit => print_data(&decision_junit(shared, decision)),
    };
    report_to_github(shared, decision);
    printed
}

/// On GitHub a step has a summary, and annotations on stderr: stdout is for whoever requested a form.
fn report_to_github(subject: Subject<'_>, decision: &DecisionRecord) {
    if env::var_os("GITHUB_ACTIONS").is_none_or(|it| it != "true") {
        return;
    }
    for line in github_annotations(subject, decision).lines() {
        command_github(line);
    }
    let Some(summary) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return };
    let text = decision_markdown(subject, decision) + "\n";
    let summary = Path::new(&summary);
    let written = OpenOptions::new().append(true).create(true).open(summary);
    if let Err(cause) = written.and_then(|mut file| file.write_all(text.as_bytes())) {
        say(&format!("the step summary `{}` cannot be written: {cause}", summary.display()));
    }
}

/// The forms of a report that is no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people, on a terminal
    Text,
    /// For programs
    Json,
    /// For a page, an issue or a pull request
    Markdown,
}

/// Prints a report in the form that was requested; `json` is the same for programs.
///
/// # Errors
/// As [`print_data()`].
pub(super) fn print_report(
    format: ReportFormat,
    document: Document,
    json: impl FnOnce() -> String,
) -> Result<()> {
    match format {
        ReportFormat::Text => print_document(document),
        ReportFormat::Json => print_data(&json()),
        ReportFormat::Markdown => print_data(&document.to_markdown()),
    }
}

/// The forms of what is one text or one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TextOrJson {
    Text,
    Json,
}

/// The forms of `ab` and `gate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum VerdictFormat {
    /// For people, on a terminal
    Text,
    /// For programs
    Json,
    /// For a pull request
    Markdown,
    /// For test reports
    Junit,
}
