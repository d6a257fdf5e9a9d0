//! What a supervisor and its worker say to each other: a JSON object a line, commands on the
//! worker's stdin, events on its stdout.
//!
//! ```text
//! worker                                supervisor
//! hello {protocol, worker}          ->
//!                                   <-  load {runtime, model, device, properties}
//! resolved {device, cache}           ->
//! loaded {times, what runs}         ->
//!                                   <-  generate {token_ids, new_tokens, split_phases}
//! ready                             ->
//!                                   <-  acknowledge
//! tokens {ids, times} once a second ->
//! phase-ended {prefill}             ->      only with split_phases, never in a timed generation
//!                                   <-  acknowledge
//! phase-ended {decode}              ->      likewise, after the last token
//!                                   <-  acknowledge
//! generated {t0}                    ->
//!                                   <-  read-cache {all_states}       after the memory was read
//! cache {tokens}                    ->
//!                                   <-  replay {token_ids, path}
//! replayed {choices}                ->
//!                                   <-  time-states {repeats}
//! states-timed {rows, times}        ->
//!                                   <-  capture-logits {text, reference} or compare-logits, of `kv` alone
//! logits-captured or logits-compared ->
//!                                   <-  compare-distributions {goldens}  with dynamic quantisation off
//! distributions-compared {texts}    ->
//!                                   <-  profile {prompt, steps}       to a worker that loaded with PERF_COUNT alone
//! profiled {operators, times}       ->
//!                                   <-  finish
//! done                              ->
//! ```
//!
//! While the worker waits for a command or an acknowledgement nothing is timed, so that the
//! supervisor can read `/proc/PID`. `failed` may stand in place of any event and ends the worker.
//! Times are `CLOCK_MONOTONIC`, ns, which all processes of a machine share. Lines that are no event
//! are a library's talk. A field that one side does not know is left alone; a change that the other
//! side must know raises the version, and a supervisor understands every version that was released.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::openvino::{DeviceFacts, DeviceKind};
use crate::engine::{Choice, Path};
use crate::error::{Error, ErrorKind};
use crate::golden::TextDrift;
use crate::measure::Profile;
use crate::measure::kv::{KvAgreement, KvMethod, KvText, KvUse, StateAccess};
use crate::workload::{Input, TokenId};

/// The version that is spoken.
pub const PROTOCOL_VERSION: u32 = 3;
/// The versions that are understood: all that were released.
pub const UNDERSTOOD_VERSIONS: [u32; 3] = [1, 2, 3];
/// From this version on, a replay is called so.
pub(super) const REPLAY_SINCE: u32 = 3;

/// A command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Load a model; answered by `device_resolved` and `loaded`.
    Load(LoadCommand),
    /// Decode greedily from an empty cache; answered by `ready`, `tokens` and `generated`.
    Generate(GenerateCommand),
    /// Read the KV states; answered by `cache`. Only for a worker whose `loaded` event has `reads_cache`.
    ReadCache(ReadCacheCommand),
    /// Go on: what had to be read from outside was read.
    Acknowledge,
    /// An untimed pass; answered by `replayed`.
    Replay(ReplayCommand),
    /// A replay, as protocols 1 and 2 call it.
    Witness(ReplayCommand),
    /// Time reading and writing back all KV states, as they are; answered by `states-timed`.
    TimeStates(TimeStatesCommand),
    /// Write the logits of an untimed, teacher-forced pass to a file; answered by `logits-captured`.
    CaptureLogits(LogitsCommand),
    /// Compare those of a pass of this worker with such a file; answered by `logits-compared`.
    CompareLogits(LogitsCommand),
    /// Compare next-token distributions with the model's reference ones; answered by `distributions-compared`.
    CompareDistributions(DistributionsCommand),
    /// Profile decode steps, by operator; answered by `profiled`. Only for a worker whose `loaded` event has `profiles`.
    Profile(ProfileCommand),
    /// End; answered by `done`.
    Finish,
}

