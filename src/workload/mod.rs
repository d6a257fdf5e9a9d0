//! What is requested: prompts, their token ids, and the tokenizer that turns one into the other.

pub mod fixture_file;
mod prompt;
mod suite;
mod tokenizer;
mod tokenizer_comparison;

pub use prompt::{PinnedTokenIds, Prompt, PromptSet, TokenizerIdentity};
pub use suite::{DepthPrompt, DepthSuite, Suite};
pub use tokenizer::{TemplateTokens, TextStream, TextTokenizer, TokenizerSource};
pub use tokenizer_comparison::{Differing, TokenizerDifference, compare_tokenizers};

/// A token's number in the vocabulary of the model's tokenizer.
pub type TokenId = u32;

/// What a model is fed before its first new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input<'a> {
    /// The prompt's tokens.
    pub token_ids: &'a [TokenId],
    /// Rows to which the KV cache is filled, untimed, by repeating the states of the prompt; None where the prompt is
    /// fed to an empty cache.
    pub cache_tokens: Option<usize>,
}

impl<'a> Input<'a> {
    /// What the first timed inference is fed: the prompt, or over a filled cache the token that continues its
    /// repetition.
    pub fn first_tokens(self) -> &'a [TokenId] {
        match self.cache_tokens {
            Some(rows) if !self.token_ids.is_empty() => &self.token_ids[rows % self.token_ids.len()..][..1],
            _ => self.token_ids,
        }
    }

    /// Tokens that the KV cache holds before the first new one.
    pub fn depth_tokens(self) -> usize {
        self.cache_tokens.unwrap_or(0).saturating_add(self.first_tokens().len())
    }
}

impl<'a, T: AsRef<[TokenId]> + ?Sized> From<&'a T> for Input<'a> {
    fn from(token_ids: &'a T) -> Self {
        Self { token_ids: token_ids.as_ref(), cache_tokens: None }
    }
}
