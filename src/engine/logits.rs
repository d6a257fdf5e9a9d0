//! Next-token distributions along a forced path: those of a reference, stored row by row, and how another engine's differ.
//!
//! Two models at once would need twice the memory, so the reference's rows of logits go to a file: 804 KB a step for a
//! vocabulary of 201,088.

use std::io::{self, Read, Write};

use crate::engine::generate::go_along;
use crate::engine::{Choice, Engine, Path, choose};
use crate::error::{Error, Result};
use crate::workload::TokenId;

/// How the distribution at one step differs from the reference's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepComparison {
    /// What the reference preferred.
    pub reference: TokenId,
    /// What the engine preferred.
    pub token: TokenId,
    /// KL divergence of the engine's distribution from the reference's, in nats: 0 is equal.
    pub kl: f64,
    /// The reference's margin between its first and second token.
    pub margin: f32,
    /// By how much the engine's margin between those two tokens is larger; negative is smaller.
    pub margin_change: f32,
}

impl StepComparison {
    /// Whether both preferred the same token.
    pub fn same_token(&self) -> bool {
        self.token == self.reference
    }
}

/// Goes along a forced path and writes each row of logits to `sink`, for [`compare_logits`].
///
/// # Errors
/// When the engine fails, a row of logits cannot be right, or it cannot be written.
pub fn capture_logits(
    engine: &mut dyn Engine,
    prompt: &[TokenId],
    forced: &[TokenId],
    sink: &mut dyn Write,
) -> Result<Vec<Choice>> {
    let write =
        |sink: &mut dyn Write, bytes: &[u8]| sink.write_all(bytes).map_err(|cause| stored("write", &cause));
    for number in [engine.vocabulary_size(), forced.len()] {
        write(sink, &(number as u64).to_le_bytes())?;
    }
    let mut choices = Vec::with_capacity(forced.len());
    let mut bytes = Vec::new();
    go_along(engine, prompt.into(), Path::Forced(forced), |logits| {
        let choice = choose(logits)?;
        bytes.clear();
        bytes.extend(logits.iter().flat_map(|logit| logit.to_le_bytes()));
        write(sink, &bytes)?;
        choices.push(choice);
        Ok(choice.token)
    })?;
    sink.flush().map_err(|cause| stored("write", &cause))?;
    Ok(choices)
}

/// Goes along the same path with another engine and compares each row with the one in `source`.
///
/// # Errors
/// When the engine fails, a row of logits cannot be right, or what was stored is of another path or vocabulary.
pub fn compare_logits(
    engine: &mut dyn Engine,
    prompt: &[TokenId],
    forced: &[TokenId],
    source: &mut dyn Read,
) -> Result<Vec<StepComparison>> {
    for (expected, what) in [(engine.vocabulary_size(), "logits a row"), (forced.len(), "steps")] {
        let mut bytes = [0; 8];
        source.read_exact(&mut bytes).map_err(|cause| stored("read", &cause))?;
        let found = u64::from_le_bytes(bytes);
        if found != expected as u64 {
            return Err(Error::input(format!(
                "the reference has `{found}` {what} where {expected} are compared"
            )));
        }
    }
    let mut bytes = vec![0; 4 * engine.vocabulary_size()];
    let mut reference = vec![0.0; engine.vocabulary_size()];
    let mut steps = Vec::with_capacity(forced.len());
    go_along(engine, prompt.into(), Path::Forced(forced), |logits| {
        source.read_exact(&mut bytes).map_err(|cause| stored("read", &cause))?;
        let (numbers, _) = bytes.as_chunks::<4>();
        for (logit, bytes) in reference.iter_mut().zip(numbers) {
            *logit = f32::from_le_bytes(*bytes);
        }
        let step = compared(&reference, logits)?;
        steps.push(step);
        Ok(step.token)
    })?;
    Ok(steps)
}

fn stored(doing: &str, cause: &io::Error) -> Error {
    Error::harness(format!("cannot {doing} the logits of the reference: {cause}"))
}

fn compared(reference: &[f32], logits: &[f32]) -> Result<StepComparison> {
    let (of_reference, found) = (choose(reference)?, choose(logits)?);
    let (first, second) = (of_reference.token as usize, of_reference.runner_up as usize);
    Ok(StepComparison {
        reference: of_reference.token,
        token: found.token,
        kl: divergence(reference, logits, [first, found.token as usize]),
        margin: of_reference.margin,
        margin_change: logits[first] - logits[second] - of_reference.margin,
    })
}

