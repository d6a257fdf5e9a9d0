//! Tells a decision: in the form that was asked for, and to GitHub where it runs there.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::cli::verdict_format::VerdictFormat;
use crate::cli::{exit_code, print, say};
use crate::record::{AbRecord, DecisionRecord, Outcome};
use crate::report::decision::{
    Subject, ab_text, decision_json, decision_junit, decision_markdown, decision_text, github_annotations,
    pair_lines,
};

/// Tells what an `ab` came to, and gives its exit code.
pub(super) fn tell_ab(record: &AbRecord, format: VerdictFormat) -> u8 {
    let pairs = pair_lines(record);
    let subject = Subject::Ab { record, pairs: &pairs };
    let code = match (&record.decision, record.outcome) {
        (Some(decision), _) => exit_code::of_verdict(decision.verdict),
        (None, Outcome::Interrupted) => exit_code::INTERRUPTED,
        (None, _) => exit_code::HARNESS_FAILED,
    };
    match (&record.decision, format) {
        (Some(decision), format) => tell(subject, decision, format, code),
        (None, VerdictFormat::Json) => print(&decision_json(subject, None, code)),
        (None, _) => print(&ab_text(record, &pairs)),
    }
    code
}

/// Tells what a gate decided.
pub(super) fn tell(subject: Subject<'_>, decision: &DecisionRecord, format: VerdictFormat, code: u8) {
    print(&match format {
        VerdictFormat::Text => decision_text(subject, decision),
        VerdictFormat::Json => decision_json(subject, Some(decision), code),
        VerdictFormat::Markdown => decision_markdown(subject, decision),
        VerdictFormat::Junit => decision_junit(subject, decision),
    });
    tell_github(subject, decision);
}

/// On GitHub a step has a summary, and annotations on stderr: stdout is for whoever asked for a form.
fn tell_github(subject: Subject<'_>, decision: &DecisionRecord) {
    if env::var_os("GITHUB_ACTIONS").is_none_or(|it| it != "true") {
        return;
    }
    for line in github_annotations(subject, decision).lines() {
        say(line);
    }
    let Some(summary) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return };
    let text = decision_markdown(subject, decision) + "\n";
    let summary = Path::new(&summary);
    let written = OpenOptions::new().append(true).create(true).open(summary);
    if let Err(cause) = written.and_then(|mut file| file.write_all(text.as_bytes())) {
        say(&format!("the step summary `{}` cannot be written: {cause}", summary.display()));
    }
}
