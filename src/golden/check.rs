//! Is this the answer? Every generation of a prompt against the golden, or, where there is none,
//! against the first of them.
//!
//! After a difference the rest of a generation means nothing, for it goes on from another token. So
//! the golden's tokens are fed once more, untimed, and every step is judged by itself.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::engine::{Choice, Path, Replay};
use crate::error::Result;
use crate::golden::Golden;
use crate::workload::{Input, TokenId};

/// The result of a prompt's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum GoldenResult {
    /// Every token of every generation is the golden one.
    Match,
    /// There is no golden: nothing is verified.
    None,
    /// Tokens differ only where the first two logits are too close to call.
    NearTie,
    /// A token differs where it must not: the output is wrong and has no speed.
    Break,
}

impl GoldenResult {
    /// Whether the output was compared with a golden and is not wrong.
    pub fn is_verified(self) -> bool {
        matches!(self, Self::Match | Self::NearTie)
    }

    /// As it is serialised.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The first place at which an answer left its reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// The step, from 0.
    pub position: usize,
    /// The reference's token.
    pub expected: TokenId,
    /// The token that came.
    pub got: TokenId,
    /// First minus second logit of the reference at that step.
    pub logit_margin: f32,
    /// Steps at which the model prefers another token when the reference's are fed to it.
    pub flips: Vec<usize>,
}

/// What the check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The word.
    pub result: GoldenResult,
    /// Where the answer left its reference, if it did.
    pub divergence: Option<Divergence>,
    /// Runner-up and logit margin at each step of the answer that came; only where it is not known already
    /// from a golden that it matches. From this a golden can be blessed.
    pub replay: Option<Vec<Choice>>,
    /// Largest difference between the logit margins of the golden and those of a teacher-forced pass.
    pub logit_margin_drift: Option<f32>,
}

impl Finding {
    /// Of an answer that nothing is known to compare with.
    pub fn unjudged() -> Self {
        Self { result: GoldenResult::None, divergence: None, replay: None, logit_margin_drift: None }
    }
}

/// One prompt's answers, to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What the model was fed.
    pub input: Input<'a>,
    /// Every generation of it; at least one.
    pub generations: &'a [&'a [TokenId]],
    /// What it must be.
    pub golden: Option<&'a Golden>,
    /// Gaps below this are near-ties, logits.
    pub epsilon_logit: f32,
}

/// Judges the generations of a prompt. The replay runs untimed passes where they are needed: none
/// when all match the golden.
///
/// # Errors
/// When the replay fails.
pub fn judge(model: &mut dyn Replay, question: Question<'_>) -> Result<Finding> {
    let Question { input, generations, golden, epsilon_logit } = question;
    let Some(first) = generations.first() else {
        return Ok(Finding::bare(GoldenResult::None));
    };
    // A golden says nothing about another input.
    if let Some(golden) = golden.filter(|golden| golden.answers(input)) {
        return against_golden(model, question, golden, first);
    }
    let forced = model.replay(input, Path::Forced(first))?;
    let preferred = tokens(&forced);
    let runner_ups: Vec<TokenId> = forced.iter().map(|choice| choice.runner_up).collect();
    let margins: Vec<f32> = forced.iter().map(|choice| choice.margin).collect();
    let reference = Reference { tokens: first, runner_ups: &runner_ups, margins: &margins, epsilon_logit };
    // The replay is one more generation that must agree.
    let all = generations.iter().copied().chain([preferred.as_slice()]);
    let worst = reference.worst(all, &forced);
    Ok(Finding {
        result: worst.as_ref().map_or(GoldenResult::None, |worst| worst.result),
        divergence: worst.map(|worst| worst.divergence),
        logit_margin_drift: None,
        replay: Some(forced),
    })
}

/// Judges the part of the generations that the golden reaches. A generation that goes on beyond the
/// golden's end can be found wrong by it, and not right.
fn against_golden(
    model: &mut dyn Replay,
    question: Question<'_>,
    golden: &Golden,
    first: &[TokenId],
) -> Result<Finding> {
    let Question { input, generations, epsilon_logit, .. } = question;
    let steps = first.len().min(golden.token_ids.len());
    let reference = Reference {
        tokens: &golden.token_ids[..steps],
        runner_ups: &golden.runner_up_ids,
        margins: &golden.logit_margins,
        epsilon_logit,
    };
    let covered = steps == first.len();
    if covered && generations.iter().all(|tokens| *tokens == reference.tokens) {
        return Ok(Finding::bare(GoldenResult::Match));
    }
    let forced = model.replay(input, Path::Forced(reference.tokens))?;
    let worst = reference.worst(generations.iter().copied(), &forced);
    let unjudged = if covered { GoldenResult::Match } else { GoldenResult::None };
    let result = worst.as_ref().map_or(unjudged, |worst| worst.result.max(unjudged));
    Ok(Finding {
        result,
        divergence: worst.map(|worst| worst.divergence),
        logit_margin_drift: Some(drift(golden, &forced)),
        replay: Some(model.replay(input, Path::Forced(first))?),
    })
}

