//! Next-token distributions in compact form: the most probable tokens with their logits, and what is left in one number.

use serde::{Deserialize, Serialize};

use crate::engine::generate::{go_along, greedy};
use crate::engine::{Engine, Path};
use crate::error::{Error, Result};
use crate::workload::TokenId;

/// Tokens that are stored with their logits.
const TOP_TOKENS: usize = 32;

/// The next-token distribution at one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// The most probable tokens, from the first.
    pub token_ids: Vec<TokenId>,
    /// Their logits.
    pub logits: Vec<f32>,
    /// Natural logarithm of the sum of the exponentials of all logits.
    pub log_sum: f64,
    /// Probability of all other tokens together.
    pub tail_probability: f64,
    /// Entropy of the whole distribution, nats.
    pub entropy_nats: f64,
}

/// How the distribution of a step differs from its reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DistributionDifference {
    /// Kullback-Leibler divergence from the reference with all tokens beyond the stored ones taken as one, nats: a lower
    /// bound of the divergence of the whole distributions.
    pub kl_nats: f64,
    /// Largest difference of a stored logit.
    pub largest_logit_difference: f64,
    /// Entropy of the distribution less that of the reference, nats.
    pub entropy_change_nats: f64,
    /// Whether the most probable token is the same.
    pub same_token: bool,
}

impl Distribution {
    /// Of a row of logits.
    ///
    /// # Errors
    /// A row that has a logit which is not a finite number.
    pub fn of(logits: &[f32]) -> Result<Self> {
        let row = Row::of(logits)?;
        let mut order: Vec<usize> = (0..logits.len()).collect();
        // Of equals the first, as greedy decoding takes it.
        let larger = |a: &usize, b: &usize| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b));
        let top = TOP_TOKENS.min(order.len());
        if top < order.len() {
            order.select_nth_unstable_by(top, larger);
        }
        order[..top].sort_unstable_by(larger);
        let id = |at: &usize| {
            TokenId::try_from(*at).map_err(|_| Error::harness(format!("token `{at}` does not fit an id")))
        };
        let token_ids: Vec<TokenId> = order[..top].iter().map(id).collect::<Result<_>>()?;
        Ok(Self {
            logits: order[..top].iter().map(|at| logits[*at]).collect(),
            log_sum: row.log_sum,
            tail_probability: row.probability_without(&token_ids),
            entropy_nats: row.entropy_nats(),
            token_ids,
        })
    }

    /// How another row of logits differs from it.
    ///
    /// # Errors
    /// A row that has not the stored tokens, or a logit which is not a finite number.
    pub fn difference(&self, logits: &[f32]) -> Result<DistributionDifference> {
        let row = Row::of(logits)?;
        let mut kl_nats = 0.0;
        let mut largest_logit_difference = 0.0_f64;
        for (id, reference) in self.token_ids.iter().zip(&self.logits) {
            let logit = logits.get(*id as usize).copied().ok_or_else(|| {
                Error::input(format!("the reference has token `{id}`, and the vocabulary ends before it"))
            })?;
            let log_p = f64::from(*reference) - self.log_sum;
            kl_nats += log_p.exp() * (log_p - (f64::from(logit) - row.log_sum));
            let difference = (f64::from(logit) - f64::from(*reference)).abs();
            largest_logit_difference = largest_logit_difference.max(difference);
        }
        let tail = row.probability_without(&self.token_ids);
        if self.tail_probability > 0.0 && tail > 0.0 {
            kl_nats += self.tail_probability * (self.tail_probability / tail).ln();
        }
        Ok(DistributionDifference {
            // Rounding alone can make it less than nothing.
            kl_nats: kl_nats.max(0.0),
            largest_logit_difference,
            entropy_change_nats: row.entropy_nats() - self.entropy_nats,
            same_token: self.token_ids.first() == Some(&greedy(logits)?),
        })
    }
}

/// A row of finite logits.
struct Row<'a> {
    logits: &'a [f32],
    log_sum: f64,
}

impl<'a> Row<'a> {
    fn of(logits: &'a [f32]) -> Result<Self> {
        if let Some(at) = logits.iter().position(|logit| !logit.is_finite()) {
            let what = format!("the model's logit of token `{at}` is not a finite number");
            return Err(
                Error::wrong_output(what).hint("run `cargo xtask doctor`: it checks the model's files")
            );
        }
        Ok(Self { logits, log_sum: log_sum(logits) })
    }

    fn entropy_nats(&self) -> f64 {
        let surprises = self.logits.iter().map(|logit| self.log_sum - f64::from(*logit));
        surprises.map(|surprise| surprise * (-surprise).exp()).sum()
    }

