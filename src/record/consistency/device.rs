//! Device: the grade of the claim follows from the readings, and the machine has the device.

use crate::engine::openvino::DeviceKind;
use crate::measure::Role;
use crate::measure::supervisor::Purpose;
use crate::record::consistency::{ArmAt, Found};
use crate::record::{ProofGrade, ProvenDevice};

pub(super) fn check(arm: &ArmAt<'_>, found: &mut Found) {
    if !arm.has_figures() {
        return;
    }
    let Some(ran) = &arm.run.device.ran else {
        found.add(arm.field("device.ran"), "null", "the run has figures");
        return;
    };
    if arm.run.runtime.is_none() {
        found.add(arm.field("runtime"), "null", "the run has figures");
    }
    // An emulated device has no counters of its own, and decides nothing.
    if ran.facts().emulated_reason.is_some() {
        return;
    }
    if let Some(other) = arm.experiment.machine.lacks(ran) {
        found.add(arm.field("device.ran"), ran.execution_devices(), other);
    }
    // Without its times it is not known what the counters are to be read for.
    if arm.run.samples.iter().any(|sample| sample.times.is_none()) {
        return;
    }
    let worked = match ran.kind() {
        DeviceKind::Gpu => gpu_worked(arm),
        DeviceKind::Cpu => ProvenDevice::processor_worked(processor_ns(arm), generation_ns(arm)),
    };
    let grade = |grade: ProofGrade| match grade {
        ProofGrade::Property => "property",
        ProofGrade::PropertyAndCounters => "property-and-counters",
    };
    let by_readings = match worked {
        Some(true) => Some(ProofGrade::PropertyAndCounters),
        None => Some(ProofGrade::Property),
        Some(false) => None,
    };
    if by_readings != Some(ran.grade()) {
        let other = match by_readings {
            Some(by_readings) => format!("the readings of its processes allow `{}`", grade(by_readings)),
            None => "the readings of its processes say that it did not work".to_owned(),
        };
        found.add(arm.field("device.ran.grade"), grade(ran.grade()), other);
    }
}

/// Whether the kernel's counters of every measured process grew over its measured generations; None where they could
/// not be read in one of them.
fn gpu_worked(arm: &ArmAt<'_>) -> Option<bool> {
    let by_process = arm.samples_by_process();
    let measured = arm.run.processes.iter().filter(|process| process.purpose == Purpose::Measured);
    let words = measured.map(|process| {
        let samples = by_process.get(&process.index)?.iter().map(|it| it.sample);
        let times = || {
            let measured = samples.clone().filter(|sample| sample.role == Role::Measured);
            measured.filter_map(|sample| sample.times.as_ref())
        };
        let start_ns = times().map(|times| times.submitted_ns).min()?;
        let end_ns = times().filter_map(|times| times.token_ns.last().copied()).max()?;
        Some(process.guards.as_ref()?.gpu_work(start_ns, end_ns)? > 0)
    });
    words.reduce(|all, one| Some(all? && one?)).flatten()
}

fn processor_ns(arm: &ArmAt<'_>) -> Option<u64> {
    let measured = arm.run.processes.iter().filter(|process| process.purpose == Purpose::Measured);
    measured.map(|process| process.processor_ns).try_fold(0, |sum: u64, ns| Some(sum.saturating_add(ns?)))
}

fn generation_ns(arm: &ArmAt<'_>) -> u64 {
    let measured = arm.run.samples.iter().filter(|sample| sample.role == Role::Measured);
    let times = measured.filter_map(|sample| sample.times.as_ref());
    let lengths = times.filter_map(|times| Some(times.token_ns.last()?.saturating_sub(times.submitted_ns)));
    lengths.fold(0, u64::saturating_add)
}
