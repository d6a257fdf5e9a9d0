//! The guards' words on the measured processes of a record.

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::{GuardFinding, ProcessGuards, TimeSpan, of_process};
use crate::measure::Role;
use crate::measure::supervisor::Purpose;
use crate::record::{Arm, ProcessRecord, ProvenDevice};

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
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.findings.iter().any(GuardFinding::invalidates)
    }
}

/// Judges every measured process of which there are readings, against the first of them.
#[must_use]
pub fn of_record(record: &Arm) -> Vec<ProcessFindings> {
    let device = record.device.ran.as_ref().map_or(DeviceKind::Cpu, ProvenDevice::kind);
    let measured = record.processes.iter().filter(|process| process.purpose == Purpose::Measured);
    let guarded: Vec<Guarded> = measured
        .filter_map(|process| {
            let log = process.guards.as_ref()?;
            let timed = timed_part(record, process);
            Some(Guarded { process: process.index, guards: ProcessGuards { log, device, timed } })
        })
        .collect();
    let first = guarded.first().map(|first| first.guards);
    let words = guarded.iter().enumerate().map(|(at, guarded)| ProcessFindings {
        process: guarded.process,
        findings: of_process(&guarded.guards, first.as_ref().filter(|_| at > 0)),
    });
    words.collect()
}

struct Guarded<'a> {
    process: usize,
    guards: ProcessGuards<'a>,
}

/// From the first timed generation of a process to the end of its last; None where it has no times.
#[must_use]
pub fn timed_part(record: &Arm, process: &ProcessRecord) -> Option<TimeSpan> {
    let samples = record.samples.iter();
    let measured = samples.filter(|sample| sample.process == process.index && sample.role == Role::Measured);
    let times: Vec<_> = measured.filter_map(|sample| sample.times.as_ref()).collect();
    let start_ns = times.iter().map(|times| times.submitted_ns).min()?;
    let end_ns = times.iter().filter_map(|times| times.token_ns.last().copied()).max()?;
    Some(TimeSpan { start_ns, end_ns })
}
