//! Whether the machine was in a state in which its times are valid: the guards' rules.
//!
//! A rule reads what was observed and says so when nothing was: a machine that reports nothing is not
//! observed, never clean. Rules on an Intel GPU have not seen readings of the hardware.

mod rules;
#[cfg(test)]
mod tests;
pub mod threshold;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::engine::openvino::DeviceKind;
use crate::measure::guard::{GpuReading, GuardLog, MachineReading, Phase};
use crate::record::{Arm, ProcessRecord, ProvenDevice, SampleRecord};
use crate::sys::{Observed, Unavailable};

pub use rules::{between, of_process};

/// What is watched. The names are stored in records and policies: none is ever given another meaning.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// The worker's own counters show that a GPU worked for it.
    GpuProof,
    /// The GPU's clock on two sides.
    GpuClock,
    /// The GPU held back for heat or by its voltage regulator.
    GpuThrottle,
    /// The GPU held back by a power limit, on two sides.
    GpuPowerLimit,
    /// Other programs on the GPU.
    OtherGpuClients,
    /// Temperature at the start of two sides.
    StartTemperature,
    /// Governor, energy preference and turbo.
    CpuPolicy,
    /// The processor held back for heat.
    CpuThrottle,
    /// AC power or battery.
    AcPower,
    /// The firmware's power profile.
    PowerProfile,
    /// Other programs on the processor.
    CpuPressure,
    /// Other programs on the processor while it is measured itself.
    OtherCpuUse,
    /// Tasks that wait for memory.
    MemoryPressure,
    /// Memory read back from swap.
    SwapIn,
    /// Processes killed for want of memory.
    OomKill,
    /// Sleep of the whole machine.
    Suspend,
}

/// What a tripped guard means for the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardWeight {
    /// Its times are invalid.
    Invalidates,
    /// They can, with a warning; a gate may refuse it.
    Warns,
}

/// The word of a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardState {
    /// It was observed, and all is well.
    Clean,
    /// It was observed, and all is not well.
    Tripped,
    /// The machine does not report: neither clean nor tripped.
    NotObserved,
    /// It was observed before and no longer is, which counts as tripped.
    Vanished,
}

/// A guard's word with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardFinding {
    /// Which guard.
    pub guard: Guard,
    /// Its word.
    pub state: GuardState,
    /// Why, in words, with the readings.
    pub reason: String,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 16] = *Self::VARIANTS.as_array().unwrap();

    /// What makes it trip, in words.
    pub fn trips_when(self) -> String {
        match self {
            Self::GpuProof => "the worker's own counters do not show that a GPU worked for it".to_owned(),
            Self::GpuClock => format!(
                "the median clocks of two sides differ by more than {} %",
                threshold::CLOCK_DIFFERENCE_SHARE * 100.0
            ),
            Self::GpuThrottle => "the GPU is held back for heat or by its voltage regulator".to_owned(),
            Self::GpuPowerLimit => format!(
                "the shares of readings with a power limit on two sides differ by more than {} points",
                threshold::POWER_LIMIT_DIFFERENCE_POINTS
            ),
            Self::OtherGpuClients => format!(
                "other programs have the GPU for {} % of the time or more",
                threshold::OTHER_GPU_SHARE * 100.0
            ),
            Self::StartTemperature => {
                format!("two sides start more than {} degrees apart", threshold::START_DIFFERENCE_CELSIUS)
            }
            Self::CpuPolicy => {
                "governor, energy preference or turbo change, or differ from those of the first process"
                    .to_owned()
            }
            Self::CpuThrottle => "the processor is held back for heat".to_owned(),
            Self::AcPower => "the machine runs on its battery".to_owned(),
            Self::PowerProfile => {
                "the firmware's power profile changes, or differs from that of the first process".to_owned()
            }
            Self::CpuPressure => format!(
                "tasks wait for a processor for {} % of ten seconds or more; on a CPU run only before its first \
                 process, since the worker itself loads the processor later",
                threshold::CPU_PRESSURE_PERCENT
            ),
            Self::OtherCpuUse => format!(
                "other programs have {} % of the processors' time or more while a CPU run is measured",
                threshold::OTHER_CPU_SHARE * 100.0
            ),
            Self::MemoryPressure => format!(
                "all tasks wait for memory for more than {} % of ten seconds",
                threshold::MEMORY_PRESSURE_PERCENT
            ),
            Self::SwapIn => "pages are read back from swap".to_owned(),
            Self::OomKill => "a process of the worker's group is killed for want of memory".to_owned(),
            Self::Suspend => {
                format!("the machine sleeps for more than {} s", threshold::SUSPEND_NS as f64 / 1e9)
            }
        }
    }

    /// The name, as it is serialised.
    pub fn id(self) -> &'static str {
        self.into()
    }

    /// What it means when it trips.
    pub fn weight(self) -> GuardWeight {
        match self {
            Self::AcPower => GuardWeight::Warns,
            _ => GuardWeight::Invalidates,
        }
    }
}

