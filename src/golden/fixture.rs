//! Golden fixtures on disk: `fixtures/golden/<model>/<prompt>.json`, and `near-tie.json` beside them.
//! `probe.json` and `drift.json`, also beside them, are read in `probe.rs` and `drift.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::refuse_links;
use crate::golden::{drift, probe};
use crate::workload::fixture_file::{read, write};
use crate::workload::{Input, Suite, TokenId};

/// The answer that a model must give to a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Version of this form: 1.
    pub schema: u32,
    /// The prompt's id.
    pub prompt_id: String,
    /// The prompt's tokens, which pins the input for this model.
    pub prompt_token_ids: Vec<TokenId>,
    /// Rows to which the KV cache was filled before the answer; see [`Input::cache_tokens`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_tokens: Option<usize>,
    /// The model's name.
    pub model: String,
    /// The model's identity: the sha256 of `sha256sum openvino_model.bin openvino_model.xml`.
    pub model_sha256: String,
    /// The answer, greedy, end-of-sequence ignored.
    pub token_ids: Vec<TokenId>,
    /// At each step, the token with the second largest logit.
    pub runner_up_ids: Vec<TokenId>,
    /// At each step, largest minus second largest logit.
    #[serde(alias = "gaps_logit")]
    pub logit_margins: Vec<f32>,
    /// The answer in words, where a tokenizer was at hand.
    pub text: Option<String>,
    /// How it was made.
    pub made: GoldenOrigin,
}

/// Where a golden comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenOrigin {
    /// When it was blessed, UTC.
    pub when_utc: String,
    /// Who blessed it, as git names them.
    pub who: String,
    /// Why.
    #[serde(alias = "because")]
    pub reason: String,
    /// The record that it was blessed from.
    pub run_id: String,
    /// The commit that was measured, where there was one.
    pub commit: Option<String>,
    /// OpenVINO's version.
    pub openvino: String,
    /// The device that ran.
    pub device: String,
    /// Properties in force.
    pub properties: BTreeMap<String, String>,
    /// The first step at which it differs from the golden that it replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_change: Option<usize>,
}

/// From which logit margin on a different token is no longer a near-tie, on one kind of device at one
/// precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// "CPU" or "GPU".
    pub device: String,
    /// `INFERENCE_PRECISION_HINT`, as read back.
    pub inference_precision: String,
    /// `KV_CACHE_PRECISION`, as read back.
    pub kv_cache_precision: String,
    /// Gaps below this are near-ties, logits.
    pub epsilon_logit: f32,
    /// What it was calibrated from.
    #[serde(alias = "because")]
    pub reason: String,
}

/// What tolerances and limits are calibrated for: "CPU" or "GPU", and the precisions of inference and KV cache as they
/// are read back.
pub type Conditions<'a> = [&'a str; 3];

/// The conditions of a device with these properties in force; "" for a precision that is not read back.
pub fn conditions<'a>(device: &'a str, properties: &'a BTreeMap<String, String>) -> Conditions<'a> {
    let of = |key: &str| properties.get(key).map_or("", String::as_str);
    [device, of("INFERENCE_PRECISION_HINT"), of("KV_CACHE_PRECISION")]
}

impl Tolerance {
    fn conditions(&self) -> Conditions<'_> {
        [&self.device, &self.inference_precision, &self.kv_cache_precision]
    }
}

/// The goldens of one model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GoldenSet {
    /// By prompt id.
    pub goldens: BTreeMap<String, Golden>,
    /// What counts as a near-tie.
    pub tolerances: Vec<Tolerance>,
}

/// The version of the form that is read and written.
const SCHEMA: u32 = 1;
pub(super) const RESTORE: &str = "restore it: `git checkout -- fixtures/golden`";

/// From this depth on answers of two inference precisions differ, although both are right: seen at bf16 with 1,024 tokens
/// and not with 256.
const ROUNDING_DEPTH_TOKENS: usize = 1024;

/// The file of tolerances, beside the goldens.
const TOLERANCES: &str = "near-tie.json";

