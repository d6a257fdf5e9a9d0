//! The readings that belong to a process's timed part.

use serde::{Deserialize, Serialize};

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::finding::Observation;
use crate::measure::guard::{GpuReading, GuardLog, MachineReading, Phase};
use crate::sys::Observed;

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
    pub(super) fn around(&self) -> &'a [MachineReading] {
        self.timed.map_or(&self.log.readings[..], |span| self.log.around(span.start_ns, span.end_ns))
    }

    /// The readings inside the timed part, taken while the worker ran.
    pub(super) fn during(&self) -> impl Iterator<Item = &'a MachineReading> + use<'a> {
        let timed = self.timed;
        let is_inside = move |at_ns| timed.is_none_or(|span| (span.start_ns..=span.end_ns).contains(&at_ns));
        let readings = self.log.readings.iter();
        readings.filter(move |reading| reading.phase == Phase::During && is_inside(reading.at_ns))
    }

    /// The reading before the worker was started.
    pub(super) fn before(&self) -> impl Iterator<Item = &'a MachineReading> + use<'a> {
        self.log.readings.iter().filter(|reading| reading.phase == Phase::Before)
    }

    /// Why the timed part is not covered to its end, where it is not.
    pub(super) fn uncovered_reason(&self) -> Option<&'a str> {
        let reason = self.log.cut_short_reason.as_deref()?;
        let reaches = |span: TimeSpan| self.log.readings.iter().any(|reading| reading.at_ns >= span.end_ns);
        (!self.timed.is_some_and(reaches)).then_some(reason)
    }

    /// One thing out of each of these readings.
    ///
    /// # Errors
    /// When there is none, or it is missing in some: vanished, if it was there in the log's first.
    pub(super) fn all_of<T>(
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

    /// How much a counter grew over the timed part.
    ///
    /// # Errors
    /// As [`Self::all_of`].
    pub(super) fn growth(
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

    /// The address of the GPU that worked most for the worker, where its counters tell.
    fn worked_on(&self) -> Option<&'a str> {
        let readings = self.log.readings.iter().rev();
        let last =
            readings.filter_map(|reading| reading.worker_gpus.value()).find(|gpus| !gpus.is_empty())?;
        last.iter().max_by_key(|gpu| gpu.work()).map(|gpu| gpu.pci_address.as_str())
    }

    /// The GPU that was measured, in one reading.
    ///
    /// # Errors
    /// When it is not there, or there are several and none is known to be it.
    pub(super) fn gpu<'r>(&self, reading: &'r MachineReading) -> Result<&'r GpuReading, String> {
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

/// A value, or why there is none, in words.
pub(super) fn known<T>(observed: &Observed<T>) -> Result<&T, String> {
    observed.known().map_err(|unavailable| unavailable.reason)
}
