//! What turns tokens into the next token.
//!
//! [`Engine`] is the narrow waist: the stateful OpenVINO pipeline ([`openvino`]) and the scripted
//! engine of the tests (`scripted`) stand behind it, and [`generate`](fn@generate) drives either.
//! [`transform`] has what can be done to the KV cache between two steps.

mod distribution;
mod generate;
mod logits;
mod model_folder;
pub mod openvino;
#[cfg(any(test, feature = "scripted"))]
pub mod scripted;
pub mod transform;

pub use distribution::{Distribution, DistributionDifference, distribution_differences, distributions};
pub use generate::{
    CachedTokens, Choice, Ended, Observer, Path, Replay, StateShape, begin, choose, generate, greedy, replay,
};
pub use logits::{StepComparison, capture_logits, compare_logits};
pub use model_folder::{ModelConfig, ModelFolder, ModelShape};

use crate::error::{Error, Result};
use crate::workload::TokenId;

/// A model that holds its KV cache inside and gives one row of logits a step.
///
/// Staging (writing inputs) and inferring are apart, so that what is timed as inference is
/// inference. One generation is `reset`, `stage_prompt`, then `infer` and `last_logits` and
/// `stage_token` alternately.
pub trait Engine {
    /// The number of logits in a row.
    fn vocabulary_size(&self) -> usize;

    /// The longest sequence, prompt and answer together, where the model states one.
    fn context_tokens(&self) -> Option<usize>;

    /// Empties the KV cache.
    ///
    /// # Errors
    /// When the runtime refuses.
    fn reset(&mut self) -> Result<()>;

    /// How many tokens the KV cache holds, by one key state and one value state. Copies them: not for
    /// timed steps. Before the first inference a GPU plugin cannot read all states.
    ///
    /// # Errors
    /// When the runtime refuses, or the states disagree with each other.
    fn cached_tokens(&mut self) -> Result<CachedTokens>;

    /// Feeds the prompt to the empty KV cache and fills it to `rows` by repeating its states: the cost of a token at
    /// that depth, without the prefill that would lead there. Never timed.
    ///
    /// # Errors
    /// States that cannot be read or written.
    fn fill_cache(&mut self, _prompt: &[TokenId], rows: usize) -> Result<()> {
        Err(Error::input(format!("this engine cannot fill its KV cache to `{rows}` tokens")))
    }

    /// Writes the prompt's inputs and makes room for `new_tokens` more.
    ///
    /// # Errors
    /// When the runtime refuses.
    fn stage_prompt(&mut self, prompt: &[TokenId], new_tokens: usize) -> Result<()>;

    /// Writes the inputs of one more token.
    ///
    /// # Errors
    /// When the runtime refuses.
    fn stage_token(&mut self, token: TokenId) -> Result<()>;

    /// Runs the model on what is staged and waits for it.
    ///
    /// # Errors
    /// When the runtime refuses.
    fn infer(&mut self) -> Result<()>;

    /// The logits after the last staged token: one row of `vocabulary_size`.
    ///
    /// # Errors
    /// When the runtime refuses.
    fn last_logits(&mut self) -> Result<&[f32]>;
}
