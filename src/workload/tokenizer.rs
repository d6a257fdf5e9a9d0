//! Text to token ids and back, by the model's own `tokenizer.json` or by another source.

use std::fmt::Debug;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokenizers::Tokenizer;

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::workload::TokenId;

/// The tokenizer of a model.
#[derive(Debug)]
pub struct TextTokenizer {
    source: Source,
    switched_off: Vec<String>,
    template: TemplateTokens,
    vocabulary_size: Option<usize>,
}

#[derive(Debug)]
enum Source {
    /// A `tokenizer.json`.
    Json(Box<Tokenizer>),
    Other(Box<dyn TokenizerSource>),
}

/// What turns texts into ids and back where there is no `tokenizer.json`.
pub trait TokenizerSource: Debug {
    /// The ids of a text, with the special tokens that its own template puts around it; none for no text and no template.
    ///
    /// # Errors
    /// When it refuses the text.
    fn encode(&self, text: &str) -> Result<Vec<TokenId>>;

    /// The text of ids, special tokens included.
    ///
    /// # Errors
    /// When it cannot decode them.
    fn decode(&self, ids: &[TokenId]) -> Result<String>;
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
        let (template, vocabulary_size) = (template_of(&tokenizer), Some(tokenizer.get_vocab_size(true)));
        Ok(Self { source: Source::Json(Box::new(tokenizer)), switched_off, template, vocabulary_size })
    }

    /// A tokenizer by another source; `switched_off` is what it was saved with and does not do, and
    /// `vocabulary_size` how many ids it knows, where that is known.
    ///
    /// # Errors
    /// When the source fails at once.
    pub fn from_source(
        source: Box<dyn TokenizerSource>,
        switched_off: Vec<String>,
        vocabulary_size: Option<usize>,
    ) -> Result<Self> {
        // Around no text the template's tokens stand together; around one they stand apart.
        let (alone, around) = (source.encode("")?, source.encode(ANY_TEXT)?);
        if around.len() <= alone.len() {
            return Err(Error::input(format!(
                "the tokenizer has no token for the text `{ANY_TEXT}`: it is damaged"
            ))
            .hint(NAME_A_TOKENIZER));
        }
        let before = alone.iter().zip(&around).take_while(|(one, other)| one == other).count();
        let template = TemplateTokens { before: alone[..before].to_vec(), after: alone[before..].to_vec() };
        Ok(Self { source: Source::Other(source), switched_off, template, vocabulary_size })
    }

    /// What the file asks for and is not done, for it would change every prompt: padding and truncation.
    pub fn switched_off(&self) -> &[String] {
        &self.switched_off
    }

    /// The special tokens that [`Self::encode`] puts around a text.
    pub fn template_tokens(&self) -> &TemplateTokens {
        &self.template
    }

    /// The ids of a text, without a chat template, with the special tokens that the tokenizer's own template
    /// puts around it: models are trained on texts that begin so, and other tools feed them so.
    ///
    /// # Errors
    /// When the tokenizer refuses the text, or the text has no tokens.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>> {
        let ids = self.ids_of(text)?;
        if ids.len() <= self.template.before.len() + self.template.after.len() {
            return Err(empty_prompt());
        }
        Ok(ids)
    }

    /// The ids of a text, which may have none but those of the template.
    pub(super) fn ids_of(&self, text: &str) -> Result<Vec<TokenId>> {
        match &self.source {
            Source::Json(tokenizer) => {
                let encoding = tokenizer.encode(text, true);
                let refused = |cause| Error::input(format!("the tokenizer refuses the prompt: {cause}"));
                Ok(encoding.map_err(refused)?.get_ids().to_vec())
            }
            Source::Other(source) => source.encode(text),
        }
    }

    /// The text of ids, special tokens included so that nothing is hidden.
    ///
    /// # Errors
    /// When the tokenizer cannot decode them.
    pub fn decode(&self, ids: &[TokenId]) -> Result<String> {
        match &self.source {
            Source::Json(tokenizer) => tokenizer
                .decode(ids, false)
                .map_err(|cause| Error::harness(format!("the tokenizer cannot decode {ids:?}: {cause}"))),
            Source::Other(source) => source.decode(ids),
        }
    }

    /// A token as the vocabulary writes it, where that is known, else its text.
    pub fn token(&self, id: TokenId) -> String {
        match &self.source {
            Source::Json(tokenizer) => tokenizer.id_to_token(id),
            Source::Other(source) => source.decode(&[id]).ok(),
        }
        .unwrap_or_default()
    }

    /// The special tokens as text, where they are known.
    pub fn special_tokens(&self) -> Vec<String> {
        let Source::Json(tokenizer) = &self.source else { return Vec::new() };
        let mut added: Vec<_> = tokenizer.get_added_tokens_decoder().into_iter().collect();
        added.sort_unstable_by_key(|(id, _)| *id);
        added.into_iter().map(|(_, token)| token.content).collect()
    }

    /// How many ids the tokenizer knows, added tokens included; None where that is not known.
    pub fn vocabulary_size(&self) -> Option<usize> {
        self.vocabulary_size
    }

    /// Begins to decode token by token, holding back bytes that do not make a character yet.
    pub fn stream(&self) -> TextStream<'_> {
        TextStream { tokenizer: self, ids: Vec::new(), given: 0 }
    }
}

