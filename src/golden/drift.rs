//! The reference distributions of a model, `fixtures/golden/<model>/drift.json`: what it makes of four texts step by
//! step, with dynamic quantisation off. Far smaller damage shows in them than in greedy tokens.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::openvino::EffectiveProperties;
use crate::engine::{Distribution, DistributionDifference, Engine, distribution_differences, distributions};
use crate::error::{Error, Result};
use crate::golden::fixture::{Conditions, RESTORE};
use crate::golden::probe::ProbeOrigin;
use crate::workload::TokenId;
use crate::workload::fixture_file::{read_where_there, write};

/// The file's name, beside the goldens.
pub(super) const FILE: &str = "drift.json";
/// Tokens of a text that are fed at once.
const PROMPT_TOKENS: usize = 32;
/// Tokens that are fed one by one: together beyond the window of 128 of every second layer.
const FORCED_TOKENS: usize = 160;
/// How far above what was seen a limit lies: another machine adds up in another order.
const LIMIT_FACTOR: f64 = 100.0;
/// The least limit of the mean divergence, nats: releases of one device differ by 1e-11, the weakest planted fault by
/// 1e-7.
const LEAST_MEAN_KL_NATS: f64 = 1e-9;
/// The least limit of the largest difference of a logit, for the same reason.
const LEAST_LOGIT_DIFFERENCE: f64 = 1e-3;

/// By default a CPU plugin quantises activations in groups of this property's size, and its rounding hides small damage.
pub const GROUP_SIZE: &str = "DYNAMIC_QUANTIZATION_GROUP_SIZE";

/// Refuses a model that was loaded with dynamic quantisation on, by the properties in force.
///
/// # Errors
/// Another group size than 0.
pub fn check_group_size(properties: &EffectiveProperties) -> Result<()> {
    match properties.get(GROUP_SIZE).map(String::as_str) {
        Some("0") => Ok(()),
        other => {
            let what = format!(
                "`{GROUP_SIZE}` is `{}` where 0 is needed: distributions cannot be compared",
                other.unwrap_or("not read back")
            );
            Err(Error::environment(what).hint("leave that property out, or use the CPU: `--device CPU`"))
        }
    }
}

/// What a model makes of the texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftReference {
    /// Version of this form: 1.
    pub schema: u32,
    /// The model's name.
    pub model: String,
    /// The model's identity: the sha256 of `sha256sum openvino_model.bin openvino_model.xml`.
    pub model_sha256: String,
    /// How it was made.
    pub made: ProbeOrigin,
    /// The texts.
    pub texts: Vec<DriftText>,
    /// Which difference is normal, by device and precisions.
    #[serde(default)]
    pub limits: Vec<DistributionLimit>,
}

/// A text with its distributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftText {
    /// Its name.
    pub id: String,
    /// Tokens that are fed at once.
    pub prompt_ids: Vec<TokenId>,
    /// Tokens that are fed one by one.
    pub forced_ids: Vec<TokenId>,
    /// The distribution before each of them.
    pub steps: Vec<Distribution>,
}

/// The difference that is normal on one kind of device at one pair of precisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistributionLimit {
    /// "CPU" or "GPU".
    pub device: String,
    /// `INFERENCE_PRECISION_HINT`, as read back.
    pub inference_precision: String,
    /// `KV_CACHE_PRECISION`, as read back.
    pub kv_cache_precision: String,
    /// A mean divergence above this is not normal, nats.
    pub mean_kl_nats: f64,
    /// A difference of a logit above this is not normal.
    pub largest_logit_difference: f64,
    /// What it was calibrated from.
    pub reason: String,
}

/// How far the distributions of a text have moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextDrift {
    /// Which text.
    pub text: String,
    /// Steps that were compared.
    pub steps: usize,
    /// Steps with the same most probable token.
    pub agreed_steps: usize,
    /// Mean Kullback-Leibler divergence over the steps, nats; of each a lower bound.
    pub mean_kl_nats: f64,
    /// The largest of a step, nats.
    pub largest_kl_nats: f64,
    /// Largest difference of a stored logit.
    pub largest_logit_difference: f64,
    /// Mean change of the entropy, nats.
    pub mean_entropy_change_nats: f64,
}

/// The same over all texts, each step as much as another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DistributionDrift {
    /// `mean_kl@1`, nats.
    pub mean_kl_nats: f64,
    /// `max_logit_difference@1`.
    pub largest_logit_difference: f64,
    /// Steps that were compared.
    pub steps: usize,
}

impl DriftText {
    /// A text with the distributions that an engine gives it.
    ///
    /// # Errors
    /// A text that is too short; an engine that fails.
    pub fn of(id: &str, token_ids: &[TokenId], engine: &mut dyn Engine) -> Result<Self> {
        let needed = PROMPT_TOKENS + FORCED_TOKENS;
        if token_ids.len() < needed {
            let what = format!("the text `{id}` has `{}` tokens, and {needed} are compared", token_ids.len());
            return Err(Error::input(what).hint("make it longer in `fixtures/prompts/drift`"));
        }
        let (prompt, forced) = token_ids[..needed].split_at(PROMPT_TOKENS);
        Ok(Self {
            id: id.to_owned(),
            prompt_ids: prompt.to_vec(),
            forced_ids: forced.to_vec(),
            steps: distributions(engine, prompt, forced)?,
        })
    }

