//! Exit codes: an API, documented in `docs/troubleshooting.md`.

use crate::error::ErrorKind;
use crate::record::{Outcome, Verdict};

/// All well.
pub const PASS: u8 = 0;
/// Usage or bad input.
pub const INPUT: u8 = 2;
/// Worse than what it was compared with.
pub const REGRESSED: u8 = 10;
/// The output is wrong.
pub const WRONG_OUTPUT: u8 = 11;
/// The machine is not in a state in which a number could be trusted.
pub const ENVIRONMENT_INVALID: u8 = 12;
/// It cannot be determined, or what was judged changed what it would be judged by.
pub const INCONCLUSIVE: u8 = 13;
/// The harness itself failed.
pub const HARNESS_FAILED: u8 = 20;
/// Interrupted: recorded, without speed.
pub const INTERRUPTED: u8 = 130;

/// The code of an error.
pub fn of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Input => INPUT,
        ErrorKind::WrongOutput => WRONG_OUTPUT,
        ErrorKind::Environment => ENVIRONMENT_INVALID,
        ErrorKind::Harness => HARNESS_FAILED,
    }
}

/// The code of an experiment that was measured and not judged.
pub fn of_outcome(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Complete => PASS,
        Outcome::WrongOutput => WRONG_OUTPUT,
        Outcome::Interrupted => INTERRUPTED,
        Outcome::Failed | Outcome::NotMeasured => HARNESS_FAILED,
    }
}

/// The code of a verdict.
pub fn of_verdict(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass | Verdict::Improved => PASS,
        Verdict::Regressed | Verdict::Mixed => REGRESSED,
        Verdict::WrongOutput => WRONG_OUTPUT,
        Verdict::InvalidEnvironment => ENVIRONMENT_INVALID,
        Verdict::Inconclusive => INCONCLUSIVE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_the_code_that_scripts_rely_on() {
        let codes = Verdict::ALL.map(|verdict| (verdict.as_str(), of_verdict(verdict)));
        let expected = [
            ("pass", 0),
            ("improved", 0),
            ("regressed", 10),
            ("mixed", 10),
            ("inconclusive", 13),
            ("invalid-environment", 12),
            ("wrong-output", 11),
        ];
        assert_eq!(codes, expected);
    }
}
