//! Prompts as data: `fixtures/prompts/reference.json`, and `fixtures/prompts/token-ids/*.json` with
//! the ids that each known tokenizer gives them.
//!
//! Pinned ids make the input the same everywhere: no tokenizer version and no chat template that
//! prints today's date can change it, and a model whose folder has no tokenizer can be measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::workload::fixture_file::{read, write};
use crate::workload::{DepthSuite, Suite, TokenId};

/// One question to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Short name for file names and flags: lower-case letters, digits and hyphens.
    pub id: String,
    /// The name shown to people.
    pub title: String,
    /// What is requested, verbatim.
    pub text: String,
    /// Why it is in the set.
    #[serde(alias = "because")]
    pub reason: String,
}

/// Facts by which a model's tokenizer is recognised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerIdentity {
    /// `model_type` of the model's `config.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_type: Option<String>,
    /// `vocab_size` of the model's `config.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary_size: Option<usize>,
    /// The sha256 of `tokenizer.json`, in lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer_sha256: Option<String>,
}

impl TokenizerIdentity {
    /// Whether every fact stated here holds for `observed`. Stating nothing matches nothing.
    pub fn describes(&self, observed: &Self) -> bool {
        fn agrees<T: PartialEq>(stated: Option<&T>, observed: Option<&T>) -> bool {
            stated.is_none() || stated == observed
        }
        *self != Self::default()
            && agrees(self.model_type.as_ref(), observed.model_type.as_ref())
            && agrees(self.vocabulary_size.as_ref(), observed.vocabulary_size.as_ref())
            && agrees(self.tokenizer_sha256.as_ref(), observed.tokenizer_sha256.as_ref())
    }
}

/// The token ids of prompts for one tokenizer: a file of `fixtures/prompts/token-ids/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedTokenIds {
    /// The tokenizer's name, for people.
    pub tokenizer: String,
    /// How a model that uses it is recognised.
    pub recognised_by: TokenizerIdentity,
    /// Where the ids come from.
    #[serde(alias = "because")]
    pub reason: String,
    /// Ids by prompt id.
    pub prompts: BTreeMap<String, Vec<TokenId>>,
}

impl PinnedTokenIds {
    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, file: &Path) -> Result<()> {
        write(file, self).map(|_| ())
    }
}

/// The prompts of a folder, in their order, with what is pinned for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptSet {
    /// The prompts, in the order in which they are requested.
    pub prompts: Vec<Prompt>,
    /// One entry a tokenizer.
    pub pinned: Vec<PinnedTokenIds>,
    /// The suite `depth`.
    pub depth: DepthSuite,
    folder: PathBuf,
}

impl PromptSet {
    /// Reads `reference.json` and `token-ids/*.json` below `folder`.
    ///
    /// # Errors
    /// A file that is missing or not of this form, an id that could not be a file name, an empty
    /// text, or an id used twice.
    pub fn load(folder: &Path) -> Result<Self> {
        let file = folder.join("reference.json");
        let prompts: Vec<Prompt> = read(&file, RESTORE)?;
        for (index, prompt) in prompts.iter().enumerate() {
            let fault = if !is_slug(&prompt.id) {
                "is not made of lower-case letters, digits and hyphens"
            } else if prompts[..index].iter().any(|earlier| earlier.id == prompt.id) {
                "is used twice"
            } else if prompt.text.trim().is_empty() {
                "has an empty text"
            } else {
                continue;
            };
            return Err(Error::input(format!("prompt id `{}` in `{}` {fault}", prompt.id, file.display()))
                .hint("fix the file, or restore it: `git checkout -- fixtures/prompts`"));
        }
        let mut files = json_files(&folder.join("token-ids"))?;
        files.sort();
        let pinned = files.iter().map(|path| read(path, RESTORE)).collect::<Result<_>>()?;
        Ok(Self { prompts, pinned, depth: DepthSuite::load(folder)?, folder: folder.to_owned() })
    }

    /// The ids of the prompts of all suites.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let depth = self.depth.prompts.iter().map(|prompt| prompt.id.as_str());
        self.prompts.iter().map(|prompt| prompt.id.as_str()).chain(depth)
    }

    /// Whether a prompt of this id is in a suite, and so may have a golden.
    pub fn has(&self, id: &str) -> bool {
        self.get(id).is_some() || self.depth.get(id).is_some()
    }

    /// The suite that all of these are of; None of a mixture, or where one is a text of the user's own.
    pub fn suite_of<'a>(&self, mut ids: impl Iterator<Item = &'a str> + Clone) -> Option<Suite> {
        if ids.clone().all(|id| self.get(id).is_some()) {
            return Some(Suite::Reference);
        }
        ids.all(|id| self.depth.get(id).is_some()).then_some(Suite::Depth)
    }

    /// The reference prompt of this id.
    pub fn get(&self, id: &str) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| prompt.id == id)
    }

    /// The ids pinned for the tokenizer of this identity.
    pub fn pinned_for(&self, observed: &TokenizerIdentity) -> Option<&PinnedTokenIds> {
        self.pinned.iter().find(|pinned| pinned.recognised_by.describes(observed))
    }

    /// The file in which the ids of a tokenizer of this name are pinned.
    pub fn pin_file(&self, tokenizer: &str) -> PathBuf {
        self.folder.join("token-ids").join(format!("{tokenizer}.json"))
    }
}

pub(super) const RESTORE: &str = "restore it: `git checkout -- fixtures/prompts`";

/// Whether the text is safe as a file name and as part of an address.
pub(super) fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|cause| Error::io("read", folder, &cause).as_input())?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    Ok(paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_matches_only_when_every_stated_fact_does() {
        let gpt_oss = TokenizerIdentity {
            model_type: Some("gpt_oss".into()),
            vocabulary_size: Some(201_088),
            ..Default::default()
        };
        let observed = TokenizerIdentity { tokenizer_sha256: Some("ab".into()), ..gpt_oss.clone() };
        assert!(gpt_oss.describes(&observed));
        assert!(!gpt_oss.describes(&TokenizerIdentity { vocabulary_size: Some(672), ..observed.clone() }));
        assert!(!TokenizerIdentity::default().describes(&observed), "stating nothing must match nothing");
    }

    #[test]
    fn a_prompt_id_that_could_leave_its_folder_is_refused() {
        for id in ["", "../x", "a/b", "A", "a b"] {
            assert!(!is_slug(id), "`{id}` was accepted");
        }
        assert!(is_slug("moe-vs-dense"));
    }
}