    /// How far the distributions of an engine are from these.
    ///
    /// # Errors
    /// An engine that fails, or has another vocabulary.
    pub fn drift(&self, engine: &mut dyn Engine) -> Result<TextDrift> {
        let steps = distribution_differences(engine, &self.prompt_ids, &self.forced_ids, &self.steps)?;
        let count = steps.len().max(1) as f64;
        let mean = |of: fn(&DistributionDifference) -> f64| steps.iter().map(of).sum::<f64>() / count;
        let largest = |of: fn(&DistributionDifference) -> f64| steps.iter().map(of).fold(0.0, f64::max);
        Ok(TextDrift {
            text: self.id.clone(),
            steps: steps.len(),
            agreed_steps: steps.iter().filter(|step| step.same_token).count(),
            mean_kl_nats: mean(|step| step.kl_nats),
            largest_kl_nats: largest(|step| step.kl_nats),
            largest_logit_difference: largest(|step| step.largest_logit_difference),
            mean_entropy_change_nats: mean(|step| step.entropy_change_nats),
        })
    }
}

impl DistributionDrift {
    /// Over texts; None without a step.
    pub fn of(texts: &[TextDrift]) -> Option<Self> {
        let steps: usize = texts.iter().map(|text| text.steps).sum();
        let kl: f64 = texts.iter().map(|text| text.mean_kl_nats * text.steps as f64).sum();
        let largest = texts.iter().map(|text| text.largest_logit_difference).fold(0.0, f64::max);
        (steps > 0).then_some(Self {
            mean_kl_nats: kl / steps as f64,
            largest_logit_difference: largest,
            steps,
        })
    }
}

impl DistributionLimit {
    /// The limit that follows from the drift of a model that is right.
    pub fn calibrated(drift: &DistributionDrift, conditions: Conditions<'_>, openvino: &str) -> Self {
        let [device, inference_precision, kv_cache_precision] = conditions.map(str::to_owned);
        Self {
            device,
            inference_precision,
            kv_cache_precision,
            mean_kl_nats: (drift.mean_kl_nats * LIMIT_FACTOR).max(LEAST_MEAN_KL_NATS),
            largest_logit_difference: (drift.largest_logit_difference * LIMIT_FACTOR)
                .max(LEAST_LOGIT_DIFFERENCE),
            reason: format!(
                "{LIMIT_FACTOR} x the drift seen (mean KL {:.1e} nats, largest logit difference {:.1e}, {} steps), at \
                 least {LEAST_MEAN_KL_NATS:.0e} and {LEAST_LOGIT_DIFFERENCE:.0e}, OpenVINO {openvino}",
                drift.mean_kl_nats, drift.largest_logit_difference, drift.steps
            ),
        }
    }

    /// Whether a drift is more than is normal.
    pub fn is_exceeded_by(&self, drift: &DistributionDrift) -> bool {
        drift.mean_kl_nats > self.mean_kl_nats
            || drift.largest_logit_difference > self.largest_logit_difference
    }

    fn conditions(&self) -> Conditions<'_> {
        [&self.device, &self.inference_precision, &self.kv_cache_precision]
    }
}

impl DriftReference {
    /// The version of the form that is read and written.
    pub const SCHEMA: u32 = 1;

    /// The reference of this model from the folder of its goldens.
    ///
    /// # Errors
    /// No reference, one of another model, or as [`Self::load`].
    pub fn of_model(folder: &Path, name: &str, sha256: &str) -> Result<Self> {
        let reference = Self::load(folder)?.ok_or_else(|| {
            Error::input(format!("model `{name}` has no reference distributions"))
                .hint("where the model is right: `cargo xtask golden drift --make \"REASON\"`")
        })?;
        if reference.model_sha256 == sha256 {
            return Ok(reference);
        }
        let made_from = &reference.model_sha256;
        let what = format!(
            "the reference distributions of `{name}` were made from `{made_from}`, and this model is `{sha256}`"
        );
        Err(Error::input(what).hint("restore the model's files; or make them again: `--make \"REASON\"`"))
    }

    /// Reads the reference of a model from the folder of its goldens; None where there is none.
    ///
    /// # Errors
    /// A file that is not of this form, or whose lists do not belong together.
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        let Some(reference) = read_where_there::<Self>(&path, RESTORE)? else { return Ok(None) };
        let fits = |step: &Distribution| step.token_ids.len() == step.logits.len() && !step.logits.is_empty();
        let whole = |text: &DriftText| {
            !text.prompt_ids.is_empty()
                && text.steps.len() == text.forced_ids.len()
                && text.steps.iter().all(fits)
        };
        if reference.schema != Self::SCHEMA
            || reference.texts.is_empty()
            || !reference.texts.iter().all(whole)
        {
            let what =
                format!("`{}` is of another schema, or has lists of different lengths", path.display());
            return Err(Error::input(what).hint(RESTORE));
        }
        Ok(Some(reference))
    }

    /// Writes the reference into its model's folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<PathBuf> {
        write(&folder.join(FILE), self)
    }

    /// How far the distributions of an engine are from these, text by text.
    ///
    /// # Errors
    /// An engine that fails, or has another vocabulary.
    pub fn drift(&self, engine: &mut dyn Engine) -> Result<Vec<TextDrift>> {
        self.texts.iter().map(|text| text.drift(engine)).collect()
    }

    /// The difference that is normal; None where it was not calibrated.
    pub fn limit(&self, conditions: Conditions<'_>) -> Option<&DistributionLimit> {
        self.limits.iter().find(|limit| limit.conditions() == conditions)
    }

    /// Takes a limit, over an earlier one of the same device and precisions.
    pub fn calibrate(&mut self, limit: DistributionLimit) {
        self.limits.retain(|old| old.conditions() != limit.conditions());
        self.limits.push(limit);
    }
}