impl GuardFinding {
    /// Whether something is wrong, be it only a warning.
    pub fn is_trouble(&self) -> bool {
        matches!(self.state, GuardState::Tripped | GuardState::Vanished)
    }

    /// Whether the process's times are invalid.
    pub fn invalidates(&self) -> bool {
        self.is_trouble() && self.guard.weight() == GuardWeight::Invalidates
    }
}

/// A state with its reason, before the guard is named.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Observation {
    state: GuardState,
    reason: String,
}

impl Observation {
    fn clean(reason: impl Into<String>) -> Self {
        Self { state: GuardState::Clean, reason: reason.into() }
    }

    fn tripped(reason: impl Into<String>) -> Self {
        Self { state: GuardState::Tripped, reason: reason.into() }
    }

    fn tripped_if(is_trouble: bool, reason: String) -> Self {
        if is_trouble { Self::tripped(reason) } else { Self::clean(reason) }
    }

    fn not_observed(reason: impl Into<String>) -> Self {
        Self { state: GuardState::NotObserved, reason: reason.into() }
    }

    fn vanished(reason: impl Into<String>) -> Self {
        Self { state: GuardState::Vanished, reason: reason.into() }
    }

    fn of(self, guard: Guard) -> GuardFinding {
        GuardFinding { guard, state: self.state, reason: self.reason }
    }
}

/// From one moment to another of a log's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSpan {
    /// ns.
    pub start_ns: u64,
    /// ns.
    pub end_ns: u64,
}

/// A process to be judged.
#[derive(Debug, Clone, Copy)]
pub struct ProcessGuards<'a> {
    /// What was read.
    pub log: &'a GuardLog,
    /// What it ran on.
    pub device: DeviceKind,
    /// From the first timed generation to the end of the last, by the log's clock. Loading a model
    /// swaps and waits as much as it likes. Without it the whole log is judged.
    pub timed: Option<TimeSpan>,
}

impl<'a> ProcessGuards<'a> {
    /// The readings of the timed part, with the last before it and the first after it.
    fn around(&self) -> &'a [MachineReading] {
        self.timed.map_or(&self.log.readings[..], |span| self.log.around(span.start_ns, span.end_ns))
    }

    /// The readings inside the timed part, taken while the worker ran.
    fn during(&self) -> impl Iterator<Item = &'a MachineReading> + use<'a> {
        let timed = self.timed;
        let is_inside = move |at_ns| timed.is_none_or(|span| (span.start_ns..=span.end_ns).contains(&at_ns));
        let readings = self.log.readings.iter();
        readings.filter(move |reading| reading.phase == Phase::During && is_inside(reading.at_ns))
    }

    /// The reading before the worker was started.
    fn before(&self) -> impl Iterator<Item = &'a MachineReading> + use<'a> {
        self.log.readings.iter().filter(|reading| reading.phase == Phase::Before)
    }

    /// Why the timed part is not covered to its end, where it is not.
    fn uncovered_reason(&self) -> Option<&'a str> {
        let reason = self.log.cut_short_reason.as_deref()?;
        let reaches = |span: TimeSpan| self.log.readings.iter().any(|reading| reading.at_ns >= span.end_ns);
        (!self.timed.is_some_and(reaches)).then_some(reason)
    }

    /// One thing out of each of these readings. Errors: when there is none, or it is missing in some:
    /// vanished, if it was there in the log's first.
    fn all_of<T>(
        &self,
        readings: impl Iterator<Item = &'a MachineReading>,
        pick: impl Fn(&'a MachineReading) -> Result<T, String>,
    ) -> Result<Vec<T>, Observation> {
        let picked: Result<Vec<T>, String> = readings.map(&pick).collect();
        match picked {
            Ok(values) if values.is_empty() => {
                Err(Observation::not_observed("the process was too short for a reading while it ran"))
            }
            Ok(values) => Ok(values),
            Err(reason) if self.log.readings.first().is_some_and(|first| pick(first).is_ok()) => {
                Err(Observation::vanished(reason))
            }
            Err(reason) => Err(Observation::not_observed(reason)),
        }
    }

    /// How much a counter grew over the timed part. Errors: as [`Self::all_of`].
    fn growth(
        &self,
        readings: &'a [MachineReading],
        pick: impl Fn(&'a MachineReading) -> Result<u64, String>,
    ) -> Result<u64, Observation> {
        let ends = [readings.first(), readings.last()].into_iter().flatten();
        let values = self.all_of(ends, pick)?;
        let [before, after] = values[..] else {
            return Err(Observation::not_observed("there is no reading"));
        };
        Ok(after.saturating_sub(before))
    }

    /// The address of the GPU that worked most for the worker, where its counters show it.
    fn worked_on(&self) -> Option<&'a str> {
        let readings = self.log.readings.iter().rev();
        let last =
            readings.filter_map(|reading| reading.worker_gpus.value()).find(|gpus| !gpus.is_empty())?;
        last.iter().max_by_key(|gpu| gpu.work()).map(|gpu| gpu.pci_address.as_str())
    }

    /// The GPU that was measured, in one reading. Errors: when it is not there, or there are several and none
    /// is known to be it.
    fn gpu<'r>(&self, reading: &'r MachineReading) -> Result<&'r GpuReading, String> {
        let gpus = known(&reading.gpus)?;
        match (self.worked_on(), &gpus[..]) {
            (Some(address), gpus) => {
                let found = gpus.iter().find(|gpu| gpu.pci_address == address);
                found.ok_or_else(|| format!("the GPU at `{address}` is not listed"))
            }
            (None, [only]) => Ok(only),
            (None, _) => Err("there are several GPUs, and it is not known which one worked".to_owned()),
        }
    }
}

