//! What is requested: prompts, their token ids, and the tokenizer that turns one into the other.

pub mod fixture_file;
mod prompt;
mod tokenizer;
mod tokenizer_comparison;

pub use prompt::{PinnedTokenIds, Prompt, PromptSet, TokenizerIdentity};
pub use tokenizer::{TemplateTokens, TextStream, TextTokenizer, TokenizerSource};
pub use tokenizer_comparison::{Differing, TokenizerDifference, compare_tokenizers};

/// A token's number in the vocabulary of the model's tokenizer.
pub type TokenId = u32;
