//! What is kept of the machine's state: facts once, and a reading a second.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::guard::{CpuPolicy, GpuFacts, GpuReading, Temperatures};
use crate::sys::fdinfo::{OtherGpuUse, compute_work};
use crate::sys::{ClockPair, Observed};

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
    /// Where each energy counter begins again, microjoules.
    pub energy_range_microjoules: Observed<PackageCounters>,
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
    /// Whether the machine runs on AC power.
    pub is_on_ac_power: Observed<bool>,
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
    /// The packages' energy counters, microjoules; each begins again at its range among the facts.
    pub energy_microjoules: Observed<PackageCounters>,
    /// The worker's own use of each GPU that it has opened; empty where it has opened none.
    pub worker_gpus: Observed<Vec<WorkerGpuUse>>,
    /// What other programs do on the GPU.
    pub other_gpu: Observed<OtherGpuUse>,
}

/// A number of each of the processor's packages, by the name of its zone, as in `package-0`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredCounters")]
pub struct PackageCounters(BTreeMap<String, u64>);

/// Older records have the number of one package alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredCounters {
    ByZone(BTreeMap<String, u64>),
    Single(u64),
}

impl From<StoredCounters> for PackageCounters {
    fn from(stored: StoredCounters) -> Self {
        match stored {
            StoredCounters::ByZone(by_zone) => by_zone.into(),
            StoredCounters::Single(number) => number.into(),
        }
    }
}

impl From<BTreeMap<String, u64>> for PackageCounters {
    fn from(by_zone: BTreeMap<String, u64>) -> Self {
        Self(by_zone)
    }
}

/// The number of a machine's only package.
impl From<u64> for PackageCounters {
    fn from(number: u64) -> Self {
        BTreeMap::from([("package-0".to_owned(), number)]).into()
    }
}

impl PackageCounters {
    /// All packages together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().copied().fold(0, u64::saturating_add)
    }

    /// The number of a package.
    #[must_use]
    pub fn of(&self, zone: &str) -> Option<u64> {
        self.0.get(zone).copied()
    }

    /// Each package with its number.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(zone, number)| (zone.as_str(), *number))
    }

    /// How many packages there are.
    #[must_use]
    pub fn packages(&self) -> usize {
        self.0.len()
    }
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
    /// Its resident memory, bytes; None where the kernel does not report. A buffer that two of its
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
    pub cut_short_reason: Option<String>,
}

impl WorkerGpuUse {
    /// What engines that can compute have done for it: cycles or ns, whichever its driver reports.
    #[must_use]
    pub fn work(&self) -> u64 {
        compute_work(&self.busy_cycles, &self.busy_ns)
    }
}

impl GuardLog {
    /// The readings from the last before a span to the first after it.
    #[must_use]
    pub fn around(&self, start_ns: u64, end_ns: u64) -> &[MachineReading] {
        let readings = &self.readings;
        let start = readings.iter().rposition(|reading| reading.at_ns <= start_ns).unwrap_or(0);
        let end = readings.iter().position(|reading| reading.at_ns >= end_ns);
        readings.get(start..end.map_or(readings.len(), |last| last + 1)).unwrap_or_default()
    }

    /// By how much the worker's work on GPUs grew over a span; None where it was not read to the span's end.
    #[must_use]
    pub fn gpu_work(&self, start_ns: u64, end_ns: u64) -> Option<u64> {
        let readings = self.around(start_ns, end_ns);
        let is_cut_short = readings.last().is_none_or(|last| last.at_ns < end_ns);
        let grown = gpu_work(readings)?;
        // Of what is cut short it is known that there was work, not that there was none.
        Some(grown).filter(|_| !is_cut_short || self.cut_short_reason.is_none())
    }

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

/// By how much the worker's work on GPUs grew from the first to the last of these readings; None where no reading has
/// a GPU that it opened.
#[must_use]
pub fn gpu_work(readings: &[MachineReading]) -> Option<u64> {
    // At the end the worker may be gone, and what it has used with it.
    let usages =
        readings.iter().filter_map(|reading| reading.worker_gpus.value()).filter(|gpus| !gpus.is_empty());
    let work: Vec<u64> =
        usages.map(|gpus| gpus.iter().map(WorkerGpuUse::work).fold(0, u64::saturating_add)).collect();
    // A process has used nothing when it starts, so one reading is enough to see that it did.
    let before = if work.len() > 1 { *work.first()? } else { 0 };
    Some(work.last()?.saturating_sub(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_the_number_of_one_package_is_read_as_before() {
        let read = |text: &str| serde_json::from_str::<Observed<PackageCounters>>(text).unwrap();
        assert_eq!(read("7"), Observed::Observed(7.into()));
        let both = read(r#"{"package-0": 7, "package-1": 5}"#);
        assert_eq!(both.value().map(PackageCounters::total), Some(12));
        assert_eq!(read(r#"{"not_observed": "no zone"}"#), Observed::not("no zone"));
    }
}
