//! Sets of prompts. The reference prompts are texts of `reference.json`. Those of the suite `depth` are cut from one
//! text, `depth.txt`, at the numbers of tokens that `depth.json` states.

use std::path::Path;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::workload::TokenId;
use crate::workload::fixture_file::read;
use crate::workload::prompt::{RESTORE, is_slug};

/// A set of prompts.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Suite {
    /// The three prompts of the published table.
    #[default]
    Reference,
    /// Prompts of 256 tokens and more.
    Depth,
}

impl Suite {
    /// As it is serialised.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Tokens of each answer where nothing else is requested.
    pub fn new_tokens(self) -> usize {
        match self {
            Self::Reference => 200,
            Self::Depth => 64,
        }
    }
}

/// Tokens of a prompt at most: far above any model's context, and far below what memory holds.
const MOST_TOKENS: usize = 1 << 20;

/// A prompt of the suite `depth`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthPrompt {
    /// Short name for file names and flags.
    pub id: String,
    /// The name shown to people.
    pub title: String,
    /// Its tokens.
    pub tokens: usize,
    /// The reference prompt that it ends with.
    #[serde(default)]
    pub ending: Option<String>,
    /// Rows to which the KV cache is filled by repeating its states; see [`Input::cache_tokens`](super::Input).
    #[serde(default)]
    pub cache_tokens: Option<usize>,
    /// Whether it is left out unless it is requested, for it takes minutes.
    #[serde(default)]
    pub deep: bool,
    /// Why it is in the set.
    pub reason: String,
}

/// The prompts of the suite `depth`, and the text that they are cut from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DepthSuite {
    /// The prompts, in the order in which they are requested.
    pub prompts: Vec<DepthPrompt>,
    /// The text.
    pub text: String,
}

impl DepthSuite {
    /// Reads `depth.json` and `depth.txt` below `folder`.
    ///
    /// # Errors
    /// A file that is missing or not of this form, an id that could not be a file name or is used twice, a prompt of no
    /// tokens, or a cache that is shorter than its prompt.
    pub fn load(folder: &Path) -> Result<Self> {
        let file = folder.join("depth.json");
        let prompts: Vec<DepthPrompt> = read(&file, RESTORE)?;
        for (index, prompt) in prompts.iter().enumerate() {
            let fault = if !is_slug(&prompt.id) {
                "is not made of lower-case letters, digits and hyphens"
            } else if prompts[..index].iter().any(|earlier| earlier.id == prompt.id) {
                "is used twice"
            } else if prompt.tokens == 0 || prompt.tokens > MOST_TOKENS {
                "has no tokens, or more than any model takes"
            } else if prompt.cache_tokens.is_some_and(|rows| rows < prompt.tokens) {
                "fills a cache that is shorter than itself"
            } else {
                continue;
            };
            return Err(Error::input(format!("prompt id `{}` in `{}` {fault}", prompt.id, file.display()))
                .hint(RESTORE));
        }
        let text = files::read_text(&folder.join("depth.txt"), FileKind::Fixture)
            .map_err(|error| error.or_hint(RESTORE))?;
        Ok(Self { prompts, text })
    }

    /// The prompt of this id.
    pub fn get(&self, id: &str) -> Option<&DepthPrompt> {
        self.prompts.iter().find(|prompt| prompt.id == id)
    }
}

impl DepthPrompt {
    /// Its tokens: the text's, repeated and cut, and then those of its ending.
    pub fn token_ids(&self, text: &[TokenId], ending: &[TokenId]) -> Vec<TokenId> {
        let ending = &ending[ending.len().saturating_sub(self.tokens)..];
        let cut = text.iter().cycle().take(self.tokens - ending.len());
        cut.chain(ending).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_depth_prompt_has_exactly_its_tokens_and_ends_with_its_question() {
        let prompt = |tokens| DepthPrompt {
            id: "depth".into(),
            title: String::new(),
            tokens,
            ending: None,
            cache_tokens: None,
            deep: false,
            reason: String::new(),
        };
        assert_eq!(prompt(7).token_ids(&[1, 2, 3], &[]), [1, 2, 3, 1, 2, 3, 1]);
        assert_eq!(prompt(7).token_ids(&[1, 2, 3], &[8, 9]), [1, 2, 3, 1, 2, 8, 9]);
        assert_eq!(prompt(1).token_ids(&[1, 2, 3], &[8, 9]), [9]);
    }
}
