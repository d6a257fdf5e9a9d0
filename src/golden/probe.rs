//! The probe on disk, `fixtures/golden/<model>/probe.json`: a text that the model was not trained on,
//! and how sure of itself the model is at each of its tokens at f32.
//!
//! The goldens' answers have wide margins on purpose, so that they hold on every machine, and so do
//! not see small numeric damage. Here the margins are narrow and their sizes are kept, so that a
//! change of the logits shows long before a token of a golden does.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::workload::TokenId;
use crate::workload::fixture_file::{read, write};

/// The file's name, beside the goldens.
pub(super) const FILE: &str = "probe.json";

/// Tokens of the text that are prefilled, so that a prefill of several tokens is watched too.
const PROMPT_TOKENS: usize = 16;

const RESTORE: &str = "restore it: `git checkout -- fixtures/golden`";

/// A text that the model was not trained on, and its logit margins at f32.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Version of this form: 1.
    pub schema: u32,
    /// The model's name.
    pub model: String,
    /// The model's identity: the sha256 of `sha256sum openvino_model.bin openvino_model.xml`.
    pub model_sha256: String,
    /// The whole text.
    pub text: String,
    /// Its tokens.
    pub tokens: ProbeTokens,
    /// At each step, the token with the largest logit.
    pub preferred_ids: Vec<TokenId>,
    /// At each step, the token with the second largest logit.
    pub runner_up_ids: Vec<TokenId>,
    /// At each step, largest minus second largest logit.
    #[serde(alias = "gaps_logit")]
    pub logit_margins: Vec<f32>,
    /// How it was made.
    pub made: ProbeOrigin,
    /// Which drift is normal, by device and precisions.
    pub limits: Vec<DriftLimit>,
}

/// The tokens of a probe's text, cut in two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeTokens {
    /// The first ones, which are prefilled.
    pub prompt_ids: Vec<TokenId>,
    /// All others, which are fed one a step.
    pub forced_ids: Vec<TokenId>,
}

/// Where a probe comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeOrigin {
    /// When it was made, UTC.
    pub when_utc: String,
    /// Who made it, as git names them.
    pub who: String,
    /// Why.
    #[serde(alias = "because")]
    pub reason: String,
    /// OpenVINO's version.
    pub openvino: String,
    /// The device that ran.
    pub device: String,
    /// Properties in force.
    pub properties: BTreeMap<String, String>,
}

/// The drift that is normal on one kind of device at one pair of precisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftLimit {
    /// "CPU" or "GPU".
    pub device: String,
    /// `INFERENCE_PRECISION_HINT`, as read back.
    pub inference_precision: String,
    /// `KV_CACHE_PRECISION`, as read back.
    pub kv_cache_precision: String,
    /// A largest drift of a step above this is not normal, logits.
    pub largest_logit: f32,
    /// A mean drift above this is not normal, logits.
    pub mean_logit: f32,
    /// What it was calibrated from.
    #[serde(alias = "because")]
    pub reason: String,
}

impl ProbeTokens {
    /// Cuts the tokens of a text.
    ///
    /// # Errors
    /// A text that has nothing left after its prompt.
    pub fn cut(token_ids: &[TokenId]) -> Result<Self> {
        match token_ids.split_at_checked(PROMPT_TOKENS) {
            Some((prompt, forced)) if !forced.is_empty() => {
                Ok(Self { prompt_ids: prompt.to_vec(), forced_ids: forced.to_vec() })
            }
            _ => Err(Error::input(format!(
                "the probe's text has `{}` tokens, and {PROMPT_TOKENS} of them are its prompt",
                token_ids.len()
            ))
            .hint("give it a longer text in `fixtures/prompts/probe.txt`")),
        }
    }
}

impl Probe {
    /// The version of the form that is read and written.
    pub const SCHEMA: u32 = 1;

    /// Reads the probe of a model from the folder of its goldens; None where there is none.
    ///
    /// # Errors
    /// A file that is not of this form, or whose lists do not belong together.
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        match path.metadata() {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Error::io("read", &path, &cause).as_input().hint(RESTORE)),
            Ok(_) => {}
        }
        let probe: Self = read(&path, RESTORE)?;
        let refuse =
            |fault: String| Err(Error::input(format!("probe `{}` {fault}", path.display())).hint(RESTORE));
        if probe.schema != Self::SCHEMA {
            return refuse(format!(
                "has schema `{}`, and this arcgauge reads {}",
                probe.schema,
                Self::SCHEMA
            ));
        }
        let steps = probe.logit_margins.len();
        let lists = [&probe.tokens.forced_ids, &probe.preferred_ids, &probe.runner_up_ids];
        if steps == 0 || lists.iter().any(|list| list.len() != steps) {
            return refuse("has lists of unlike length".to_owned());
        }
        if probe.tokens.prompt_ids.is_empty() {
            return refuse("has no prompt".to_owned());
        }
        Ok(Some(probe))
    }

    /// Writes the probe into its model's folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<PathBuf> {
        write(&folder.join(FILE), self)
    }

    /// Refuses a model of other files than those that the probe was made from.
    ///
    /// # Errors
    /// When the model's identity is another.
    pub fn check_belongs(&self, model_sha256: &str) -> Result<()> {
        if self.model_sha256 == model_sha256 {
            return Ok(());
        }
        Err(Error::input(format!(
            "the probe of model `{}` was made from other files: from `{}`, and this model is `{model_sha256}`",
            self.model, self.model_sha256
        ))
        .hint("restore the model's files; or make a probe of these: `cargo xtask golden probe --reason \"...\"`"))
    }

    /// What is prefilled.
    #[must_use]
    pub fn prompt(&self) -> &[TokenId] {
        &self.tokens.prompt_ids
    }

    /// What is fed after it, a token a step, whatever the model prefers.
    #[must_use]
    pub fn forced(&self) -> &[TokenId] {
        &self.tokens.forced_ids
    }

    /// The drift that is normal; None where it was not calibrated.
    #[must_use]
    pub fn limit(
        &self,
        device: &str,
        inference_precision: &str,
        kv_cache_precision: &str,
    ) -> Option<&DriftLimit> {
        self.limits.iter().find(|limit| {
            limit.device == device
                && limit.inference_precision == inference_precision
                && limit.kv_cache_precision == kv_cache_precision
        })
    }

    /// Takes a limit, over an earlier one of the same device and precisions.
    pub fn calibrate(&mut self, limit: DriftLimit) {
        self.limits.retain(|old| {
            old.device != limit.device
                || old.inference_precision != limit.inference_precision
                || old.kv_cache_precision != limit.kv_cache_precision
        });
        self.limits.push(limit);
    }
}

#[cfg(test)]
pub(super) mod fixture;
#[cfg(test)]
mod tests;
