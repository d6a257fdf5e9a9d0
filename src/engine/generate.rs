//! Prefill and the decode loop for any engine, the choice of a token from a row of logits, and how many tokens the KV
//! cache holds.

use std::ops::ControlFlow;

use argminmax::NaNArgMinMax;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::workload::{Input, TokenId};

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

/// Who goes along a path and reports what was preferred at each step: an engine in this process, or a
/// worker in another.
pub trait Replay {
    /// Never timed.
    ///
    /// # Errors
    /// When the engine fails, or a row of logits cannot be right.
    fn replay(&mut self, input: Input<'_>, path: Path<'_>) -> Result<Vec<Choice>>;
}

impl<E: Engine> Replay for E {
    fn replay(&mut self, input: Input<'_>, path: Path<'_>) -> Result<Vec<Choice>> {
        replay(self, input, path)
    }
}

/// Goes along a path and notes at each step what the model preferred and by how much. Never timed.
///
/// # Errors
/// When the engine fails, or a row of logits cannot be right.
pub fn replay<'a>(
    engine: &mut dyn Engine,
    input: impl Into<Input<'a>>,
    path: Path<'_>,
) -> Result<Vec<Choice>> {
    let mut choices = Vec::new();
    go_along(engine, input.into(), path, |logits| {
        let choice = choose(logits)?;
        choices.push(choice);
        Ok(choice.token)
    })?;
    Ok(choices)
}

/// Goes along a path and shows each row of logits to `look`, which gives the model's choice.
pub(super) fn go_along(
    engine: &mut dyn Engine,
    input: Input<'_>,
    path: Path<'_>,
    mut look: impl FnMut(&[f32]) -> Result<TokenId>,
) -> Result<()> {
    let steps = match path {
        Path::Greedy(steps) => steps,
        Path::Forced(tokens) => tokens.len(),
    };
    begin(engine, input)?;
    engine.stage_prompt(input.first_tokens(), steps)?;
    for step in 0..steps {
        engine.infer()?;
        let chosen = look(engine.last_logits()?)?;
        if step + 1 < steps {
            engine.stage_token(match path {
                Path::Greedy(_) => chosen,
                Path::Forced(tokens) => tokens[step],
            })?;
        }
    }
    Ok(())
}

/// The most tokens that a KV cache is filled to: far above any model's context, and far below what memory holds.
const LARGEST_CACHE_TOKENS: usize = 1 << 20;

/// Empties the KV cache and, where that is requested, fills it to a depth. [`Input::first_tokens`] is fed next.
///
/// # Errors
/// A depth that cannot be filled from the prompt; when the engine refuses.
pub fn begin(engine: &mut dyn Engine, input: Input<'_>) -> Result<()> {
    engine.reset()?;
    let Some(rows) = input.cache_tokens else { return Ok(()) };
    let prompt = input.token_ids.len();
    if prompt == 0 || rows < prompt || rows > LARGEST_CACHE_TOKENS {
        let what = format!("a KV cache cannot be filled to `{rows}` tokens from a prompt of {prompt}");
        return Err(Error::input(what).hint(format!(
            "use a prompt of 1 token or more, and from its length to {LARGEST_CACHE_TOKENS} tokens"
        )));
    }
    engine.fill_cache(input.token_ids, rows)
}

/// The greedy token: the **first** index of the largest logit.
///
/// First, because low-precision logits tie, and every other implementation takes the first: one
/// that takes the last diverges within a few tokens.
///
/// # Errors
/// An empty row, or one that has a NaN, is wrong output.
#[inline]
pub fn greedy(logits: &[f32]) -> Result<TokenId> {
    if logits.is_empty() {
        return Err(Error::wrong_output("the model gave an empty row of logits"));
    }
    let index = logits.nanargmax();
    if logits[index].is_nan() {
        return Err(not_a_number(index));
    }
    token_id(index)
}

/// What the model preferred at one step, and by how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The greedy token.
    pub token: TokenId,
    /// The token with the second largest logit; the first of equals.
    pub runner_up: TokenId,
    /// Largest minus second largest logit.
    pub margin: f32,
}

/// The two largest logits of a row. Not for timed loops: it is a plain scan.
///
/// # Errors
/// A row of fewer than two logits, or one that has a NaN, is wrong output.
pub fn choose(logits: &[f32]) -> Result<Choice> {
    let token = greedy(logits)?;
    let best = token as usize;
    let others = logits.iter().enumerate().filter(|(index, _)| *index != best);
    let second = others.reduce(|second, next| if next.1 > second.1 { next } else { second });
    let Some((runner_up, logit)) = second else {
        return Err(Error::wrong_output("the model gave a row of a single logit"));
    };
    Ok(Choice { token, runner_up: token_id(runner_up)?, margin: logits[best] - logit })
}

