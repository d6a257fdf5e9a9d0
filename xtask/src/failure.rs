//! What went wrong, and what the user does next.

use std::fmt;

/// The arguments were wrong.
const USAGE: u8 = 2;
/// The harness itself failed; the same code as the binary's.
const HARNESS: u8 = 20;

/// The end of a task that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// A lower-case fragment with the offending value in backticks, and the path where there is one.
    pub(crate) message: String,
    /// The next command to type.
    pub(crate) hint: String,
    /// The exit code of xtask.
    pub(crate) code: u8,
}

impl Failure {
    /// The user requested what there is not.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), code: USAGE }
    }

    /// The question was right, and it could not be done.
    pub(crate) fn harness(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), code: HARNESS }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n\nhint: {}", self.message, self.hint)
    }
}