/// What generations are compared with.
struct Reference<'a> {
    tokens: &'a [TokenId],
    runner_ups: &'a [TokenId],
    margins: &'a [f32],
    epsilon_logit: f32,
}

struct Judged {
    result: GoldenResult,
    divergence: Divergence,
}

impl Reference<'_> {
    /// The worst of all generations; of equals the first.
    fn worst<'b>(
        &self,
        generations: impl Iterator<Item = &'b [TokenId]>,
        forced: &[Choice],
    ) -> Option<Judged> {
        let judged = generations.filter_map(|got| self.judge(got, forced));
        judged.reduce(|worst, next| if next.result > worst.result { next } else { worst })
    }

    fn judge(&self, got: &[TokenId], forced: &[Choice]) -> Option<Judged> {
        let position = self.tokens.iter().zip(got).position(|(expected, got)| expected != got)?;
        let flips = forced.iter().zip(self.tokens).enumerate();
        let flips = flips.filter(|(_, (choice, expected))| choice.token != **expected).map(|(step, _)| step);
        let flips: Vec<usize> = flips.collect();
        let mut places =
            flips.iter().map(|step| (*step, forced[*step].token)).chain([(position, got[position])]);
        let close = places.all(|(step, token)| self.is_near_tie(step, token, forced));
        Some(Judged {
            result: if close { GoldenResult::NearTie } else { GoldenResult::Break },
            divergence: Divergence {
                position,
                expected: self.tokens[position],
                got: got[position],
                logit_margin: self.margins[position],
                flips,
            },
        })
    }

    /// Too close to call, and between tokens that really were close: the reference's runner-up, or
    /// what the model itself prefers there when the reference is fed to it.
    fn is_near_tie(&self, step: usize, got: TokenId, forced: &[Choice]) -> bool {
        let plausible = got == self.runner_ups[step] || got == forced[step].token;
        plausible && self.margins[step] < self.epsilon_logit
    }
}

impl Finding {
    fn bare(result: GoldenResult) -> Self {
        Self { result, divergence: None, replay: None, logit_margin_drift: None }
    }
}

/// Largest difference of the logit margins over the steps at which both prefer the same token.
pub fn drift(golden: &Golden, forced: &[Choice]) -> f32 {
    let steps = forced.iter().zip(golden.token_ids.iter().zip(&golden.logit_margins));
    let same = steps.filter(|(choice, (token, _))| choice.token == **token);
    same.map(|(choice, (_, margin))| (choice.margin - margin).abs()).fold(0.0, f32::max)
}

