//! What was seen of one worker process: facts only.

use serde::{Deserialize, Serialize};

use crate::measure::Sample;
use crate::measure::protocol::{DeviceResolvedEvent, Handshake, KvCache, LoadedEvent};
use crate::measure::supervisor::ExitReason;
use crate::sys::MemoryReading;

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// It fills the cache of compiled models and is not measured.
    CacheWarmUp,
    /// It is measured.
    Measured,
}

/// Memory at the end of each phase, and its peak in it. Prefill and decode are distinguished in the
/// warm-up, for looking between them would stand in the times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseMemory {
    /// Reading and compiling the model.
    pub load: MemoryReading,
    /// The warm-up's prompt.
    pub prefill: MemoryReading,
    /// The warm-up's other tokens.
    pub decode: MemoryReading,
}

/// One worker process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessFacts {
    /// What it was for.
    pub purpose: Purpose,
    /// Which measured process it is, from 0; 0 for a cache warm-up one.
    pub index: usize,
    /// Who it said that it is.
    pub handshake: Option<Handshake>,
    /// What was to run where.
    pub resolved: Option<DeviceResolvedEvent>,
    /// What was loaded.
    pub loaded: Option<LoadedEvent>,
    /// Prompts in the order requested.
    pub order: Vec<String>,
    /// Every generation, the warm-up first.
    pub samples: Vec<Sample>,
    /// Whether the KV cache was observed to be empty before each generation: after it, it held exactly the
    /// tokens that were fed.
    pub state_seen_empty: bool,
    /// Why that could not be observed.
    pub state_not_observed: Option<String>,
    /// Memory by phase.
    pub memory: PhaseMemory,
    /// What the KV cache held after the warm-up.
    pub kv_cache: Option<KvCache>,
    /// Highest sum of `GPU_MEMORY_STATISTICS` that was reported, bytes.
    pub device_memory_bytes: Option<u64>,
    /// Processor time of the worker over its measured generations, ns.
    pub processor_ns: Option<u64>,
    /// When it was started and when it had ended, ns of `CLOCK_MONOTONIC`.
    pub started_ns: u64,
    /// See `started_ns`.
    pub ended_ns: u64,
    /// The last lines that it or a library wrote to its stdout.
    pub output_tail: Vec<String>,
    /// How it ended.
    pub exit_reason: ExitReason,
}

impl ProcessFacts {
    pub(super) fn new(purpose: Purpose, index: usize, started_ns: u64) -> Self {
        Self {
            purpose,
            index,
            handshake: None,
            resolved: None,
            loaded: None,
            order: Vec::new(),
            samples: Vec::new(),
            state_seen_empty: true,
            state_not_observed: None,
            memory: PhaseMemory::default(),
            kv_cache: None,
            device_memory_bytes: None,
            processor_ns: None,
            started_ns,
            ended_ns: started_ns,
            output_tail: Vec::new(),
            exit_reason: ExitReason::Done,
        }
    }
}