/// What to load, by absolute paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadCommand {
    /// OpenVINO's C library.
    pub c_library: PathBuf,
    /// The version that it must be, where it is a pinned release.
    pub pinned_version: Option<String>,
    /// The model's folder.
    pub model_dir: PathBuf,
    /// The model's identity, for the key of the compiled-model cache.
    pub model_sha256: String,
    /// The device, as the user requested it.
    pub device: String,
    /// `KEY=VALUE`, to be put over the device's defaults.
    pub properties: Vec<String>,
    /// Where the edited graph is written; None decodes with the graph as it is.
    pub edited_graph: Option<PathBuf>,
    /// The folder of compiled models; None compiles again.
    pub compiled_models: Option<PathBuf>,
    /// What is done to the KV cache, as an arm of `kv` names it; None where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_transform: Option<String>,
}

/// What to decode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateCommand {
    /// The prompt.
    pub token_ids: Vec<TokenId>,
    /// Rows to which the KV cache is filled first, untimed, by repeating the states of the prompt; None where the
    /// prompt itself is timed. Only for a worker whose `loaded` event has `fills_cache`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_tokens: Option<usize>,
    /// Tokens of the answer, exactly: end-of-sequence is a token like any other.
    pub new_tokens: usize,
    /// Whether to wait for an acknowledgement between prefill and decode: not for timed generations.
    pub split_phases: bool,
}

/// Which KV states to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadCacheCommand {
    /// All of them, for the size of the cache; else one key and one value, for its tokens.
    pub all_states: bool,
}

/// An untimed pass that reports what the model preferred at each step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayCommand {
    /// The prompt.
    pub token_ids: Vec<TokenId>,
    /// As of `generate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_tokens: Option<usize>,
    /// Which tokens are fed after it.
    pub path: ReplayPath,
}

/// How often all states are read and written back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeStatesCommand {
    /// Each time is one reading.
    pub repeats: usize,
}

/// Which decode steps are profiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileCommand {
    /// The prompt's id.
    pub prompt_id: String,
    /// The prompt.
    pub token_ids: Vec<TokenId>,
    /// As of `generate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_tokens: Option<usize>,
    /// How many steps the times are the mean of.
    pub steps: usize,
}

/// A teacher-forced pass over a text whose logits are written or compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogitsCommand {
    /// The text.
    pub text: KvText,
    /// The file of the reference's logits.
    pub reference: PathBuf,
    /// The seed of rotation or choice in this pass; None for the arm's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Teacher-forced passes over the texts of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistributionsCommand {
    /// The folder of the model's goldens, which has the reference.
    pub goldens: PathBuf,
}

/// Which tokens are fed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplayPath {
    /// The model's own choices, this many.
    Greedy(usize),
    /// These, whatever the model prefers.
    Forced(Vec<TokenId>),
}

impl GenerateCommand {
    /// What is fed.
    pub fn input(&self) -> Input<'_> {
        Input { token_ids: &self.token_ids, cache_tokens: self.cache_tokens }
    }
}

impl ReplayCommand {
    /// What is fed before its path.
    pub fn input(&self) -> Input<'_> {
        Input { token_ids: &self.token_ids, cache_tokens: self.cache_tokens }
    }
}

impl ProfileCommand {
    /// What is fed before the steps.
    pub fn input(&self) -> Input<'_> {
        Input { token_ids: &self.token_ids, cache_tokens: self.cache_tokens }
    }
}

impl ReplayPath {
    /// As the engine takes it.
    pub fn as_path(&self) -> Path<'_> {
        match self {
            Self::Greedy(steps) => Path::Greedy(*steps),
            Self::Forced(tokens) => Path::Forced(tokens),
        }
    }
}