    /// Probability of all tokens but these, summed by itself: what is left of 1 would lose the small ones.
    fn probability_without(&self, token_ids: &[TokenId]) -> f64 {
        let mut counts = vec![true; self.logits.len()];
        for id in token_ids {
            if let Some(counted) = counts.get_mut(*id as usize) {
                *counted = false;
            }
        }
        let others = self.logits.iter().zip(counts).filter(|(_, counted)| *counted);
        others.map(|(logit, _)| (f64::from(*logit) - self.log_sum).exp()).sum()
    }
}

fn log_sum(logits: &[f32]) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // In double precision: an error of 1e-8 here would be a divergence between equal rows.
    let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - f64::from(largest)).exp()).sum();
    f64::from(largest) + sum.ln()
}

/// Goes along a forced path and gives the distribution at each step. Never timed.
///
/// # Errors
/// When the engine fails, or a row of logits cannot be right.
pub fn distributions(
    engine: &mut dyn Engine,
    prompt: &[TokenId],
    forced: &[TokenId],
) -> Result<Vec<Distribution>> {
    let mut steps = Vec::with_capacity(forced.len());
    go_along(engine, prompt.into(), Path::Forced(forced), |logits| {
        steps.push(Distribution::of(logits)?);
        Ok(0)
    })?;
    Ok(steps)
}

/// Goes along the same path with another engine and compares each step with its reference. Never timed.
///
/// # Errors
/// When the engine fails, a row of logits cannot be right, or the reference has another number of steps.
pub fn distribution_differences(
    engine: &mut dyn Engine,
    prompt: &[TokenId],
    forced: &[TokenId],
    reference: &[Distribution],
) -> Result<Vec<DistributionDifference>> {
    if reference.len() != forced.len() {
        let (found, expected) = (reference.len(), forced.len());
        return Err(Error::input(format!("the reference has `{found}` steps where {expected} are compared")));
    }
    let mut steps = Vec::with_capacity(forced.len());
    go_along(engine, prompt.into(), Path::Forced(forced), |logits| {
        steps.push(reference[steps.len()].difference(logits)?);
        Ok(0)
    })?;
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: impl Fn(usize) -> f32) -> Vec<f32> {
        (0..100).map(at).collect()
    }

    #[test]
    fn a_distribution_keeps_its_most_probable_tokens_and_what_is_left() {
        let logits = row(|at| if at % 3 == 0 { 2.0 } else { 0.0 });
        let distribution = Distribution::of(&logits).unwrap();
        assert_eq!(distribution.token_ids.len(), TOP_TOKENS);
        assert_eq!(distribution.token_ids[..3], [0, 3, 6]);
        let whole = 34.0 * 2.0_f64.exp() + 66.0;
        let tail = (2.0 * 2.0_f64.exp() + 66.0) / whole;
        assert!((distribution.tail_probability - tail).abs() < 1e-12, "{distribution:?}");
        assert!((distribution.log_sum - whole.ln()).abs() < 1e-12);
        let (p, q) = (2.0_f64.exp() / whole, 1.0 / whole);
        assert!((distribution.entropy_nats + 34.0 * p * p.ln() + 66.0 * q * q.ln()).abs() < 1e-12);
    }

    #[test]
    fn an_equal_row_has_no_divergence_and_a_moved_one_at_most_that_of_the_whole_rows() {
        let logits = row(|at| (at as f32 * 0.37).sin() * 3.0);
        let reference = Distribution::of(&logits).unwrap();
        let equal = reference.difference(&logits).unwrap();
        assert_eq!((equal.largest_logit_difference, equal.same_token), (0.0, true));
        assert!(equal.kl_nats < 1e-15, "{equal:?}");

        // As two releases round: the divergence is of the second order.
        let rounded: Vec<f32> = logits.iter().map(|logit| logit * (1.0 + 1e-6)).collect();
        let rounding = reference.difference(&rounded).unwrap();
        assert!(rounding.kl_nats < 1e-11, "{rounding:?}");

        let moved = row(|at| (at as f32 * 0.37).sin() * 3.0 + if at % 7 == 0 { 0.25 } else { 0.0 });
        let difference = reference.difference(&moved).unwrap();
        let (before, after) = (log_sum(&logits), log_sum(&moved));
        let terms = logits.iter().zip(&moved).map(|(p, q)| {
            let (log_p, log_q) = (f64::from(*p) - before, f64::from(*q) - after);
            log_p.exp() * (log_p - log_q)
        });
        let whole: f64 = terms.sum();
        assert!(
            difference.kl_nats > 0.5 * whole && difference.kl_nats <= whole + 1e-12,
            "{difference:?} {whole}"
        );
        assert!((difference.largest_logit_difference - 0.25).abs() < 1e-6);
    }

    #[test]
    fn a_row_that_is_no_distribution_is_wrong_output() {
        let broken = Distribution::of(&[1.0, f32::NAN]).unwrap_err();
        assert!(broken.to_string().contains("token `1`"), "{broken}");
        let reference = Distribution::of(&[1.0, 2.0]).unwrap();
        assert!(reference.difference(&[1.0]).unwrap_err().to_string().contains("token `1`"));
    }
}
