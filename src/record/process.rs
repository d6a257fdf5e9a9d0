//! The wire form of a worker process.

use serde::{Deserialize, Serialize};

use crate::measure::BandwidthReading;
use crate::measure::guard::GuardLog;
use crate::measure::protocol::{CacheState, KvCache};
use crate::measure::supervisor::{PhaseMemory, ProcessFacts, Purpose};

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
    /// A cold and a warm load are two different figures.
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
            device_memory_bytes: facts.device_memory_bytes,
            processor_ns: facts.processor_ns,
            bandwidth_before: None,
            guards: None,
            started_ns: Some(facts.started_ns),
            ended_ns: Some(facts.ended_ns),
        }
    }
}