fn token_id(index: usize) -> Result<TokenId> {
    TokenId::try_from(index).map_err(|_| Error::harness(format!("token `{index}` does not fit an id")))
}

fn not_a_number(index: usize) -> Error {
    Error::wrong_output(format!("the model's logit of token `{index}` is not a number"))
        .hint("run `cargo xtask doctor`: it checks the model's files")
}

/// One KV state's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateShape {
    /// As in `past_key_values.0.keypresent.0.key`.
    pub name: String,
    /// `(batch, KV heads, tokens, head size)`, or why the runtime cannot read the state.
    pub shape: Result<Vec<usize>, String>,
}

/// How many tokens the KV cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CachedTokens {
    /// The states that were read hold this many.
    Observed(usize),
    /// The states cannot be read, for this reason.
    NotObservable(String),
}

impl CachedTokens {
    /// By the states that were read. One that cannot be read hides the cache.
    ///
    /// # Errors
    /// States that do not all hold the same number of tokens.
    pub fn of(states: &[StateShape]) -> Result<Self> {
        let mut first: Option<(&str, usize)> = None;
        for StateShape { name, shape } in states {
            let tokens = match shape {
                Ok(shape) => shape.get(2).copied().unwrap_or_default(),
                Err(reason) => {
                    return Ok(Self::NotObservable(format!("KV state `{name}` cannot be read: {reason}")));
                }
            };
            match first {
                Some((of_first, expected)) if tokens != expected => {
                    return Err(Error::harness(format!(
                        "KV state `{name}` holds {tokens} tokens where `{of_first}` holds {expected}"
                    )));
                }
                Some(_) => {}
                None => first = Some((name, tokens)),
            }
        }
        Ok(first.map_or_else(
            || Self::NotObservable("the model has no KV states".to_owned()),
            |(_, tokens)| Self::Observed(tokens),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn of_equal_logits_the_first_is_chosen() {
        for length in [2, 3, 16, 17, 672, 201_088] {
            let mut row = vec![0.5_f32; length];
            assert_eq!(greedy(&row), Ok(0), "row of {length}");
            row[0] = -1.0;
            assert_eq!(greedy(&row), Ok(1), "row of {length}");
        }
    }

    #[test]
    fn a_not_a_number_is_wrong_output_wherever_it_stands() {
        for position in [0, 1, 31, 63] {
            let mut row: Vec<f32> = (0..64_u8).map(f32::from).collect();
            row[position] = f32::NAN;
            assert_eq!(greedy(&row).unwrap_err().kind(), ErrorKind::WrongOutput);
        }
        assert_eq!(greedy(&[]).unwrap_err().kind(), ErrorKind::WrongOutput);
        assert_eq!(greedy(&[f32::NAN; 3]).unwrap_err().kind(), ErrorKind::WrongOutput);
    }

    #[test]
    fn the_runner_up_is_the_first_of_the_rest() {
        let choice = choose(&[1.0, 4.0, 3.0, 3.0, 4.0]).unwrap();
        assert_eq!(choice, Choice { token: 1, runner_up: 4, margin: 0.0 });
        let choice = choose(&[f32::NEG_INFINITY, 2.0, 0.5]).unwrap();
        assert_eq!(choice, Choice { token: 1, runner_up: 2, margin: 1.5 });
        assert!(choose(&[1.0]).is_err());
    }

    fn state(name: &str, shape: Result<[usize; 4], &str>) -> StateShape {
        StateShape { name: name.to_owned(), shape: shape.map(Vec::from).map_err(str::to_owned) }
    }

    #[test]
    fn the_states_must_all_hold_the_same_number_of_tokens() {
        let key = state("0.key", Ok([1, 8, 5, 64]));
        let both = [key.clone(), state("0.value", Ok([1, 8, 5, 64]))];
        assert_eq!(CachedTokens::of(&both).unwrap(), CachedTokens::Observed(5));
        let unlike = [key, state("0.value", Ok([1, 8, 4, 64]))];
        let error = CachedTokens::of(&unlike).unwrap_err().to_string();
        assert_eq!(error, "KV state `0.value` holds 4 tokens where `0.key` holds 5");
    }

    #[test]
    fn a_state_that_cannot_be_read_hides_the_cache_and_is_named() {
        let states = [state("0.key", Ok([0, 8, 0, 64])), state("0.value", Err("it is compressed"))];
        let reason = "KV state `0.value` cannot be read: it is compressed";
        assert_eq!(CachedTokens::of(&states).unwrap(), CachedTokens::NotObservable(reason.to_owned()));
    }
}
