//! The processes of a round, and what invalidates it: the pairs of an A/B and engines side by side alike.

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::{GuardFinding, ProcessGuards, TimeSpan, between, of_process};
use crate::measure::guard::GuardLog;
use crate::measure::supervisor::Purpose;
use crate::measure::{Role, Sample};
use crate::record::{Arm, Experiment, ProcessRecord, ProvenDevice, SampleRecord};

/// A process of a round, whether it has just run or stands in a record.
#[derive(Debug, Clone)]
pub struct RoundProcess<'a> {
    /// The name of its arm: a side of an A/B, or an engine.
    pub name: &'a str,
    /// Its generations, the warm-up among them.
    pub samples: Vec<Sample>,
    /// What was read of the machine; None where nothing was.
    pub guards: Option<&'a GuardLog>,
    /// What it ran on.
    pub device: DeviceKind,
}

impl RoundProcess<'_> {
    /// Its guards with the part of it that was timed; None where nothing was read.
    fn judged(&self) -> Option<ProcessGuards<'_>> {
        let measured = self.samples.iter().filter(|sample| sample.role == Role::Measured);
        let start_ns = measured.clone().map(|sample| sample.submitted_ns).min();
        let end_ns = measured.filter_map(|sample| sample.token_ns.last().copied()).max();
        let timed = start_ns.zip(end_ns).map(|(start_ns, end_ns)| TimeSpan { start_ns, end_ns });
        Some(ProcessGuards { log: self.guards?, device: self.device, timed })
    }
}

/// Which guards invalidate a round; `first` is the process that the experiment began with.
#[must_use]
pub fn invalidated_by(processes: &[RoundProcess<'_>], first: Option<&RoundProcess<'_>>) -> Vec<String> {
    let first = first.and_then(RoundProcess::judged);
    let judged: Vec<_> =
        processes.iter().filter_map(|process| Some((process.name, process.judged()?))).collect();
    let mut invalidated = Vec::new();
    for (name, guards) in &judged {
        // Load that was there before the first process is others'; later it may be an arm's own.
        let first = first.as_ref().filter(|first| !std::ptr::eq(first.log, guards.log));
        invalidated.extend(troubles(&of_process(guards, first), &format!("on `{name}`")));
    }
    let Some(((one_name, one), others)) = judged.split_first() else { return invalidated };
    for (name, other) in others {
        invalidated.extend(troubles(&between(one, other), &format!("between `{one_name}` and `{name}`")));
    }
    invalidated
}

fn troubles(findings: &[GuardFinding], place: &str) -> Vec<String> {
    let troubles = findings.iter().filter(|finding| finding.invalidates());
    troubles.map(|finding| format!("`{}` {place}: {}", finding.guard.id(), finding.reason)).collect()
}

/// A process of a round as it stands in a record.
pub(in crate::judge) struct Recorded<'a> {
    pub(in crate::judge) arm: &'a Arm,
    pub(in crate::judge) process: &'a ProcessRecord,
    pub(in crate::judge) of_round: RoundProcess<'a>,
}

/// The process that an arm ran in a round; None where it took no part.
pub(in crate::judge) fn recorded(record: &Experiment, round: usize, at: usize) -> Option<Recorded<'_>> {
    let (arm, index) = (record.arms.get(at)?, record.process_of(round, at)?);
    let mut processes = arm.processes.iter();
    let process = processes.find(|it| it.index == index && it.purpose == Purpose::Measured)?;
    let samples = arm.samples.iter().filter(|sample| sample.process == index);
    let of_round = RoundProcess {
        name: record.plan.arm_name(at, &arm.label),
        samples: samples.filter_map(SampleRecord::timed).collect(),
        guards: process.guards.as_ref(),
        device: arm.device.ran.as_ref().map_or(DeviceKind::Cpu, ProvenDevice::kind),
    };
    Some(Recorded { arm, process, of_round })
}

/// The process that the experiment began with.
pub(in crate::judge) fn first_recorded(record: &Experiment) -> Option<Recorded<'_>> {
    recorded(record, 0, *record.rounds.first()?.order.first()?)
}
