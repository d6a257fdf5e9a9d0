//! The wire form of a worker process.

use serde::{Deserialize, Serialize};

use crate::measure::guard::GuardLog;
use crate::measure::protocol::{CacheState, KvCache};
use crate::measure::supervisor::{PhaseMemory, ProcessFacts, Purpose};
use crate::measure::{CanaryReading, MemoryReading};

/// One worker process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// "measured", or "priming" for one that only filled the cache of compiled models.
    pub purpose: ProcessPurpose,
    /// Which measured process, from 0.
    pub index: usize,
    /// How it ended, in one word: "done", "failed", "crashed", "killed", "out-of-memory", "timed-out",
    /// "cannot-be-killed", "leaked", "refused" or "interrupted".
    pub ending: String,
    /// The end in a sentence, where it was not "done".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending_because: Option<String>,
    /// The last lines of its stdout that were not of the protocol, where it did not end well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub talk: Vec<String>,
    /// Prompts in the order asked.
    pub prompt_order: Vec<String>,
    /// Reading, compiling and making the first request ready; None where that was not reached.
    pub load: Option<LoadRecord>,
    /// Memory by phase.
    pub memory: PhaseMemoryRecord,
    /// The KV cache after the warm-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_cache: Option<KvCache>,
    /// Highest sum of `GPU_MEMORY_STATISTICS` that was told, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_memory_bytes: Option<u64>,
    /// Processor time of the worker over its measured generations, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor_ns: Option<u64>,
    /// What the canary saw before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_before: Option<CanaryReading>,
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

/// What a process was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessPurpose {
    /// It filled the cache of compiled models.
    Priming,
    /// It was measured.
    Measured,
}

/// A load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// From before reading to the first request ready, ns.
    pub load_ns: u64,
    /// A cold and a warm load are two different figures.
    pub compiled_model_cache: CacheState,
    /// `LOADED_FROM_CACHE`, as the runtime reported it after the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded_from_cache: Option<bool>,
}

/// Memory by phase. Prefill and decode are those of the warm-up: looking between them would stand in
/// the times of a measured generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseMemoryRecord {
    /// Reading and compiling the model.
    pub load: MemoryRecord,
    /// The prompt.
    pub prefill: MemoryRecord,
    /// The other tokens.
    pub decode: MemoryRecord,
}

/// Memory of a phase; what was not read is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryRecord {
    /// Highest resident set of the phase, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// Resident anonymous memory at its end, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_anonymous_bytes: Option<u64>,
    /// Resident file-backed memory at its end, bytes: memory-mapped weights count here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_file_bytes: Option<u64>,
    /// What the worker had resident on GPUs at its end, bytes; in none of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_resident_bytes: Option<u64>,
}

impl From<MemoryReading> for MemoryRecord {
    fn from(reading: MemoryReading) -> Self {
        Self {
            peak_rss_bytes: reading.peak_rss_bytes,
            rss_anonymous_bytes: reading.rss_anonymous_bytes,
            rss_file_bytes: reading.rss_file_bytes,
            device_resident_bytes: reading.device_resident_bytes,
        }
    }
}

impl From<PhaseMemory> for PhaseMemoryRecord {
    fn from(memory: PhaseMemory) -> Self {
        Self { load: memory.load.into(), prefill: memory.prefill.into(), decode: memory.decode.into() }
    }
}

impl From<&ProcessFacts> for ProcessRecord {
    fn from(facts: &ProcessFacts) -> Self {
        let cache = facts.settled.as_ref().map(|settled| settled.compiled_model_cache);
        let error = facts.ending.error();
        Self {
            purpose: match facts.purpose {
                Purpose::Priming => ProcessPurpose::Priming,
                Purpose::Measured => ProcessPurpose::Measured,
            },
            index: facts.index,
            ending: facts.ending.word().to_owned(),
            talk: if error.is_some() { facts.talk.clone() } else { Vec::new() },
            ending_because: error.map(|error| error.to_string()),
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
            memory: facts.memory.into(),
            kv_cache: facts.kv_cache.clone(),
            device_memory_bytes: facts.device_memory_bytes,
            processor_ns: facts.processor_ns,
            canary_before: None,
            guards: None,
            started_ns: Some(facts.started_ns),
            ended_ns: Some(facts.ended_ns),
        }
    }
}
