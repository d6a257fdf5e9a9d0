//! The run record: everything that is needed to believe a number, or to refuse it, later.
//!
//! These are wire types. They hold facts; every statistic can be computed from them again.

use std::collections::BTreeMap;
use std::process;

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::Choice;
use crate::error::Result;
use crate::golden::{Divergence, Finding, GoldenResult};
use crate::record::sealed::hex;
use crate::record::{Commit, Machine, ModelFile, SampleRecord};
use crate::workload::TokenId;

/// One run of `bench`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Names the run; unique.
    pub run_id: String,
    /// When it began, UTC, as a label: durations never come from it.
    pub when_utc: String,
    /// The version of arcgauge that measured.
    pub arcgauge_version: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What failed, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The commit that was measured; None outside a repository or before its first commit.
    pub commit: Option<Commit>,
    /// The machine.
    pub machine: Machine,
    /// What was asked to run where, and what ran.
    pub device: DeviceRecord,
    /// OpenVINO and how it was set.
    pub runtime: RuntimeRecord,
    /// The model.
    pub model: ModelRecord,
    /// What was asked of it.
    pub workload: WorkloadRecord,
    /// Reading, compiling and making the request, ns: a cold load, unless `properties_asked` names a
    /// `CACHE_DIR`.
    pub load_ns: u64,
    /// Highest resident set of the load, bytes.
    pub load_peak_rss_bytes: Option<u64>,
    /// Whether the KV cache was seen to be empty before each generation.
    pub state_seen_empty: bool,
    /// The word on each prompt's output, in the order asked.
    pub prompts: Vec<PromptRecord>,
    /// Every generation.
    pub samples: Vec<SampleRecord>,
    /// What a reader must know before believing the figures.
    pub warnings: Vec<Warning>,
}

/// How a run ended. Only a complete one can be a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All was measured and no output was wrong.
    Complete,
    /// A prompt's output was wrong.
    WrongOutput,
    /// It was stopped; no speed is kept.
    Interrupted,
    /// The harness or the runtime failed; no speed is kept.
    Failed,
}

/// Asked and actual device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// As the user asked.
    pub requested: String,
    /// The kind that ran, by `execution_devices`: "CPU" or "GPU".
    pub actual: String,
    /// Why it is not the one asked for.
    pub reason: Option<String>,
    /// `EXECUTION_DEVICES` of the compiled model, verbatim.
    pub execution_devices: String,
    /// `FULL_DEVICE_NAME`.
    pub full_name: Option<String>,
    /// As in "8086:64a0".
    pub pci_id: Option<String>,
    /// Execution units of a GPU.
    pub execution_units: Option<u32>,
    /// The GPU driver's version.
    pub driver_version: Option<String>,
}

/// The runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeRecord {
    /// As in "2026.4.1".
    pub openvino_version: String,
    /// The whole build string.
    pub openvino_build: String,
    /// Properties that were set.
    pub properties_asked: BTreeMap<String, String>,
    /// Properties in force, read back after compiling.
    pub properties_effective: BTreeMap<String, String>,
}

/// The model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Its name.
    pub name: String,
    /// Its identity: the sha256 of `sha256sum openvino_model.bin openvino_model.xml`.
    pub sha256: String,
    /// Every file, hashed before the run.
    pub files: Vec<ModelFile>,
    /// Whether the files were checked against a manifest.
    pub manifest_verified: bool,
    /// The sha256 of the graph that was compiled, where it was edited to compute the last position's
    /// logits only.
    pub edited_graph_sha256: Option<String>,
    /// Why the graph was compiled as it is.
    pub unedited_because: Option<String>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadRecord {
    /// Identity of prompts and protocol: the hash of the fields below.
    pub sha256: String,
    /// The protocol's version: what a run is.
    pub protocol: String,
    /// Repetitions of each prompt.
    pub runs: usize,
    /// Tokens of each answer.
    pub new_tokens: usize,
    /// The prompts' ids and tokens, in the order asked.
    pub prompts: Vec<AskedPrompt>,
}

/// A prompt's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedPrompt {
    /// The prompt's id.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Its tokens.
    pub token_ids: Vec<TokenId>,
}

/// The word on a prompt's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptRecord {
    /// The prompt's id.
    pub id: String,
    /// The word.
    pub golden: GoldenResult,
    /// Where the answer left its reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence: Option<Divergence>,
    /// Expected and got in words, where a tokenizer was at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence_text: Option<DivergenceText>,
    /// Runner-up and gap at each step, from which a golden can be blessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<WitnessRecord>,
}

/// A divergence in words: what stands from the first different token on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivergenceText {
    /// The last words that both have.
    pub before: String,
    /// How the reference goes on.
    pub expected: String,
    /// How the answer goes on.
    pub got: String,
}

/// Runner-up and gap at each step of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WitnessRecord {
    /// The token with the largest logit.
    pub token_ids: Vec<TokenId>,
    /// The token with the second largest logit.
    pub runner_up_ids: Vec<TokenId>,
    /// Largest minus second largest logit.
    pub gaps_logit: Vec<f32>,
}

impl From<&[Choice]> for WitnessRecord {
    fn from(choices: &[Choice]) -> Self {
        Self {
            token_ids: choices.iter().map(|choice| choice.token).collect(),
            runner_up_ids: choices.iter().map(|choice| choice.runner_up).collect(),
            gaps_logit: choices.iter().map(|choice| choice.gap).collect(),
        }
    }
}

impl PromptRecord {
    /// The wire form of a finding.
    #[must_use]
    pub fn of(id: &str, finding: &Finding) -> Self {
        Self {
            id: id.to_owned(),
            golden: finding.result,
            divergence: finding.divergence.clone(),
            divergence_text: None,
            witness: finding.witness.as_deref().map(WitnessRecord::from),
        }
    }
}

/// Something that a reader must know, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Names the kind, for filters: as in `device-fallback`.
    pub id: String,
    /// What is the case.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

impl Warning {
    /// A warning of this kind.
    pub fn new(id: &str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { id: id.to_owned(), message: message.into(), advice: advice.into() }
    }
}

impl WorkloadRecord {
    /// What a run is, as a version: raised when the same flags would measure something else.
    pub const PROTOCOL: &str = "bench@1";

    /// A workload with its identity.
    ///
    /// # Errors
    /// None in practice: what is hashed is made of strings and numbers.
    pub fn new(prompts: Vec<AskedPrompt>, runs: usize, new_tokens: usize) -> Result<Self> {
        let protocol = Self::PROTOCOL.to_owned();
        let asked: Vec<(&str, &[TokenId])> =
            prompts.iter().map(|prompt| (prompt.id.as_str(), prompt.token_ids.as_slice())).collect();
        let identity = serde_json::to_vec(&(&protocol, new_tokens, asked)).map_err(|cause| {
            crate::error::Error::harness(format!("the workload has no identity: {cause}"))
        })?;
        Ok(Self { sha256: hex(&Sha256::digest(identity)), protocol, runs, new_tokens, prompts })
    }
}

/// Now, UTC, to the second.
#[must_use]
pub fn utc_now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}

/// A name for a run that no other has: 12 hexadecimal digits.
#[must_use]
pub fn run_id() -> String {
    let moment = format!("{} {}", Timestamp::now().as_nanosecond(), process::id());
    hex(&Sha256::digest(moment))[..12].to_owned()
}
