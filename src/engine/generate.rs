//! Prefill and the decode loop, for any engine.

use std::ops::ControlFlow;

use crate::engine::{Choice, Engine, choose, greedy};
use crate::error::Result;
use crate::workload::TokenId;

/// Who watches a generation. Calls stand inside the timed loop and must be cheap.
pub trait Observer {
    /// The inputs are written; the inference is about to be submitted.
    fn infer_starts(&mut self);
    /// The inference has ended; its logits have not been read yet.
    fn infer_ended(&mut self);
    /// The next token is known on the host. Break ends the generation.
    fn token_known(&mut self, token: TokenId) -> ControlFlow<()>;
}

/// How a generation came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All tokens were made.
    Complete,
    /// The observer stopped it.
    Stopped,
}

/// Decodes greedily for exactly `new_tokens`, whatever the tokens say: an end-of-sequence token is
/// a token like any other. The KV cache must be empty.
///
/// # Errors
/// When the engine fails, or a row of logits cannot be right.
pub fn generate(
    engine: &mut dyn Engine,
    prompt: &[TokenId],
    new_tokens: usize,
    observer: &mut impl Observer,
) -> Result<Ended> {
    engine.stage_prompt(prompt, new_tokens)?;
    for step in 1..=new_tokens {
        observer.infer_starts();
        engine.infer()?;
        observer.infer_ended();
        let token = greedy(engine.last_logits()?)?;
        if observer.token_known(token).is_break() {
            return Ok(Ended::Stopped);
        }
        if step < new_tokens {
            engine.stage_token(token)?;
        }
    }
    Ok(Ended::Complete)
}

/// Which tokens a replay feeds.
#[derive(Debug, Clone, Copy)]
pub enum Path<'a> {
    /// The model's own greedy choices, this many.
    Greedy(usize),
    /// These tokens, whatever the model prefers (teacher forcing), so that every step can be
    /// judged even after a first difference.
    Forced(&'a [TokenId]),
}

/// Who goes along a path and tells what was preferred at each step: an engine in this process, or a
/// worker in another.
pub trait Replay {
    /// Never timed.
    ///
    /// # Errors
    /// When the engine fails, or a row of logits cannot be right.
    fn replay(&mut self, prompt: &[TokenId], path: Path<'_>) -> Result<Vec<Choice>>;
}

impl<E: Engine> Replay for E {
    fn replay(&mut self, prompt: &[TokenId], path: Path<'_>) -> Result<Vec<Choice>> {
        replay(self, prompt, path)
    }
}

/// Goes along a path and notes at each step what the model preferred and by how much. Never timed.
///
/// # Errors
/// When the engine fails, or a row of logits cannot be right.
pub fn replay(engine: &mut dyn Engine, prompt: &[TokenId], path: Path<'_>) -> Result<Vec<Choice>> {
    let steps = match path {
        Path::Greedy(steps) => steps,
        Path::Forced(tokens) => tokens.len(),
    };
    engine.reset()?;
    engine.stage_prompt(prompt, steps)?;
    let mut choices = Vec::with_capacity(steps);
    for step in 0..steps {
        engine.infer()?;
        let choice = choose(engine.last_logits()?)?;
        choices.push(choice);
        if step + 1 < steps {
            engine.stage_token(match path {
                Path::Greedy(_) => choice.token,
                Path::Forced(tokens) => tokens[step],
            })?;
        }
    }
    Ok(choices)
}
