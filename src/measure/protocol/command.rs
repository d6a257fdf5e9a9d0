//! What a supervisor asks of its worker.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::Path;
use crate::workload::TokenId;

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
    /// The folder of compiled models; None compiles anew.
    pub compiled_models: Option<PathBuf>,
}

/// What to decode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateCommand {
    /// The prompt.
    pub token_ids: Vec<TokenId>,
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

/// An untimed pass that tells what the model preferred at each step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayCommand {
    /// The prompt.
    pub token_ids: Vec<TokenId>,
    /// Which tokens are fed after it.
    pub path: ReplayPath,
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

impl ReplayPath {
    /// As the engine takes it.
    #[must_use]
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
