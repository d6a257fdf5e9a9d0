//! What is kept of the machine's state: facts once, and a reading a second.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::fdinfo::OtherGpuUse;
use crate::measure::guard::{CpuPolicy, GpuFacts, GpuReading, Temperatures};
use crate::measure::{ClockPair, Observed};

/// When a reading was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before the worker was started.
    Before,
    /// While it ran.
    During,
    /// After it ended.
    After,
}

/// What should not change while a process is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFacts {
    /// How the processor's clock is governed.
    pub cpu: CpuPolicy,
    /// The firmware's power profile.
    pub platform_profile: Observed<String>,
    /// Every Intel GPU.
    pub gpus: Observed<Vec<GpuFacts>>,
    /// Where the energy counter begins again, microjoules.
    pub energy_range_microjoules: Observed<u64>,
}

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineReading {
    /// When, ns of the clock that the watch was given.
    pub at_ns: u64,
    /// Before, during or after.
    pub phase: Phase,
    /// Every Intel GPU.
    pub gpus: Observed<Vec<GpuReading>>,
    /// Temperatures by sensor, degrees Celsius.
    pub temperatures_celsius: Observed<Temperatures>,
    /// How often the processor throttled for heat since it was started.
    pub cpu_throttle_count: Observed<u64>,
    /// Whether the machine runs on mains.
    pub is_on_mains: Observed<bool>,
    /// The share of ten seconds in which some task waited for a processor, percent.
    pub cpu_some_avg10_percent: Observed<f64>,
    /// The share of ten seconds in which all tasks waited for memory, percent.
    pub memory_full_avg10_percent: Observed<f64>,
    /// The share of ten seconds in which some task waited for a disk, percent.
    pub io_some_avg10_percent: Observed<f64>,
    /// Pages read back from swap since the machine was started.
    pub pages_swapped_in: Observed<u64>,
    /// Processes of the worker's memory group that were killed for want of memory.
    pub oom_kills: Observed<u64>,
    /// The package's energy counter, microjoules; it begins again at the facts' range.
    pub energy_microjoules: Observed<u64>,
    /// The worker's own use of each GPU that it has opened; empty where it has opened none.
    pub worker_gpus: Observed<Vec<WorkerGpuUse>>,
    /// What other programs do on the GPU.
    pub other_gpu: Observed<OtherGpuUse>,
}

/// What the worker has used of one GPU, its clients there together. An engine that has not worked for
/// it is not named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerGpuUse {
    /// Which GPU, as in `0000:00:02.0`.
    pub pci_address: String,
    /// How many clients it has there.
    pub clients: usize,
    /// Cycles in which engines worked for it, by class (xe).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub busy_cycles: BTreeMap<String, u64>,
    /// Time in which engines worked for it, ns, by class (i915).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub busy_ns: BTreeMap<String, u64>,
    /// Its resident memory, bytes; None where the kernel does not tell. A buffer that two of its
    /// clients share counts twice.
    pub resident_bytes: Option<u64>,
}

/// The machine's state around and during one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardLog {
    /// What should not change, at the start.
    pub facts: MachineFacts,
    /// The same at the end, where it did change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts_at_end: Option<MachineFacts>,
    /// Both clocks at the start.
    pub clocks_before: Observed<ClockPair>,
    /// Both clocks at the end.
    pub clocks_after: Observed<ClockPair>,
    /// The readings, in order of time.
    pub readings: Vec<MachineReading>,
    /// Why readings are missing at the end, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short_because: Option<String>,
}

impl GuardLog {
    /// The most GPU memory that the worker had at a reading, all GPUs together, bytes. There is no
    /// high-water mark: what came and went between two readings was not seen.
    #[must_use]
    pub fn peak_device_memory_bytes(&self) -> Option<u64> {
        let readings = self.readings.iter().filter_map(|reading| reading.worker_gpus.value());
        let sums = readings.filter_map(|gpus| {
            gpus.iter().filter_map(|usage| usage.resident_bytes).reduce(u64::saturating_add)
        });
        sums.max()
    }
}