impl GoldenSet {
    /// Reads the goldens of a model; a folder that is not there has none.
    ///
    /// # Errors
    /// A folder that is a link; a file that is a link or a pipe, is not of this form, or whose lists differ in
    /// length.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut set = Self::default();
        refuse_links(folder, 1)?;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(set),
            Err(cause) => return Err(Error::io("read", folder, &cause).as_input().hint(RESTORE)),
        };
        for entry in entries {
            let path = entry.map_err(|cause| Error::io("read", folder, &cause).as_input())?.path();
            if path.file_name().is_some_and(|name| name == TOLERANCES) {
                set.tolerances = read(&path, RESTORE)?;
            } else if path.file_name().is_some_and(|name| name == probe::FILE || name == drift::FILE) {
                // Read by `Probe::load` and `DriftReference::load`, where they are wanted.
            } else if path.extension().is_some_and(|extension| extension == "json") {
                set.insert(read(&path, RESTORE)?, &path)?;
            }
        }
        Ok(set)
    }

    /// Reads the goldens of a model for all suites: those of the suite `depth` are in a folder of that name.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_all(folder: &Path) -> Result<Self> {
        let mut set = Self::load(folder)?;
        set.goldens.extend(Self::load(&Self::folder_of(folder, Suite::Depth))?.goldens);
        Ok(set)
    }

    /// The folder of the goldens of a suite, in the folder of a model's.
    pub fn folder_of(folder: &Path, suite: Suite) -> PathBuf {
        match suite {
            Suite::Reference => folder.to_owned(),
            Suite::Depth => folder.join(suite.as_str()),
        }
    }

    /// The goldens of these prompts, from the files of a folder that `read` gives by their names, as a commit's.
    ///
    /// # Errors
    /// A file that cannot be read, is not of this form, or whose lists differ in length.
    pub fn of_prompts<'a>(
        ids: impl Iterator<Item = &'a str>,
        mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>>,
    ) -> Result<Self> {
        let unfit = |name: &str, cause: &serde_json::Error| {
            Error::input(format!("`{name}` is not of the expected form: {cause}")).hint(RESTORE)
        };
        let mut set = Self::default();
        for id in ids {
            for name in [format!("{id}.json"), format!("{}/{id}.json", Suite::Depth.as_str())] {
                if let Some(bytes) = read(&name)? {
                    let golden = serde_json::from_slice(&bytes).map_err(|cause| unfit(&name, &cause))?;
                    set.insert(golden, Path::new(&name))?;
                }
            }
        }
        if let Some(bytes) = read(TOLERANCES)? {
            set.tolerances = serde_json::from_slice(&bytes).map_err(|cause| unfit(TOLERANCES, &cause))?;
        }
        Ok(set)
    }

    fn insert(&mut self, golden: Golden, path: &Path) -> Result<()> {
        let steps = golden.token_ids.len();
        if golden.schema != SCHEMA || path.file_stem().is_none_or(|stem| *stem != *golden.prompt_id) {
            return Err(Error::input(format!(
                "golden `{}` is of prompt `{}` and schema {}; its name says otherwise, or a later arcgauge wrote it",
                path.display(),
                golden.prompt_id,
                golden.schema
            ))
            .hint(RESTORE));
        }
        if steps == 0 || golden.runner_up_ids.len() != steps || golden.logit_margins.len() != steps {
            return Err(Error::input(format!("golden `{}` has lists of different lengths", path.display()))
                .hint(RESTORE));
        }
        self.goldens.insert(golden.prompt_id.clone(), golden);
        Ok(())
    }

    /// Those that say what is right at an inference precision, as it is read back. Beyond a depth rounding decides some
    /// tokens, and a golden holds at the precision at which it was made alone.
    pub fn holding_at(&self, inference_precision: Option<&str>) -> Self {
        let holds = |golden: &Golden| {
            golden.input().depth_tokens() < ROUNDING_DEPTH_TOKENS
                || golden.made.properties.get("INFERENCE_PRECISION_HINT").map(String::as_str)
                    == inference_precision
        };
        let goldens = self.goldens.iter().filter(|(_, golden)| holds(golden));
        Self {
            goldens: goldens.map(|(id, golden)| (id.clone(), golden.clone())).collect(),
            tolerances: self.tolerances.clone(),
        }
    }

    /// The logit margin below which a flip is a near-tie; 0, which nothing is below, where none was calibrated.
    pub fn epsilon_logit(&self, conditions: Conditions<'_>) -> f32 {
        let calibrated = self.tolerances.iter().find(|tolerance| tolerance.conditions() == conditions);
        calibrated.map_or(0.0, |tolerance| tolerance.epsilon_logit)
    }

    /// Writes a tolerance into the folder, over an earlier one of the same device and precisions.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn calibrate(&mut self, folder: &Path, tolerance: Tolerance) -> Result<PathBuf> {
        self.tolerances.retain(|old| old.conditions() != tolerance.conditions());
        self.tolerances.push(tolerance);
        write(&folder.join(TOLERANCES), &self.tolerances)
    }
}

impl Golden {
    /// What the model is fed.
    pub fn input(&self) -> Input<'_> {
        Input { token_ids: &self.prompt_token_ids, cache_tokens: self.cache_tokens }
    }

    /// Whether it is the answer to this input.
    pub fn answers(&self, input: Input<'_>) -> bool {
        self.input() == input
    }

    /// Writes the golden into its model's folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<PathBuf> {
        write(&folder.join(format!("{}.json", self.prompt_id)), self)
    }
}
