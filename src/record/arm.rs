//! An arm of an experiment, with all that is needed to trust a number or to refuse it later: its program, runtime, model and
//! workload, every worker process, every generation, and the result on each prompt's output.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use strum::Display;

use crate::engine::openvino::ActiveWeights;
use crate::engine::{ModelShape, Replay};
use crate::error::{Error, Result};
use crate::golden::{
    DistributionDrift, DistributionLimit, Divergence, DriftLimit, Finding, GoldenResult, GoldenSet,
    LogitDrift, Question, TextDrift, judge,
};
use crate::measure::guard::GuardLog;
use crate::measure::kv::{KvAgreement, KvMethod, KvUse, StateAccess};
use crate::measure::protocol::{CacheState, InferSpan, KvCache, ReplayRecord};
use crate::measure::supervisor::{PhaseMemory, ProcessFacts, Purpose, WarmLoad};
use crate::measure::{BandwidthReading, Plan, Profile, RequestedPrompt, Role, Sample};
use crate::record::{Commit, DeviceRecord, ModelFile, sha256_of_bytes};
use crate::sys::MemoryReading;
use crate::workload::{TemplateTokens, TokenId};

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
    /// What was requested to run where, and what ran.
    pub device: DeviceRecord,
    /// OpenVINO and how it was set; None where the arm failed before it was loaded.
    pub runtime: Option<RuntimeRecord>,
    /// Environment variables of the worker that can change what a runtime does.
    #[serde(default)]
    pub environment_variables: BTreeMap<String, String>,
    /// The model.
    pub model: ModelRecord,
    /// What was requested of it.
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
    /// How far the next-token distributions have moved, with dynamic quantisation off; None where it was not requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution_drift: Option<DistributionDriftRecord>,
    /// What was done to the KV cache, and what came of it; None but in an experiment of `kv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv: Option<KvRecord>,
    /// What the operators of a decode step took, in a process that was not measured; None where that was not requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// What a reader must know before trusting its values.
    pub warnings: Vec<Warning>,
}

/// What an arm of `kv` does to the KV cache, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KvRecord {
    /// The arm in its canonical form, as in `turboquant:k6v4`.
    pub transform: String,
    /// Where the cache is changed.
    pub method: KvMethod,
    /// What it took in each measured generation, in their order; empty where nothing is changed between steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<KvUse>,
    /// How its distributions agree with those of the first arm, by text and seed; empty for the first arm itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreements: Vec<KvAgreement>,
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
    pub fn is_other_program(&self) -> bool {
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

/// `mean_kl@1` and `max_logit_difference@1`, text by text, and what is normal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistributionDriftRecord {
    /// The texts.
    pub texts: Vec<TextDrift>,
    /// What is normal on this device and precision; None where it was never calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<DistributionLimit>,
}

impl DistributionDriftRecord {
    /// The drift over all texts; None without a step.
    pub fn whole(&self) -> Option<DistributionDrift> {
        DistributionDrift::of(&self.texts)
    }

    /// Whether the drift is more than is normal.
    pub fn is_exceeded(&self) -> bool {
        let limit = self.limit.as_ref().zip(self.whole());
        limit.is_some_and(|(limit, whole)| limit.is_exceeded_by(&whole))
    }
}

/// How a run ended. Only a complete one can be a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Outcome {
    /// All was measured and no output was wrong.
    Complete,
    /// A prompt's output was wrong.
    WrongOutput,
    /// It was stopped; no speed is stored.
    Interrupted,
    /// The harness or the runtime failed; no speed is stored.
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

/// One worker process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// "measured", or "cache-warm-up" for one that only filled the cache of compiled models.
    pub purpose: Purpose,
    /// Which measured process, from 0.
    pub index: usize,
    /// How it ended, in one word: "done", "failed", "crashed", "killed", "out-of-memory", "timed-out",
    /// "cannot-be-killed", "leaked", "refused" or "interrupted".
    pub exit_reason: String,
    /// The end in a sentence, where it was not "done".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_detail: Option<String>,
    /// The last lines of its stdout that were not of the protocol, where it did not end well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_tail: Vec<String>,
    /// Prompts in the order requested.
    pub prompt_order: Vec<String>,
    /// Reading, compiling and making the first request ready; None where that was not reached.
    pub load: Option<LoadRecord>,
    /// Memory by phase.
    pub memory: PhaseMemory,
    /// The KV cache after the warm-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_cache: Option<KvCache>,
    /// How long all KV states took to be read and written back, where that was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_access: Option<StateAccess>,
    /// Highest sum of `GPU_MEMORY_STATISTICS` that was reported, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_memory_bytes: Option<u64>,
    /// Processor time of the worker over its measured generations, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor_ns: Option<u64>,
    /// What the bandwidth reference measured before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth_before: Option<BandwidthReading>,
    /// The machine before, while and after it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<GuardLog>,
    /// When it was started, ns of `CLOCK_MONOTONIC`; None where an older schema did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ns: Option<u64>,
    /// When it had ended, ns of `CLOCK_MONOTONIC`; see `started_ns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ns: Option<u64>,
}

