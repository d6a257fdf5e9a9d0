//! What was asked: prompts, tokens and protocol, with one identity.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::record::encoded::hex;
use crate::workload::{TemplateTokens, TokenId};

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadRecord {
    /// Identity of prompts and protocol: the hash of the fields below.
    pub sha256: String,
    /// The protocol's version: what a run is.
    pub protocol: String,
    /// Fresh processes, each of which asked every prompt once.
    pub runs: usize,
    /// Tokens of each answer.
    pub new_tokens: usize,
    /// The prompts' ids and tokens, in the order of the first process.
    pub prompts: Vec<RequestedPrompt>,
    /// The special tokens that the tokenizer's own template puts around a text; they are among the tokens of
    /// a prompt that was not pinned. None where there was no tokenizer, and in older records, whose prompts
    /// have none around them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_tokens: Option<TemplateTokens>,
}

/// A prompt's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedPrompt {
    /// The prompt's id.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Its tokens.
    pub token_ids: Vec<TokenId>,
}

impl RequestedPrompt {
    /// What the ids of users' own texts begin with.
    const OWN: &str = "own-";

    /// The id of a user's own text, by its place among the prompts.
    #[must_use]
    pub fn own_id(index: usize) -> String {
        format!("{}{}", Self::OWN, index + 1)
    }

    /// Whether it is a user's own text, of which a record keeps the tokens alone.
    #[must_use]
    pub fn is_own(&self) -> bool {
        let number = self.id.strip_prefix(Self::OWN);
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

impl WorkloadRecord {
    /// What a run is, as a version: raised when the same flags would measure something else.
    pub const PROTOCOL: &str = "bench@2";

    /// A workload with its identity.
    ///
    /// # Errors
    /// None in practice: what is hashed is made of strings and numbers.
    pub fn new(prompts: Vec<RequestedPrompt>, runs: usize, new_tokens: usize) -> Result<Self> {
        let protocol = Self::PROTOCOL.to_owned();
        let unnamed =
            Self { sha256: String::new(), protocol, runs, new_tokens, prompts, template_tokens: None };
        Ok(Self { sha256: unnamed.identity()?, ..unnamed })
    }

    /// The hash of protocol, tokens and prompts, whatever `sha256` says.
    ///
    /// # Errors
    /// None in practice: what is hashed is made of strings and numbers.
    pub(in crate::record) fn identity(&self) -> Result<String> {
        let requested: Vec<(&str, &[TokenId])> =
            self.prompts.iter().map(|prompt| (prompt.id.as_str(), prompt.token_ids.as_slice())).collect();
        let identity = serde_json::to_vec(&(&self.protocol, self.new_tokens, requested))
            .map_err(|cause| Error::harness(format!("the workload has no identity: {cause}")))?;
        Ok(hex(&Sha256::digest(identity)))
    }
}
