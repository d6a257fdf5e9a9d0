//! The wire form of a sample.

use serde::{Deserialize, Serialize};

use crate::measure::{Role, Sample};
use crate::sys::MemoryReading;
use crate::workload::TokenId;

/// One generation as it is kept. The times are absent where the output was wrong or the run was
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
    #[must_use]
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

    /// The sample in memory, where it has times.
    #[must_use]
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
