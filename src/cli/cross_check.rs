//! Answers of a run, fed to another device: where it would have chosen other tokens.

use crate::engine::{Choice, Engine, Path, replay};
use crate::error::Result;
use crate::workload::TokenId;

/// Below this logit margin the CPU's f32 and a GPU's f16 may prefer different tokens without either being
/// wrong.
pub(super) const LIMIT_LOGIT: f32 = 0.5;

/// A step at which another token is preferred.
pub(super) struct OtherChoice {
    /// Which token of the answer, from 0.
    pub(super) step: usize,
    /// What is preferred there.
    pub(super) choice: Choice,
}

/// Feeds an answer to the engine, and gives the steps at which it prefers another token.
pub(super) fn other_choices(
    engine: &mut dyn Engine,
    prompt: &[TokenId],
    answer: &[TokenId],
) -> Result<Vec<OtherChoice>> {
    let choices = replay(engine, prompt, Path::Forced(answer))?;
    let steps = choices.into_iter().zip(answer).enumerate();
    let others = steps.filter(|(_, (choice, token))| choice.token != **token);
    Ok(others.map(|(step, (choice, _))| OtherChoice { step, choice }).collect())
}