/// A load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// From before reading to the first request ready, ns.
    pub load_ns: u64,
    /// A cold and a warm load are two different values.
    pub compiled_model_cache: CacheState,
    /// `LOADED_FROM_CACHE`, as the runtime reported it after the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded_from_cache: Option<bool>,
}

impl From<&ProcessFacts> for ProcessRecord {
    fn from(facts: &ProcessFacts) -> Self {
        let cache = facts.resolved.as_ref().map(|resolved| resolved.compiled_model_cache);
        let error = facts.exit_reason.error();
        Self {
            purpose: facts.purpose,
            index: facts.index,
            exit_reason: facts.exit_reason.as_str().to_owned(),
            output_tail: if error.is_some() { facts.output_tail.clone() } else { Vec::new() },
            exit_detail: error.map(|error| error.to_string()),
            prompt_order: facts.order.clone(),
            load: facts.loaded.as_ref().zip(cache).map(|(loaded, compiled_model_cache)| LoadRecord {
                load_ns: loaded.load_ended_ns.saturating_sub(loaded.load_started_ns),
                // Where the runtime refused what the cache has, it compiled again.
                compiled_model_cache: match (compiled_model_cache, loaded.loaded_from_cache) {
                    (CacheState::Warm, Some(false)) => CacheState::Cold,
                    (state, _) => state,
                },
                loaded_from_cache: loaded.loaded_from_cache,
            }),
            memory: facts.memory,
            kv_cache: facts.kv_cache.clone(),
            state_access: facts.state_access.clone(),
            device_memory_bytes: facts.device_memory_bytes,
            processor_ns: facts.processor_ns,
            bandwidth_before: None,
            guards: None,
            started_ns: Some(facts.started_ns),
            ended_ns: Some(facts.ended_ns),
        }
    }
}

/// One generation as it is stored. The times are absent where the output was wrong or the run was
/// not finished: such a generation has no speed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// "warm-up" or "measured".
    pub role: Role,
    /// The prompt's id.
    pub prompt_id: String,
    /// Which measured process made it, from 0.
    pub process: usize,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// The tokens that were made.
    pub token_ids: Vec<TokenId>,
    /// Its times, ns of `CLOCK_MONOTONIC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<SampleTimes>,
    /// Highest resident set of the generation, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// Resident anonymous memory at its end, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_anonymous_bytes: Option<u64>,
    /// Resident file-backed memory at its end, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_file_bytes: Option<u64>,
}

/// The times of a sample, ns of `CLOCK_MONOTONIC`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleTimes {
    /// Just before the first inference was submitted.
    pub submitted_ns: u64,
    /// When each token was known on the host, argmax included.
    pub token_ns: Vec<u64>,
    /// The part of each step spent in the inference.
    pub infer_ns: Vec<u64>,
}

impl SampleRecord {
    /// The wire form of a sample; `with_times` only where its tokens were checked.
    pub fn of(sample: &Sample, with_times: bool) -> Self {
        Self {
            role: sample.role,
            prompt_id: sample.prompt_id.clone(),
            process: sample.process,
            prompt_tokens: sample.prompt_tokens,
            token_ids: sample.token_ids.clone(),
            times: with_times.then(|| SampleTimes {
                submitted_ns: sample.submitted_ns,
                token_ns: sample.token_ns.clone(),
                infer_ns: sample.infer_ns.clone(),
            }),
            peak_rss_bytes: sample.memory.peak_rss_bytes,
            rss_anonymous_bytes: sample.memory.rss_anonymous_bytes,
            rss_file_bytes: sample.memory.rss_file_bytes,
        }
    }

    /// From the submission of the first of these generations to the last token of all, ns; None where none has
    /// times.
    pub(crate) fn span<'a>(samples: impl Iterator<Item = &'a Self>) -> Option<(u64, u64)> {
        let ends = samples.filter_map(|sample| {
            let times = sample.times.as_ref()?;
            Some((times.submitted_ns, *times.token_ns.last()?))
        });
        ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// The sample in memory, where it has times.
    pub fn timed(&self) -> Option<Sample> {
        let times = self.times.as_ref()?;
        Some(Sample {
            role: self.role,
            prompt_id: self.prompt_id.clone(),
            process: self.process,
            prompt_tokens: self.prompt_tokens,
            token_ids: self.token_ids.clone(),
            submitted_ns: times.submitted_ns,
            token_ns: times.token_ns.clone(),
            infer_ns: times.infer_ns.clone(),
            memory: MemoryReading {
                peak_rss_bytes: self.peak_rss_bytes,
                rss_anonymous_bytes: self.rss_anonymous_bytes,
                rss_file_bytes: self.rss_file_bytes,
                device_resident_bytes: None,
            },
        })
    }
}

