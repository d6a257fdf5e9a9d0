//! Text to token ids and back, by the model's own `tokenizer.json`.

use std::path::Path;

use tokenizers::{
    DecodeStream, DecoderWrapper, ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer,
};

use crate::error::{Error, Result};
use crate::workload::TokenId;

/// The tokenizer of a model.
#[derive(Debug)]
pub struct TextTokenizer {
    tokenizer: Tokenizer,
}

impl TextTokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// When the file is missing or no tokenizer.
    pub fn from_file(path: &Path) -> Result<Self> {
        let tokenizer = Tokenizer::from_file(path).map_err(|cause| {
            Error::input(format!("cannot read the tokenizer `{}`: {cause}", path.display()))
                .hint("name a `tokenizer.json` with `--tokenizer FILE`")
        })?;
        Ok(Self { tokenizer })
    }

    /// The ids of a text, without a chat template and without special tokens around it.
    ///
    /// # Errors
    /// When the tokenizer refuses the text, or the text has no tokens.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(|cause| Error::input(format!("the tokenizer refuses the prompt: {cause}")))?;
        if encoding.get_ids().is_empty() {
            return Err(empty_prompt());
        }
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of ids, special tokens included so that nothing is hidden.
    ///
    /// # Errors
    /// When the tokenizer cannot decode them.
    pub fn decode(&self, ids: &[TokenId]) -> Result<String> {
        self.tokenizer
            .decode(ids, false)
            .map_err(|cause| Error::harness(format!("the tokenizer cannot decode {ids:?}: {cause}")))
    }

    /// How many ids the tokenizer knows, added tokens included.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Begins to decode token by token, holding back bytes that do not make a character yet.
    #[must_use]
    pub fn stream(&self) -> TextStream<'_> {
        TextStream { stream: self.tokenizer.decode_stream(false) }
    }
}

/// The error of a prompt without a token.
fn empty_prompt() -> Error {
    Error::input("the prompt is empty").hint("give some text: `cargo xtask infer --prompt \"Hello\"`")
}

/// Decodes one token after the other.
pub struct TextStream<'a> {
    stream: DecodeStream<
        'a,
        ModelWrapper,
        NormalizerWrapper,
        PreTokenizerWrapper,
        PostProcessorWrapper,
        DecoderWrapper,
    >,
}

impl TextStream<'_> {
    /// The text that this token completes; often the token's own, sometimes none yet.
    ///
    /// # Errors
    /// When the tokenizer cannot decode the tokens.
    pub fn push(&mut self, id: TokenId) -> Result<String> {
        let text = self.stream.step(id);
        let text = text
            .map_err(|cause| Error::harness(format!("the tokenizer cannot decode token `{id}`: {cause}")))?;
        Ok(text.unwrap_or_default())
    }
}