fn known<T>(observed: &Observed<T>) -> Result<&T, String> {
    observed.known().map_err(|unavailable| unavailable.reason)
}

/// A process and every guard's word on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessFindings {
    /// Which measured process, from 0.
    pub process: usize,
    /// In the order of the guards.
    pub findings: Vec<GuardFinding>,
}

impl ProcessFindings {
    /// Whether the process's times are invalid.
    pub fn is_invalid(&self) -> bool {
        self.findings.iter().any(GuardFinding::invalidates)
    }
}

/// Judges every measured process of which there are readings, against the first of them.
pub fn of_record(record: &Arm) -> Vec<ProcessFindings> {
    let device = record.device.ran.as_ref().map_or(DeviceKind::Cpu, ProvenDevice::kind);
    let measured = record.measured_processes();
    let guarded: Vec<(usize, ProcessGuards<'_>)> = measured
        .filter_map(|process| {
            let log = process.guards.as_ref()?;
            Some((process.index, ProcessGuards { log, device, timed: timed_part(record, process) }))
        })
        .collect();
    let first = guarded.first().map(|(_, first)| first);
    let findings = guarded.iter().enumerate().map(|(at, (process, guards))| ProcessFindings {
        process: *process,
        findings: of_process(guards, first.filter(|_| at > 0)),
    });
    findings.collect()
}

/// From the first timed generation of a process to the end of its last; None where it has no times.
pub fn timed_part(record: &Arm, process: &ProcessRecord) -> Option<TimeSpan> {
    let own = record.measured_samples().filter(|sample| sample.process == process.index);
    let (start_ns, end_ns) = SampleRecord::span(own)?;
    Some(TimeSpan { start_ns, end_ns })
}

/// The energy of the processor's packages, an integrated GPU included, over a process's timed part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnergyUse {
    /// Joules.
    pub joules: f64,
    /// Over this time, ns: whole readings, so a little more than the timed part.
    pub over_ns: u64,
}

/// Adds up each package's counter from reading to reading; one that fell began again at its range. Absent is
/// absent, never 0.
pub fn energy(process: &ProcessGuards<'_>) -> Observed<EnergyUse> {
    if let Some(reason) = process.uncovered_reason() {
        return Observed::not(reason);
    }
    let readings = process.around();
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
        return Observed::not("there is no reading");
    };
    if first.at_ns == last.at_ns {
        return Observed::not("there is only one reading");
    }
    let mut microjoules: u64 = 0;
    for pair in readings.windows(2) {
        let (before, after) = match (pair[0].energy_microjoules.known(), pair[1].energy_microjoules.known()) {
            (Ok(before), Ok(after)) => (before, after),
            (Err(unavailable), _) | (_, Err(unavailable)) => return Observed::not(unavailable.reason),
        };
        if before.packages() != after.packages() {
            return Observed::not("a package's counter was not there at every reading");
        }
        for (zone, from) in before.iter() {
            let range = || process.log.facts.energy_range_microjoules.known().map(|range| range.of(zone));
            match after.of(zone).map(|to| growth(from, to, range)) {
                Some(Ok(used)) => microjoules = microjoules.saturating_add(used),
                Some(Err(reason)) => return Observed::not(reason),
                None => {
                    return Observed::not(format!("the counter of `{zone}` was not there at every reading"));
                }
            }
        }
    }
    let over_ns = last.at_ns.saturating_sub(first.at_ns);
    Observed::Observed(EnergyUse { joules: microjoules as f64 / 1e6, over_ns })
}

/// How much a counter grew; one that fell began again at its range.
fn growth(
    before: u64,
    after: u64,
    range: impl FnOnce() -> Result<Option<u64>, Unavailable>,
) -> Result<u64, String> {
    if let Some(grown) = after.checked_sub(before) {
        return Ok(grown);
    }
    match range() {
        Ok(Some(range)) if range >= before => Ok((range - before).saturating_add(after)),
        Ok(Some(range)) => {
            Err(format!("the counter fell from `{before}`, which is beyond its range of `{range}`"))
        }
        Ok(None) => Err("the counter began again, and where is not known".to_owned()),
        Err(unavailable) => Err(format!("the counter began again, and where is not known: {unavailable}")),
    }
}