/// KL(reference || logits) of the softmax of both; `largest` says where the largest of each lies.
fn divergence(reference: &[f32], logits: &[f32], largest: [usize; 2]) -> f64 {
    let log_sum = |row: &[f32], largest: f64| {
        largest + row.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum::<f64>().ln()
    };
    let of_reference = log_sum(reference, f64::from(reference[largest[0]]));
    let of_logits = log_sum(logits, f64::from(logits[largest[1]]));
    let terms = reference.iter().zip(logits).map(|(reference, logit)| {
        let log_p = f64::from(*reference) - of_reference;
        let p = log_p.exp();
        // What the reference rules out has no part in it.
        if p == 0.0 { 0.0 } else { p * (log_p - (f64::from(*logit) - of_logits)) }
    });
    // Rounding alone can make it less than nothing.
    terms.sum::<f64>().max(0.0)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::engine::scripted::{Script, ScriptedEngine, Slip};

    fn engine(slips: Vec<Slip>, vocabulary_size: usize) -> ScriptedEngine {
        let answers = [(vec![1, 2], vec![5, 6, 7])].into();
        ScriptedEngine::new(
            Script { vocabulary_size, answers, slips, ..Script::default() },
            Rc::new(Cell::new(0)),
        )
    }

    #[test]
    fn an_equal_engine_has_no_divergence_and_one_that_slips_shows_where_and_by_how_much() {
        let mut stored = Vec::new();
        let choices = capture_logits(&mut engine(vec![], 16), &[1, 2], &[5, 6, 7], &mut stored).unwrap();
        assert_eq!(choices.iter().map(|choice| choice.token).collect::<Vec<_>>(), [5, 6, 7]);
        assert_eq!(stored.len(), 16 + 3 * 16 * 4);

        let equal = compare_logits(&mut engine(vec![], 16), &[1, 2], &[5, 6, 7], &mut &stored[..]).unwrap();
        assert!(equal.iter().all(|step| step.same_token() && step.kl == 0.0 && step.margin_change == 0.0));

        let slip = Slip { generation: 0, step: 1, token: 9 };
        let steps =
            compare_logits(&mut engine(vec![slip], 16), &[1, 2], &[5, 6, 7], &mut &stored[..]).unwrap();
        assert_eq!(steps.iter().map(StepComparison::same_token).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!((steps[1].reference, steps[1].token), (6, 9));
        // 6 is 10 above 7 in the reference; in the other both are as unlikely.
        assert_eq!((steps[1].margin, steps[1].margin_change), (10.0, -10.0));
        assert!(steps[1].kl > 100.0 && steps[0].kl == 0.0);
    }

    #[test]
    fn the_divergence_is_that_of_the_formula() {
        // p = (1/2, 1/4, 1/4) and q = (1/4, 1/2, 1/4): 1/2 ln 2 - 1/4 ln 2.
        let logits = |shares: [f32; 3]| shares.map(|share| share.ln() + 3.0);
        let (p, q) = (logits([0.5, 0.25, 0.25]), logits([0.25, 0.5, 0.25]));
        let step = compared(&p, &q).unwrap();
        assert!((step.kl - 0.25 * 2.0_f64.ln()).abs() < 1e-6, "{}", step.kl);
        assert!(compared(&p, &p).unwrap().kl < 1e-12);
        assert_eq!(compared(&[1.0, 0.0, f32::NEG_INFINITY], &[1.0, 0.0, 5.0]).unwrap().token, 2);
    }

    #[test]
    fn a_reference_of_another_path_or_vocabulary_is_refused() {
        let mut stored = Vec::new();
        capture_logits(&mut engine(vec![], 16), &[1, 2], &[5, 6], &mut stored).unwrap();
        let refused = |vocabulary: usize, forced: &[TokenId]| {
            compare_logits(&mut engine(vec![], vocabulary), &[1, 2], forced, &mut &stored[..])
                .unwrap_err()
                .to_string()
        };
        assert_eq!(refused(16, &[5]), "the reference has `2` steps where 1 are compared");
        assert_eq!(refused(17, &[5, 6]), "the reference has `16` logits a row where 17 are compared");
        stored.truncate(100);
        let cut = compare_logits(&mut engine(vec![], 16), &[1, 2], &[5, 6], &mut &stored[..]);
        assert!(cut.unwrap_err().to_string().contains("cannot read the logits"));
    }
}