/// Any text shows the template around it; one letter is a token or more in every vocabulary.
const ANY_TEXT: &str = "a";

fn template_of(tokenizer: &Tokenizer) -> TemplateTokens {
    let Ok(encoding) = tokenizer.encode(ANY_TEXT, true) else { return TemplateTokens::default() };
    let (ids, mask) = (encoding.get_ids(), encoding.get_special_tokens_mask());
    let is_text = |special: &u32| *special == 0;
    let start = mask.iter().position(is_text).unwrap_or(ids.len());
    let end = mask.iter().rposition(is_text).map_or(ids.len(), |last| last + 1);
    TemplateTokens { before: ids[..start].to_vec(), after: ids[end..].to_vec() }
}

/// The error of a prompt without a token.
fn empty_prompt() -> Error {
    Error::input("the prompt is empty").hint("give some text: `cargo xtask infer --prompt \"Hello\"`")
}

/// Decodes one token after the other.
pub struct TextStream<'a> {
    tokenizer: &'a TextTokenizer,
    /// What was given last, for a token's text depends on the one before it, and what waits.
    ids: Vec<TokenId>,
    /// How many of them were given.
    given: usize,
}

impl TextStream<'_> {
    /// The text that this token completes; often the token's own, sometimes none yet.
    ///
    /// # Errors
    /// When the tokenizer cannot decode the tokens.
    pub fn push(&mut self, id: TokenId) -> Result<String> {
        self.ids.push(id);
        let (before, all) =
            (self.tokenizer.decode(&self.ids[..self.given])?, self.tokenizer.decode(&self.ids)?);
        // It ends so where a character has bytes to come.
        if all.ends_with(char::REPLACEMENT_CHARACTER) || all.len() <= before.len() {
            return Ok(String::new());
        }
        self.ids.drain(..self.given);
        self.given = self.ids.len();
        Ok(all.get(before.len()..).unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids that are bytes, between the tokens of a template.
    #[derive(Debug)]
    struct Bytes(&'static [TokenId], &'static [TokenId]);

    impl TokenizerSource for Bytes {
        fn encode(&self, text: &str) -> Result<Vec<TokenId>> {
            Ok([self.0, &text.bytes().map(TokenId::from).collect::<Vec<_>>(), self.1].concat())
        }

        fn decode(&self, ids: &[TokenId]) -> Result<String> {
            let bytes: Vec<u8> = ids.iter().filter_map(|id| u8::try_from(*id).ok()).collect();
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
    }

    #[test]
    fn the_template_of_a_source_is_known_by_what_it_puts_around_a_text() {
        for (before, after) in [(&[][..], &[][..]), (&[900], &[]), (&[], &[901, 902]), (&[900, 903], &[900])]
        {
            let tokenizer =
                TextTokenizer::from_source(Box::new(Bytes(before, after)), Vec::new(), None).unwrap();
            let template = TemplateTokens { before: before.to_vec(), after: after.to_vec() };
            assert_eq!(tokenizer.template_tokens(), &template);
            assert!(tokenizer.encode("").unwrap_err().to_string().contains("empty"), "{template:?}");
        }
    }

    #[test]
    fn a_stream_gives_a_character_once_all_its_bytes_are_there() {
        let tokenizer = TextTokenizer::from_source(Box::new(Bytes(&[], &[])), Vec::new(), None).unwrap();
        let mut stream = tokenizer.stream();
        let pieces: Vec<String> =
            "a\u{e9}\u{1f44d}b".bytes().map(|byte| stream.push(byte.into()).unwrap()).collect();
        assert_eq!(pieces, ["a", "", "\u{e9}", "", "", "", "\u{1f44d}", "b"]);
    }
}
