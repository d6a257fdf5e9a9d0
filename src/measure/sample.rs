//! One generation as it happened: facts only, no statistics.

use serde::{Deserialize, Serialize};

use crate::sys::MemoryReading;
use crate::workload::TokenId;

/// What a generation was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Discarded: it warms caches and kernels.
    WarmUp,
    /// Counted.
    Measured,
}

/// One generation.
///
/// Times are of one monotonic clock, ns. `submitted_ns` is t0, just before the first inference is
/// submitted; `token_ns[i]` is when token i+1 was known on the host; `infer_ns[i]` is the part of
/// that step spent in the inference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Warm-up or measured.
    pub role: Role,
    /// The prompt's id.
    pub prompt_id: String,
    /// Which measured process made it, from 0.
    pub process: usize,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// The tokens that were made.
    pub token_ids: Vec<TokenId>,
    /// t0, ns.
    pub submitted_ns: u64,
    /// When each token was known, ns.
    pub token_ns: Vec<u64>,
    /// How long each inference took, ns.
    pub infer_ns: Vec<u64>,
    /// Memory at the end of the generation.
    pub memory: MemoryReading,
}
