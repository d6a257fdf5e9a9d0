//! `logit_drift@1`: how far a model's logits have moved on the probe's text.

use serde::{Deserialize, Serialize};

use crate::engine::Choice;
use crate::error::{Error, Result};
use crate::golden::{DriftLimit, Probe};

/// How far above the drift seen its limit lies: the next pass may round worse.
const LIMIT_FACTOR: f32 = 2.0;

/// The least limit of the largest drift, logits. Another release, or a processor with other
/// instructions, adds up the same floats in another order: twice the zero that a machine sees of
/// itself would call that damage.
const LEAST_LARGEST_LOGIT: f32 = 0.01;

/// The least limit of the mean drift, logits, for the same reason; a mean evens out.
const LEAST_MEAN_LOGIT: f32 = 0.001;

/// How far the logit margins of a pass over the probe's text lie from those of the fixture.
///
/// At each step the logit margin is that between the two largest logits, counted for the token that the
/// fixture prefers: as it is where the pass prefers that token too, and negative where it prefers
/// another. The drift of a step is `|logit margin of the pass - logit margin of the fixture|`; at a flip this is the
/// sum of both logit margins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogitDrift {
    /// The largest drift of a step, logits.
    pub largest_logit: f32,
    /// The mean over all steps, logits.
    pub mean_logit: f32,
    /// Steps at which the pass prefers another token than the fixture.
    pub flips: usize,
    /// All steps.
    pub steps: usize,
}

impl LogitDrift {
    /// The definition id: figures of unlike ids are never compared.
    pub const ID: &'static str = "logit_drift@1";

    /// The limit of the largest drift that follows from this one of a model that is right, logits.
    #[must_use]
    pub fn largest_limit_logit(&self) -> f32 {
        (self.largest_logit * LIMIT_FACTOR).max(LEAST_LARGEST_LOGIT)
    }

    /// The limit of the mean drift, likewise.
    #[must_use]
    pub fn mean_limit_logit(&self) -> f32 {
        (self.mean_logit * LIMIT_FACTOR).max(LEAST_MEAN_LOGIT)
    }

    /// What both limits were calibrated from, for whoever reads them in a fixture.
    #[must_use]
    pub fn limits_reason(&self, openvino: &str) -> String {
        format!(
            "{LIMIT_FACTOR} x the drift seen (largest {}, mean {} logit over {} teacher-forced steps), \
             at least {LEAST_LARGEST_LOGIT} and {LEAST_MEAN_LOGIT}, OpenVINO {openvino}",
            self.largest_logit, self.mean_logit, self.steps
        )
    }
}

impl DriftLimit {
    /// Whether a drift is more than is normal. Where precision is low, a near-tie between two experts
    /// can fall the other way and move a single step by several logits: there the largest drift says
    /// little, and the mean says it.
    #[must_use]
    pub fn is_exceeded_by(&self, drift: &LogitDrift) -> bool {
        drift.largest_logit > self.largest_logit || drift.mean_logit > self.mean_logit
    }
}

impl Probe {
    /// Holds a teacher-forced pass over the text against the fixture.
    ///
    /// # Errors
    /// A pass of another length; and, as wrong output, a logit margin that is no number.
    pub fn drift(&self, pass: &[Choice]) -> Result<LogitDrift> {
        let steps = self.logit_margins.len();
        if pass.len() != steps {
            return Err(Error::harness(format!(
                "the probe has {steps} steps, and the pass over it `{}`",
                pass.len()
            )));
        }
        let mut drift = LogitDrift { largest_logit: 0.0, mean_logit: 0.0, flips: 0, steps };
        let fixture = self.preferred_ids.iter().zip(&self.logit_margins);
        for (step, (choice, (preferred, margin))) in pass.iter().zip(fixture).enumerate() {
            let is_flip = choice.token != *preferred;
            let moved = (if is_flip { -choice.margin } else { choice.margin } - margin).abs();
            if !moved.is_finite() {
                return Err(Error::wrong_output(format!(
                    "the logit margin of the first two logits at step {} of the probe is `{}`",
                    step + 1,
                    choice.margin
                ))
                .hint("run `cargo xtask doctor`: it checks the model's files"));
            }
            drift.largest_logit = drift.largest_logit.max(moved);
            drift.mean_logit += moved / steps as f32;
            drift.flips += usize::from(is_flip);
        }
        Ok(drift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::golden::probe::fixture::probe;

    fn choice(token: u32, margin: f32) -> Choice {
        Choice { token, runner_up: 0, margin }
    }

    fn limit(seen: LogitDrift) -> DriftLimit {
        DriftLimit {
            device: "CPU".into(),
            inference_precision: "f32".into(),
            kv_cache_precision: "f32".into(),
            largest_logit: seen.largest_limit_logit(),
            mean_logit: seen.mean_limit_logit(),
            reason: String::new(),
        }
    }

    #[test]
    fn a_pass_that_is_the_fixture_s_has_no_drift() {
        let pass = [choice(5, 1.0), choice(6, 0.5), choice(7, 2.0), choice(8, 0.25)];
        let drift = probe().drift(&pass).unwrap();
        assert_eq!(drift, LogitDrift { largest_logit: 0.0, mean_logit: 0.0, flips: 0, steps: 4 });
        let rounding = LogitDrift { largest_logit: 0.001, mean_logit: 0.0001, ..drift };
        assert!(!limit(drift).is_exceeded_by(&rounding));
    }

    #[test]
    fn a_gap_that_grew_has_drifted_as_far_as_one_that_shrank() {
        let pass = [choice(5, 1.25), choice(6, 0.5), choice(7, 1.5), choice(8, 0.25)];
        let drift = probe().drift(&pass).unwrap();
        assert_eq!(drift, LogitDrift { largest_logit: 0.5, mean_logit: 0.1875, flips: 0, steps: 4 });
    }

    #[test]
    fn what_lies_within_twice_the_drift_seen_is_normal_and_what_lies_above_is_not() {
        let seen = LogitDrift { largest_logit: 0.5, mean_logit: 0.125, flips: 0, steps: 4 };
        let limit = limit(seen);
        assert!(!limit.is_exceeded_by(&LogitDrift { largest_logit: 1.0, mean_logit: 0.25, ..seen }));
        assert!(limit.is_exceeded_by(&LogitDrift { largest_logit: 1.01, ..seen }));
        assert!(limit.is_exceeded_by(&LogitDrift { mean_logit: 0.26, ..seen }));
    }

    #[test]
    fn at_a_flip_the_gap_counts_as_negative() {
        let pass = [choice(5, 1.0), choice(9, 0.5), choice(7, 2.0), choice(8, 0.25)];
        let drift = probe().drift(&pass).unwrap();
        assert_eq!(drift, LogitDrift { largest_logit: 1.0, mean_logit: 0.25, flips: 1, steps: 4 });
    }

    #[test]
    fn a_gap_that_is_no_number_is_wrong_output_and_not_no_drift() {
        for margin in [f32::NAN, f32::INFINITY] {
            let pass = [choice(5, 1.0), choice(6, margin), choice(7, 2.0), choice(8, 0.25)];
            assert_eq!(probe().drift(&pass).unwrap_err().kind(), ErrorKind::WrongOutput);
        }
    }

    #[test]
    fn a_pass_over_a_part_of_the_text_is_refused() {
        let error = probe().drift(&[choice(5, 1.0)]).unwrap_err();
        assert_eq!(error.to_string(), "the probe has 4 steps, and the pass over it `1`");
    }
}
