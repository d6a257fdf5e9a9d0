//! Text to token ids and back, by the model's own `tokenizer.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tokenizers::{
    DecodeStream, DecoderWrapper, ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer,
};

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::workload::TokenId;

/// The tokenizer of a model.
#[derive(Debug)]
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    switched_off: Vec<String>,
}

/// The special tokens that a tokenizer's own template puts around a text, as a token that begins a
/// sequence. No chat template is among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateTokens {
    /// Before the text.
    pub before: Vec<TokenId>,
    /// After it.
    pub after: Vec<TokenId>,
}

impl TemplateTokens {
    /// Whether it puts none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }
}

const NAME_A_TOKENIZER: &str = "name a `tokenizer.json` with `--tokenizer FILE`";

impl TextTokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// When the file is missing or no tokenizer.
    pub fn from_file(path: &Path) -> Result<Self> {
        let unreadable = |cause: String| {
            Error::input(format!("cannot read the tokenizer `{}`: {cause}", path.display()))
                .hint(NAME_A_TOKENIZER)
        };
        let text =
            files::read_text(path, FileKind::ModelText).map_err(|error| error.or_hint(NAME_A_TOKENIZER))?;
        let mut tokenizer =
            Tokenizer::from_bytes(text.as_bytes()).map_err(|cause| unreadable(cause.to_string()))?;
        let mut switched_off = Vec::new();
        if tokenizer.get_padding().is_some() {
            switched_off.push("padding".to_owned());
        }
        if let Some(truncation) = tokenizer.get_truncation() {
            switched_off.push(format!("truncation to {} tokens", truncation.max_length));
        }
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(None)
            .map_err(|cause| unreadable(format!("its truncation cannot be switched off: {cause}")))?;
        Ok(Self { tokenizer, switched_off })
    }

    /// What the file asks for and is not done, for it would change every prompt: padding and truncation.
    #[must_use]
    pub fn switched_off(&self) -> &[String] {
        &self.switched_off
    }

    /// The special tokens that [`Self::encode`] puts around a text.
    #[must_use]
    pub fn template_tokens(&self) -> TemplateTokens {
        // Any text shows it; one letter is a token or more in every vocabulary.
        let Ok(encoding) = self.tokenizer.encode("a", true) else { return TemplateTokens::default() };
        let (ids, mask) = (encoding.get_ids(), encoding.get_special_tokens_mask());
        let is_text = |special: &u32| *special == 0;
        let start = mask.iter().position(is_text).unwrap_or(ids.len());
        let end = mask.iter().rposition(is_text).map_or(ids.len(), |last| last + 1);
        TemplateTokens { before: ids[..start].to_vec(), after: ids[end..].to_vec() }
    }

    /// The ids of a text, without a chat template, with the special tokens that the tokenizer's own template
    /// puts around it: models are trained on texts that begin so, and other tools feed them so.
    ///
    /// # Errors
    /// When the tokenizer refuses the text, or the text has no tokens.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>> {
        let encoding = self
            .tokenizer
            .encode(text, true)
            .map_err(|cause| Error::input(format!("the tokenizer refuses the prompt: {cause}")))?;
        if encoding.get_special_tokens_mask().iter().all(|special| *special != 0) {
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

    /// A token as the vocabulary writes it.
    #[must_use]
    pub fn token(&self, id: TokenId) -> String {
        self.tokenizer.id_to_token(id).unwrap_or_default()
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