impl From<Path<'_>> for ReplayPath {
    fn from(path: Path<'_>) -> Self {
        match path {
            Path::Greedy(steps) => Self::Greedy(steps),
            Path::Forced(tokens) => Self::Forced(tokens.to_vec()),
        }
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first word.
    #[serde(alias = "hello")]
    Handshake(Handshake),
    /// The runtime is loaded and the device resolved; compiling comes next.
    #[serde(alias = "settled")]
    DeviceResolved(DeviceResolvedEvent),
    /// The model is compiled and its first request is ready.
    Loaded(LoadedEvent),
    /// The cache was reset and the generation can begin; waits for an acknowledgement.
    Ready {
        /// Whether the cache was seen to be empty, where the worker says so itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state_seen_empty: Option<bool>,
    },
    /// Tokens that were made since the last such event.
    Tokens(TokensEvent),
    /// A phase has ended; waits for an acknowledgement.
    PhaseEnded {
        /// Which.
        phase: Phase,
    },
    /// The generation has ended; all its tokens were reported before.
    Generated(GeneratedEvent),
    /// What the KV states show.
    Cache(CacheEvent),
    /// What an untimed pass saw.
    #[serde(alias = "witnessed")]
    Replayed(ReplayRecord),
    /// How long the states took to be read and written back.
    StatesTimed(StateAccess),
    /// The logits of a pass are in their file.
    LogitsCaptured,
    /// How far the logits of a pass are from those of the reference.
    LogitsCompared(KvAgreement),
    /// How far the distributions are from the reference ones.
    DistributionsCompared {
        /// Text by text.
        texts: Vec<TextDrift>,
    },
    /// What the operators of a decode step took.
    Profiled(Profile),
    /// Something failed; the worker ends.
    Failed(Failed),
    /// The last word.
    Done,
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// The protocol's version.
    pub protocol: u32,
    /// The worker's name and version.
    pub worker: String,
}

/// What will run where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceResolvedEvent {
    /// As in "2026.4.1".
    pub openvino_version: String,
    /// The whole build string.
    pub openvino_build: String,
    /// The device that the model is compiled for.
    pub device: String,
    /// Why that is not the one requested.
    #[serde(alias = "fallback_because")]
    pub fallback_reason: Option<String>,
    /// What is known of it.
    pub facts: DeviceFacts,
    /// The machine's GPU, as OpenVINO names it, whatever device runs.
    pub gpu_name: Option<String>,
    /// All properties that are set before compiling.
    #[serde(alias = "properties_asked")]
    pub properties_requested: BTreeMap<String, String>,
    /// Whether the compiled model comes from a cache.
    pub compiled_model_cache: CacheState,
    /// The folder of that cache which this model and setting use.
    #[serde(default)]
    pub compiled_model_folder: Option<PathBuf>,
}

/// Whether a compiled model comes from a cache: a cold load and a warm one are two different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheState {
    /// No cache is used: every load compiles.
    Off,
    /// A cache is used and has nothing for this model yet.
    Cold,
    /// The cache has what an earlier load left.
    Warm,
}

/// What was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that a worker can or cannot do")]
pub struct LoadedEvent {
    /// Just before the model was read.
    pub load_started_ns: u64,
    /// When the first request was ready.
    pub load_ended_ns: u64,
    /// `EXECUTION_DEVICES`, verbatim.
    pub execution_devices: String,
    /// Properties in force: read back, or after a warm load those that the cold load read back.
    pub properties_effective: BTreeMap<String, String>,
    /// What a warm load read back itself: of the same setting, some values differ. Empty after any other.
    #[serde(default)]
    pub properties_warm: BTreeMap<String, String>,
    /// `LOADED_FROM_CACHE`; None where it is not reported.
    #[serde(default)]
    pub loaded_from_cache: Option<bool>,
    /// Tokens of the vocabulary.
    pub vocabulary_size: usize,
    /// The longest sequence, where the model states it.
    pub context_tokens: Option<usize>,
    /// Why the KV states cannot be read at all, whatever the device.
    #[serde(alias = "states_hidden_because")]
    pub states_hidden_reason: Option<String>,
    /// Whether it understands `read-cache`.
    #[serde(default)]
    pub reads_cache: bool,
    /// Why the graph computes the logits of every prompt token; None where it was edited not to.
    #[serde(alias = "unedited_because")]
    pub unedited_reason: Option<String>,
    /// How it attends to past tokens, "sdpa" or "paged"; None where the worker does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<String>,
    /// What its `infer_ns` are of.
    #[serde(default)]
    pub infer_span: InferSpan,
    /// `GPU_MEMORY_STATISTICS` after loading, bytes by kind; empty where there is none.
    #[serde(default)]
    pub device_memory_bytes: BTreeMap<String, u64>,
    /// Where the KV cache is changed, as the load command requested.
    #[serde(default)]
    pub kv_method: KvMethod,
    /// Whether it understands `time-states`.
    #[serde(default)]
    pub times_states: bool,
    /// Whether it understands `cache_tokens`.
    #[serde(default)]
    pub fills_cache: bool,
    /// Whether it understands `profile`.
    #[serde(default)]
    pub profiles: bool,
}

