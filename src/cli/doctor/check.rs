//! What a check says: a status, a subject, what was found, and the command that fixes it.

use crate::cli::exit_code;
use crate::error::Error;
use crate::visible::line;

/// Room for the longest subject.
const SUBJECT_WIDTH: usize = 17;

/// The word on a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Ready.
    Ok,
    /// Usable, and something is not as it ought to be.
    Warn,
    /// Verbs that need it will fail.
    Fail,
    /// Not looked at, and why.
    Skip,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        }
    }
}

/// A line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    /// How it stands.
    pub(super) status: Status,
    /// What was looked at.
    pub(super) subject: String,
    /// What was found.
    pub(super) found: String,
    /// The command that fixes it; there for every warning and failure.
    pub(super) fix: Option<String>,
}

impl Check {
    /// All is well.
    pub(super) fn ok(subject: &str, found: impl Into<String>) -> Self {
        Self { status: Status::Ok, subject: subject.to_owned(), found: found.into(), fix: None }
    }

    /// It was not looked at.
    pub(super) fn skip(subject: &str, reason: impl Into<String>) -> Self {
        Self { status: Status::Skip, subject: subject.to_owned(), found: reason.into(), fix: None }
    }

    /// It can be worked with.
    pub(super) fn warn(subject: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::trouble(Status::Warn, subject, found, fix)
    }

    /// It cannot be worked with.
    pub(super) fn fail(subject: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::trouble(Status::Fail, subject, found, fix)
    }

    /// Something to fix that is a warning to one and a failure to another.
    pub(super) fn trouble(
        status: Status,
        subject: &str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { status, subject: subject.to_owned(), found: found.into(), fix: Some(fix.into()) }
    }

    /// An error as a failure; `fix` is for one that brings no hint of its own.
    pub(super) fn of_error(subject: &str, error: &Error, fix: &str) -> Self {
        Self::fail(subject, error.to_string(), error.hint_text().unwrap_or(fix))
    }

    /// The check as it is printed: one line, and an indented one with the command that fixes it.
    pub(super) fn render(&self) -> String {
        let (word, subject, found) = (self.status.as_str(), &self.subject, line(self.found.trim()));
        let hint = self.fix.as_ref().map(|fix| format!("      hint: {}\n", line(fix.trim())));
        format!("{word:<4}  {subject:<SUBJECT_WIDTH$}  {found}\n{}", hint.unwrap_or_default())
    }
}

/// How often each status was given, as the last line says it.
pub(super) fn tally(statuses: &[Status]) -> String {
    let count = |status: Status| {
        let given = statuses.iter().filter(|given| **given == status).count();
        format!("{given} {}", status.as_str())
    };
    [Status::Ok, Status::Warn, Status::Fail, Status::Skip].map(count).join(", ")
}

/// Passes unless something failed.
pub(super) fn exit_code(statuses: &[Status]) -> u8 {
    if statuses.contains(&Status::Fail) { exit_code::HARNESS_FAILED } else { exit_code::PASS }
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes < 1e9 { format!("{:.1} MB", bytes / 1e6) } else { format!("{:.1} GB", bytes / 1e9) }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn a_report_has_a_line_a_check_and_the_command_below_it() {
        let checks = [
            Check::ok("openvino", "2026.4.1, pinned"),
            Check::fail("device requested", "no `GPU.1`\nhere:\n  only `CPU`\n", "try `--device CPU`"),
            Check::skip("intel gpu", "none"),
            Check::warn("memory of GPU.0", "12.0 GB are needed", "line one\nline two"),
        ];
        let report: String = checks.iter().map(Check::render).collect();
        assert_snapshot!(report, @r"
        ok    openvino           2026.4.1, pinned
        FAIL  device requested   no `GPU.1`\nhere:\n  only `CPU`
              hint: try `--device CPU`
        skip  intel gpu          none
        warn  memory of GPU.0    12.0 GB are needed
              hint: line one\nline two
        ");
    }

    #[test]
    fn an_error_without_a_hint_is_given_one() {
        let error = Error::input("no such thing");
        assert_eq!(Check::of_error("a", &error, "do this").fix.as_deref(), Some("do this"));
        let hinting = error.hint("do that");
        assert_eq!(Check::of_error("a", &hinting, "do this").fix.as_deref(), Some("do that"));
    }

    #[test]
    fn only_a_failure_fails_the_verb() {
        use Status::{Fail, Ok, Skip, Warn};
        assert_eq!(exit_code(&[Ok, Warn, Skip]), 0);
        assert_eq!(exit_code(&[Ok, Fail, Warn]), 20);
        assert_eq!(tally(&[Ok, Ok, Warn, Fail]), "2 ok, 1 warn, 1 FAIL, 0 skip");
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_suits_them() {
        assert_eq!(
            [0, 2_720_000, 999_000_000, 12_840_000_000].map(size),
            ["0.0 MB", "2.7 MB", "999.0 MB", "12.8 GB"]
        );
    }
}