/// The result of a prompt's output.
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
    /// Runner-up and logit margin at each step, from which a golden can be blessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayRecord>,
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

impl PromptRecord {
    /// The wire form of a finding.
    pub fn of(id: &str, finding: &Finding) -> Self {
        Self {
            id: id.to_owned(),
            golden: finding.result,
            divergence: finding.divergence.clone(),
            divergence_text: None,
            replay: finding.replay.as_deref().map(ReplayRecord::from),
        }
    }
}

/// A record's parts by prompt: to search all of them for each prompt would take the square of a long record's time.
impl Arm {
    /// The measured processes, in their order.
    pub fn measured_processes(&self) -> impl Iterator<Item = &ProcessRecord> + Clone {
        self.processes.iter().filter(|process| process.purpose == Purpose::Measured)
    }

    /// The measured generations, in their order.
    pub fn measured_samples(&self) -> impl Iterator<Item = &SampleRecord> + Clone {
        self.samples.iter().filter(|sample| sample.role == Role::Measured)
    }

    /// The generations of each prompt, in their order.
    pub fn samples_by_prompt(&self) -> HashMap<&str, Vec<&SampleRecord>> {
        let mut samples: HashMap<&str, Vec<&SampleRecord>> = HashMap::new();
        for sample in &self.samples {
            samples.entry(&sample.prompt_id).or_default().push(sample);
        }
        samples
    }

    /// The result of each prompt that was judged; the first where a prompt has several.
    pub fn judged_by_prompt(&self) -> HashMap<&str, &PromptRecord> {
        self.prompts.iter().rev().map(|prompt| (prompt.id.as_str(), prompt)).collect()
    }
}

/// What was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadRecord {
    /// Identity of prompts and protocol: the hash of the fields below.
    pub sha256: String,
    /// The protocol's version: what a run is.
    pub protocol: String,
    /// Fresh processes, each of which answered every prompt once.
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

    /// The hash of protocol, tokens and prompts, whatever `sha256` says. Errors: none in practice: what is
    /// hashed is made of strings and numbers.
    pub(in crate::record) fn identity(&self) -> Result<String> {
        let requested: Vec<(&str, &[TokenId])> =
            self.prompts.iter().map(|prompt| (prompt.id.as_str(), prompt.token_ids.as_slice())).collect();
        let identity = serde_json::to_vec(&(&self.protocol, self.new_tokens, requested))
            .map_err(|cause| Error::harness(format!("the workload has no identity: {cause}")))?;
        Ok(sha256_of_bytes(identity))
    }
}

/// Judges each prompt of a finished session, in the plan's order. The warm-up counts: it is
/// discarded for its speed, not for its tokens.
///
/// # Errors
/// When the model fails in a pass that judging needs.
pub fn judge_session(
    model: &mut dyn Replay,
    plan: &Plan,
    samples: &[Sample],
    goldens: &GoldenSet,
    epsilon_logit: f32,
) -> Result<Vec<Finding>> {
    let mut by_prompt: HashMap<&str, Vec<&[TokenId]>> = HashMap::new();
    for sample in samples {
        by_prompt.entry(&sample.prompt_id).or_default().push(&sample.token_ids);
    }
    let mut findings = Vec::with_capacity(plan.prompts.len());
    for prompt in &plan.prompts {
        let generations = by_prompt.get(prompt.id.as_str()).cloned().unwrap_or_default();
        let question = Question {
            input: prompt.input(),
            generations: &generations,
            golden: goldens.goldens.get(&prompt.id),
            epsilon_logit,
        };
        findings.push(judge(model, question)?);
    }
    Ok(findings)
}

/// The samples as they may be stored: tokens always, times only of prompts that were judged and are not
/// wrong. Without findings, as of a session that did not come to its end, none has times.
pub fn stored_samples(plan: &Plan, samples: &[Sample], findings: &[Finding]) -> Vec<SampleRecord> {
    let judged = plan.prompts.iter().zip(findings);
    let right = judged.filter(|(_, finding)| finding.result != GoldenResult::Break);
    let right: HashSet<&str> = right.map(|(prompt, _)| prompt.id.as_str()).collect();
    samples.iter().map(|sample| SampleRecord::of(sample, right.contains(sample.prompt_id.as_str()))).collect()
}
