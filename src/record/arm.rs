//! An arm of an experiment: everything that is needed to trust a number, or to refuse it, later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::ModelShape;
use crate::engine::openvino::ActiveWeights;
use crate::golden::{DriftLimit, LogitDrift};
use crate::measure::protocol::InferSpan;
use crate::measure::supervisor::WarmLoad;
use crate::record::{
    Commit, DeviceRecord, ModelFile, ProcessRecord, PromptRecord, SampleRecord, WorkloadRecord,
};

/// An arm of an experiment: one thing that was measured, with all its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// What it is called: "bench", the revision or difference that names a side, or the engine's name, as in
    /// "genai-pa".
    pub label: String,
    /// In what it was requested to differ from the usual run of its commit: as in `KV_CACHE_PRECISION=u8`. A gate
    /// judges commits alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
    /// Whose loop drives the model from token to token: as in "arcgauge" or `openvino_genai`.
    pub host_loop: String,
    /// How it attends to past tokens, "sdpa" or "paged", as it said itself; None where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<String>,
    /// What its `infer_ns` are of: of whole steps there is no host overhead.
    #[serde(default)]
    pub infer_span: InferSpan,
    /// The program that measured.
    #[serde(default)]
    pub worker: WorkerRecord,
    /// How it ended.
    pub outcome: Outcome,
    /// What failed, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The commit that was measured; None outside a repository or before its first commit.
    pub commit: Option<Commit>,
    /// What was asked to run where, and what ran.
    pub device: DeviceRecord,
    /// OpenVINO and how it was set; None where the arm failed before it was loaded.
    pub runtime: Option<RuntimeRecord>,
    /// Environment variables of the worker that can change what a runtime does.
    #[serde(default)]
    pub environment_variables: BTreeMap<String, String>,
    /// The model.
    pub model: ModelRecord,
    /// What was asked of it.
    pub workload: WorkloadRecord,
    /// Every worker process, in order.
    pub processes: Vec<ProcessRecord>,
    /// Whether the KV cache was seen to be empty before each generation.
    pub state_seen_empty: bool,
    /// The word on each prompt's output, in the order requested.
    pub prompts: Vec<PromptRecord>,
    /// Every generation.
    pub samples: Vec<SampleRecord>,
    /// Whether models from the cache of compiled models gave the tokens of the cold load.
    #[serde(default, skip_serializing_if = "WarmLoad::is_without_cold_load")]
    pub warm_load: WarmLoad,
    /// How far the logits have moved on the model's probe text; None where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logit_drift: Option<LogitDriftRecord>,
    /// What a reader must know before trusting its figures.
    pub warnings: Vec<Warning>,
}

impl Arm {
    /// The label of the one arm of `bench`.
    pub const BENCH: &str = "bench";
    /// This program's loop.
    pub const ARCGAUGE: &str = "arcgauge";
    /// The loop of `openvino_genai`'s pipeline.
    pub const OPENVINO_GENAI: &str = "openvino_genai";
    /// The loop of transformers, as optimum-intel drives it.
    pub const OPTIMUM_INTEL: &str = "optimum-intel";

    /// Whether it is a program that the user named.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        ![Self::ARCGAUGE, Self::OPENVINO_GENAI, Self::OPTIMUM_INTEL].contains(&self.host_loop.as_str())
    }
}

/// The program that the worker processes ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// Who it said that it is; None where it never spoke.
    pub name: Option<String>,
    /// The version of the protocol that it spoke.
    pub protocol: Option<u32>,
    /// The sha256 of its file.
    pub sha256: Option<String>,
}

/// `logit_drift@1`, and what is normal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogitDriftRecord {
    /// The drift.
    #[serde(flatten)]
    pub drift: LogitDrift,
    /// What is normal on this device and precision; None where it was never calibrated.
    pub limit: Option<DriftLimit>,
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
    /// There was nothing to measure, as where two sides are the same byte for byte.
    NotMeasured,
}

/// The runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeRecord {
    /// As in "2026.4.1".
    pub openvino_version: String,
    /// The whole build string.
    pub openvino_build: String,
    /// Properties that were set.
    pub properties_requested: BTreeMap<String, String>,
    /// Properties in force, read back after compiling; empty where that was not reached. Of a model from
    /// the cache of compiled models they are those that the cold load read back.
    pub properties_effective: BTreeMap<String, String>,
    /// What a warm load read back itself; empty where none was made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties_warm: BTreeMap<String, String>,
}

impl RuntimeRecord {
    /// The setting of the runtime: the properties in force, and those that were set and are not read back.
    #[must_use]
    pub fn setting(&self) -> BTreeMap<String, String> {
        let mut setting = self.properties_requested.clone();
        setting.extend(self.properties_effective.clone());
        setting
    }
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
    /// Whether the files were seen to be the same after the run.
    #[serde(default)]
    pub same_after_run: bool,
    /// The sha256 of the graph that was compiled, where it was edited to compute the last position's
    /// logits only.
    pub edited_graph_sha256: Option<String>,
    /// Why the graph was compiled as it is.
    pub unedited_reason: Option<String>,
    /// What it is made of, by its config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<ModelShape>,
    /// What a token reads of the weights; None where the graph does not report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_weights: Option<ActiveWeights>,
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
