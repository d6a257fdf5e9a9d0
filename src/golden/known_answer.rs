//! Holds the answers of an engine that cannot be asked again against what is known of the right one: no
//! golden's tokens can be fed to it, so where it parts at a near-tie, what follows is judged by nobody.

use crate::engine::Choice;
use crate::golden::{Divergence, Finding, Golden, GoldenResult};
use crate::workload::TokenId;

/// The answer that is expected, with how close each step was, where that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    token_ids: Vec<TokenId>,
    /// Of each step; empty where it is not known.
    runner_up_ids: Vec<TokenId>,
    /// Largest minus second largest logit of each step; empty where it is not known.
    logit_margins: Vec<f32>,
    /// So many of the first tokens are a golden's.
    golden_tokens: usize,
}

impl Expected {
    /// The golden's answer.
    #[must_use]
    pub fn golden(golden: &Golden) -> Self {
        Self {
            token_ids: golden.token_ids.clone(),
            runner_up_ids: golden.runner_up_ids.clone(),
            logit_margins: golden.logit_margins.clone(),
            golden_tokens: golden.token_ids.len(),
        }
    }

    /// The same, and beyond the golden's end what another engine answered that has given the golden so far.
    #[must_use]
    pub fn followed_by(mut self, answer: &[TokenId]) -> Self {
        if let Some(rest) = answer.strip_prefix(self.token_ids.as_slice()) {
            self.token_ids.extend(rest);
        }
        self
    }

    /// Another engine's answer, with its logit margin at each step, where it reports them.
    #[must_use]
    pub fn answer(token_ids: &[TokenId], choices: &[Choice]) -> Self {
        let is_of_it = choices.len() == token_ids.len();
        let known = if is_of_it { choices } else { &[] };
        Self {
            token_ids: token_ids.to_vec(),
            runner_up_ids: known.iter().map(|choice| choice.runner_up).collect(),
            logit_margins: known.iter().map(|choice| choice.margin).collect(),
            golden_tokens: 0,
        }
    }

    /// The worst word on these generations. A logit margin below `epsilon_logit` is too close to call.
    #[must_use]
    pub fn judge(&self, generations: &[&[TokenId]], epsilon_logit: f32) -> Finding {
        let worst = generations
            .iter()
            .map(|got| self.judge_one(got, epsilon_logit))
            .reduce(|worst, next| if next.result > worst.result { next } else { worst });
        worst.unwrap_or_else(|| found(GoldenResult::None, None))
    }

    fn judge_one(&self, got: &[TokenId], epsilon_logit: f32) -> Finding {
        let mut steps = self.token_ids.iter().zip(got);
        let Some(position) = steps.position(|(expected, got)| expected != got) else {
            let is_verified = got.len() <= self.golden_tokens;
            return found(if is_verified { GoldenResult::Match } else { GoldenResult::None }, None);
        };
        let logit_margin = self.logit_margins.get(position).copied();
        let is_runner_up = self.runner_up_ids.get(position) == Some(&got[position]);
        let is_close = is_runner_up && logit_margin.is_some_and(|margin| margin < epsilon_logit);
        let divergence = Divergence {
            position,
            expected: self.token_ids[position],
            got: got[position],
            logit_margin: logit_margin.unwrap_or_default(),
            flips: vec![position],
        };
        found(if is_close { GoldenResult::NearTie } else { GoldenResult::Break }, Some(divergence))
    }
}

fn found(result: GoldenResult, divergence: Option<Divergence>) -> Finding {
    Finding { result, divergence, replay: None, logit_margin_drift: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(token: TokenId, margin: f32) -> Choice {
        Choice { token, runner_up: token + 1, margin }
    }

    fn expected() -> Expected {
        Expected::answer(&[5, 6, 7], &[choice(5, 9.0), choice(6, 0.1), choice(7, 9.0)])
    }

    #[test]
    fn the_same_tokens_are_verified_by_a_golden_alone() {
        assert_eq!(expected().judge(&[&[5, 6, 7]], 0.5).result, GoldenResult::None);
        let golden = Expected { golden_tokens: 3, ..expected() };
        assert_eq!(golden.judge(&[&[5, 6, 7], &[5, 6]], 0.5).result, GoldenResult::Match);
        assert_eq!(golden.judge(&[&[5, 6, 7, 8]], 0.5).result, GoldenResult::None, "beyond the golden's end");
    }

    #[test]
    fn beyond_the_golden_s_end_an_answer_must_still_be_the_other_engine_s() {
        let golden = Expected { golden_tokens: 3, ..expected() }.followed_by(&[5, 6, 7, 8]);
        assert_eq!(golden.judge(&[&[5, 6, 7, 8]], 0.5).result, GoldenResult::None, "equal, and no golden's");
        assert_eq!(golden.judge(&[&[5, 6, 7, 9]], 0.5).result, GoldenResult::Break);
        let unlike = Expected { golden_tokens: 3, ..expected() }.followed_by(&[1, 6, 7, 8]);
        assert_eq!(
            unlike.judge(&[&[5, 6, 7, 9]], 0.5).result,
            GoldenResult::None,
            "who left it extends nothing"
        );
    }

    #[test]
    fn the_runner_up_of_a_close_step_is_a_near_tie_and_anything_else_a_break() {
        let found = expected().judge(&[&[5, 7, 0]], 0.5);
        assert_eq!(found.result, GoldenResult::NearTie);
        assert_eq!(found.divergence.unwrap().position, 1);
        assert_eq!(expected().judge(&[&[5, 9, 7]], 0.5).result, GoldenResult::Break, "not the runner-up");
        assert_eq!(expected().judge(&[&[5, 6, 8]], 0.5).result, GoldenResult::Break, "not close");
        let unknown = Expected::answer(&[5, 6, 7], &[]);
        assert_eq!(unknown.judge(&[&[5, 7, 7]], 0.5).result, GoldenResult::Break, "how close is not known");
    }

    #[test]
    fn the_worst_generation_gives_the_word() {
        let found = expected().judge(&[&[5, 6, 7], &[5, 7, 7], &[1, 6, 7]], 0.5);
        assert_eq!((found.result, found.divergence.unwrap().got), (GoldenResult::Break, 1));
    }
}