fn tokens(choices: &[Choice]) -> Vec<TokenId> {
    choices.iter().map(|choice| choice.token).collect()
}

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
    pub fn golden(golden: &Golden) -> Self {
        Self {
            token_ids: golden.token_ids.clone(),
            runner_up_ids: golden.runner_up_ids.clone(),
            logit_margins: golden.logit_margins.clone(),
            golden_tokens: golden.token_ids.len(),
        }
    }

    /// The same, and beyond the golden's end what another engine answered that has given the golden so far.
    pub fn followed_by(mut self, answer: &[TokenId]) -> Self {
        if let Some(rest) = answer.strip_prefix(self.token_ids.as_slice()) {
            self.token_ids.extend(rest);
        }
        self
    }

    /// Another engine's answer, with its logit margin at each step, where it reports them.
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
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::engine::scripted::{Script, ScriptedEngine};
    use crate::golden::GoldenOrigin;

    const PROMPT: [TokenId; 2] = [1, 2];
    const ANSWER: [TokenId; 4] = [5, 6, 7, 8];

    fn golden(margins: [f32; 4]) -> Golden {
        Golden {
            schema: 1,
            prompt_id: "p".into(),
            prompt_token_ids: PROMPT.to_vec(),
            cache_tokens: None,
            model: "m".into(),
            model_sha256: String::new(),
            token_ids: ANSWER.to_vec(),
            runner_up_ids: vec![0; 4],
            logit_margins: margins.to_vec(),
            text: None,
            made: GoldenOrigin {
                when_utc: String::new(),
                who: String::new(),
                reason: String::new(),
                run_id: String::new(),
                commit: None,
                openvino: String::new(),
                device: String::new(),
                properties: std::collections::BTreeMap::new(),
                first_change: None,
            },
        }
    }

    /// Judges generations against a golden, with a model that prefers `prefers` throughout.
    fn found(prefers: &[TokenId], generations: &[&[TokenId]], golden: Option<&Golden>) -> Finding {
        let script = Script {
            vocabulary_size: 16,
            answers: [(PROMPT.to_vec(), prefers.to_vec())].into(),
            ..Script::default()
        };
        let mut engine = ScriptedEngine::new(script, Rc::new(Cell::new(0)));
        judge(&mut engine, Question { input: (&PROMPT).into(), generations, golden, epsilon_logit: 0.5 })
            .unwrap()
    }

    #[test]
    fn an_answer_that_is_the_golden_matches_without_another_pass() {
        let golden = golden([9.0; 4]);
        let finding = found(&ANSWER, &[&ANSWER, &ANSWER], Some(&golden));
        assert_eq!(finding, Finding::bare(GoldenResult::Match));
    }

    #[test]
    fn a_shorter_answer_is_checked_against_the_golden_s_beginning() {
        let golden = golden([9.0; 4]);
        assert_eq!(found(&ANSWER, &[&ANSWER[..2]], Some(&golden)).result, GoldenResult::Match);
        assert_eq!(found(&ANSWER, &[&[5, 9]], Some(&golden)).result, GoldenResult::Break);
    }

    #[test]
    fn an_answer_longer_than_the_golden_is_judged_as_far_as_the_golden_reaches() {
        let golden = golden([9.0; 4]);
        let (longer, wrong) = ([5, 6, 7, 8, 9], [5, 6, 9, 8, 9]);
        assert_eq!(found(&longer, &[&longer], Some(&golden)).result, GoldenResult::None);
        assert_eq!(found(&wrong, &[&wrong], Some(&golden)).result, GoldenResult::Break);
    }

    #[test]
    fn an_answer_to_another_input_is_unverified() {
        let golden = golden([9.0; 4]);
        let other = Golden { prompt_token_ids: vec![1, 3], ..golden };
        assert_eq!(found(&ANSWER, &[&ANSWER], Some(&other)).result, GoldenResult::None);
    }

    #[test]
    fn a_different_token_at_a_wide_gap_is_a_break_that_names_the_first_place() {
        let golden = golden([9.0, 9.0, 3.0, 9.0]);
        let finding = found(&[5, 6, 9, 8], &[&ANSWER, &[5, 6, 9, 8]], Some(&golden));
        assert_eq!(finding.result, GoldenResult::Break);
        let divergence = finding.divergence.unwrap();
        assert_eq!((divergence.position, divergence.expected, divergence.got), (2, 7, 9));
        assert_eq!(divergence.flips, [2]);
    }

    #[test]
    fn a_different_token_at_a_gap_below_epsilon_is_a_near_tie() {
        let golden = golden([9.0, 9.0, 0.4, 9.0]);
        assert_eq!(found(&[5, 6, 9, 8], &[&[5, 6, 9, 0]], Some(&golden)).result, GoldenResult::NearTie);
    }

    #[test]
    fn a_near_tie_in_one_run_does_not_hide_a_break_in_another() {
        let golden = golden([9.0, 9.0, 0.4, 9.0]);
        let (near, wrong) = ([5, 6, 9, 8], [5, 0, 7, 8]);
        let finding = found(&[5, 6, 9, 8], &[&near, &wrong], Some(&golden));
        assert_eq!(finding.result, GoldenResult::Break);
        assert_eq!(finding.divergence.unwrap().position, 1);
    }

    #[test]
    fn at_a_near_tie_a_token_that_was_never_close_is_a_break() {
        let golden = golden([9.0, 9.0, 0.4, 9.0]);
        assert_eq!(found(&ANSWER, &[&[5, 6, 12, 8]], Some(&golden)).result, GoldenResult::Break);
        assert_eq!(
            found(&ANSWER, &[&[5, 6, 0, 8]], Some(&golden)).result,
            GoldenResult::NearTie,
            "runner-up"
        );
    }

    #[test]
    fn a_near_tie_does_not_hide_a_break_further_on() {
        let golden = golden([9.0, 0.4, 9.0, 9.0]);
        // The model flips at the near-tie of step 1, and also at step 3, where it must not.
        assert_eq!(found(&[5, 9, 7, 9], &[&[5, 9, 0, 0]], Some(&golden)).result, GoldenResult::Break);
    }

    #[test]
    fn without_a_golden_generations_must_agree_with_each_other() {
        assert_eq!(found(&ANSWER, &[&ANSWER, &ANSWER], None).result, GoldenResult::None);
        let finding = found(&ANSWER, &[&ANSWER, &[5, 6, 9, 8]], None);
        assert_eq!(finding.result, GoldenResult::Break);
        assert_eq!(finding.divergence.unwrap().position, 2);
    }

    #[test]
    fn an_answer_without_a_golden_can_be_blessed_from_its_replay() {
        let replay = found(&ANSWER, &[&ANSWER], None).replay.unwrap();
        assert_eq!(tokens(&replay), ANSWER);
        assert!(replay.iter().all(|choice| choice.runner_up == choice.token + 1));
    }

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
