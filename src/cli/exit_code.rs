//! Exit codes: an API, documented in the README.

use std::process::ExitCode;

use crate::error::ErrorKind;

/// All well.
pub const PASS: u8 = 0;
/// Usage or bad input.
pub const INPUT: u8 = 2;
/// The output is wrong.
pub const WRONG_OUTPUT: u8 = 11;
/// The machine is not in a state in which a number could be trusted.
pub const ENVIRONMENT_INVALID: u8 = 12;
/// The harness itself failed.
pub const HARNESS_FAILED: u8 = 20;
/// Interrupted: recorded, without speed.
pub const INTERRUPTED: u8 = 130;

/// The code of an error.
#[must_use]
pub fn of(kind: ErrorKind) -> ExitCode {
    ExitCode::from(match kind {
        ErrorKind::Input => INPUT,
        ErrorKind::WrongOutput => WRONG_OUTPUT,
        ErrorKind::Environment => ENVIRONMENT_INVALID,
        ErrorKind::Harness => HARNESS_FAILED,
    })
}