impl LoadedEvent {
    /// The kind of device that it runs on.
    pub fn device_kind(&self) -> DeviceKind {
        if self.execution_devices.contains("GPU") { DeviceKind::Gpu } else { DeviceKind::Cpu }
    }
}

/// Of what a worker's `infer_ns` are. An engine that notes no inferences by themselves has no host overhead
/// that could be reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InferSpan {
    /// Of the inference alone, from its start until it has been waited for.
    #[default]
    Inference,
    /// Of the whole step, whatever the host does in it.
    Step,
}

/// Tokens with their times; the lists are of one length.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokensEvent {
    /// The tokens.
    pub ids: Vec<TokenId>,
    /// When each was known on the host, ns.
    pub known_ns: Vec<u64>,
    /// How long the inference before it took, ns.
    pub infer_ns: Vec<u64>,
}

/// A part of a generation whose memory is read by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The inference of the prompt.
    Prefill,
    /// The inferences of one token each.
    Decode,
}

/// How a generation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedEvent {
    /// t0: just before the first inference was submitted, ns.
    pub submitted_ns: u64,
    /// `GPU_MEMORY_STATISTICS` after the generation, bytes by kind; empty where there is none.
    #[serde(default)]
    pub device_memory_bytes: BTreeMap<String, u64>,
    /// What the change of the KV cache took; None where nothing changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_use: Option<KvUse>,
}

/// What the KV states show after a generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEvent {
    /// Tokens that the cache holds; None where its states cannot be read.
    pub tokens: Option<usize>,
    /// Why the states cannot be read.
    pub not_observable: Option<String>,
    /// The cache's size, where all states were requested.
    pub kv_cache: Option<KvCache>,
}

/// The KV cache's size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvCache {
    /// Tokens that it holds.
    pub tokens: u64,
    /// Elements of all states together; 0 where they cannot be read.
    pub elements: u64,
    /// `KV_CACHE_PRECISION`, as read back. On a GPU it does not prove the cache's format.
    pub precision: String,
    /// Its bytes, without the scales of a compressed cache.
    pub bytes: Option<u64>,
    /// What the bytes were computed from.
    #[serde(default)]
    pub bytes_source: KvBytesSource,
}

/// What the bytes of a KV cache were computed from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KvBytesSource {
    /// The elements of the states, in `KV_CACHE_PRECISION`.
    #[default]
    CachePrecision,
    /// The elements of the states, in `INFERENCE_PRECISION_HINT`: a GPU plugin lets the states be read
    /// only where it does not compress the cache, whatever `KV_CACHE_PRECISION` says.
    InferencePrecision,
    /// The growth of the device's memory since the model was loaded: an upper bound, since it has the
    /// buffers of the inferences, too.
    DeviceMemoryGrowth,
}

/// What the model preferred at each step; the lists are of one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayRecord {
    /// The tokens with the largest logit.
    pub token_ids: Vec<TokenId>,
    /// The tokens with the second largest logit.
    pub runner_up_ids: Vec<TokenId>,
    /// Largest minus second largest logit.
    #[serde(alias = "gaps_logit")]
    pub logit_margins: Vec<f32>,
}

impl From<&[Choice]> for ReplayRecord {
    fn from(choices: &[Choice]) -> Self {
        Self {
            token_ids: choices.iter().map(|choice| choice.token).collect(),
            runner_up_ids: choices.iter().map(|choice| choice.runner_up).collect(),
            logit_margins: choices.iter().map(|choice| choice.margin).collect(),
        }
    }
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Whose fault it is: "input", "wrong-output", "environment" or "harness".
    pub kind: String,
    /// In words.
    pub message: String,
    /// The next command to try.
    pub hint: Option<String>,
}

impl From<&Error> for Failed {
    fn from(error: &Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Input => "input",
            ErrorKind::WrongOutput => "wrong-output",
            ErrorKind::Environment => "environment",
            ErrorKind::Harness => "harness",
        };
        Self { kind: kind.to_owned(), message: error.to_string(), hint: error.hint_text().map(str::to_owned) }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        let error = match failed.kind.as_str() {
            "input" => Self::input(failed.message),
            "wrong-output" => Self::wrong_output(failed.message),
            "environment" => Self::environment(failed.message),
            _ => Self::harness(failed.message),
        };
        match failed.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}
