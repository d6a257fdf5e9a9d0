//! The one error type: what went wrong, what kind of wrong it is, and the command that helps.
//!
//! Messages are lower-case fragments with the offending value in backticks. What a fault means
//! for the process (its exit code) is decided by [`ErrorKind`] alone, in `cli`.

use std::fmt;
use std::io;
use std::path::Path;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault it is, and so what the caller should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input or the command line is wrong: fix it and try again.
    Input,
    /// The model's output cannot be right: no speed may be reported.
    WrongOutput,
    /// The machine is not in a state in which a number could be trusted.
    Environment,
    /// The harness, the runtime or the machine failed.
    Harness,
}

impl ErrorKind {
    /// The kind in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "bad input",
            Self::WrongOutput => "wrong output",
            Self::Environment => "invalid environment",
            Self::Harness => "failed",
        }
    }
}

/// A failure that can be shown to a user as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    details: Vec<String>,
    hint: Option<String>,
}

impl Error {
    /// Something the user gave is wrong.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    /// The model's output is wrong.
    pub fn wrong_output(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::WrongOutput, message)
    }

    /// The machine is not in a state in which a number could be trusted.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Environment, message)
    }

    /// The harness, the runtime or the machine failed.
    pub fn harness(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Harness, message)
    }

    /// A file operation failed; `doing` completes "cannot ...", as in "read".
    pub fn io(doing: &str, path: &Path, cause: &io::Error) -> Self {
        Self::harness(format!("cannot {doing} `{}`: {cause}", path.display()))
    }

    /// The same error with the next command to try.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with lines of another program that explain it.
    pub fn details(mut self, lines: Vec<String>) -> Self {
        self.details = lines;
        self
    }

    /// The same error, with the next command to try where it names none.
    pub fn or_hint(self, hint: &str) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// The same error seen as one of bad input: the file at fault was named by the user.
    pub fn as_input(mut self) -> Self {
        self.kind = ErrorKind::Input;
        self
    }

    /// The same error, said of something: as in "the head: the worker crashed".
    pub fn of(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What it says, line by line: the message, and the indented details.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let details = self.details.iter().map(|line| format!("  {line}"));
        std::iter::once(self.message.clone()).chain(details)
    }

    /// The next command to try, where one is known.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Vec::new(), hint: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for Error {}
