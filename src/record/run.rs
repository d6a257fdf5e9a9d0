//! The run record: everything that is needed to believe a number, or to refuse it, later.
//!
//! These are wire types. They hold facts; every statistic can be computed from them again.

use std::collections::BTreeMap;
use std::process;

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::ModelShape;
use crate::engine::openvino::ActiveWeights;
use crate::golden::{DriftLimit, LogitDrift};
use crate::measure::supervisor::WarmLoad;
use crate::measure::{CanaryReading, Estimate};
use crate::record::sealed::hex;
use crate::record::{
    Commit, DeviceRecord, HarnessCost, Machine, ModelFile, ProcessRecord, PromptRecord, PublishedReference,
    SampleRecord, WorkloadRecord,
};

/// One run of `bench`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Names the run; unique.
    pub run_id: String,
    /// When it began, UTC, as a label: durations never come from it.
    pub when_utc: String,
    /// The version of arcgauge that supervised.
    pub arcgauge_version: String,
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
    /// The machine.
    pub machine: Machine,
    /// What was asked to run where, and what ran.
    pub device: DeviceRecord,
    /// OpenVINO and how it was set; None where the run failed before it was loaded.
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
    /// What the canary saw after the last process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_after: Option<CanaryReading>,
    /// Whether the KV cache was seen to be empty before each generation.
    pub state_seen_empty: bool,
    /// The word on each prompt's output, in the order asked.
    pub prompts: Vec<PromptRecord>,
    /// Every generation.
    pub samples: Vec<SampleRecord>,
    /// Whether models from the cache of compiled models gave the tokens of the cold load.
    #[serde(default, skip_serializing_if = "WarmLoad::is_without_cold_load")]
    pub warm_load: WarmLoad,
    /// How far the logits have moved on the model's probe text; None where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logit_drift: Option<LogitDriftRecord>,
    /// What Criterion's benches estimated, where they were asked for. Never gated: the same quantities
    /// are gated from the samples, if at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criterion: Vec<Estimate>,
    /// Where the run's time went.
    #[serde(default)]
    pub cost: HarnessCost,
    /// The published figures that the run is shown beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedReference>,
    /// What a reader must know before believing the figures.
    pub warnings: Vec<Warning>,
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
    pub properties_asked: BTreeMap<String, String>,
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
        let mut setting = self.properties_asked.clone();
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
    pub unedited_because: Option<String>,
    /// What it is made of, by its config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<ModelShape>,
    /// What a token reads of the weights; None where the graph does not tell.
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

/// Now, UTC, to the second.
#[must_use]
pub fn utc_now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}

/// The seconds since 1970 of a moment such as `2026-11-24T16:19:10Z`; None where it is none.
#[must_use]
pub fn seconds_of_utc(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// The moment so many seconds after 1970 began, UTC; None where no calendar has it.
#[must_use]
pub fn utc_of_seconds(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|moment| moment.to_string())
}

/// A name for a run that no other has: 12 hexadecimal digits.
#[must_use]
pub fn run_id() -> String {
    let moment = format!("{} {}", Timestamp::now().as_nanosecond(), process::id());
    hex(&Sha256::digest(moment))[..12].to_owned()
}
