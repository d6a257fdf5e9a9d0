//! The proof that the device of the record did the work.

use crate::engine::openvino::DeviceKind;
use crate::error::{Error, Result};
use crate::judge::environment::{Guard, GuardState, ProcessGuards, TimeSpan, of_process};
use crate::measure::Role;
use crate::measure::supervisor::{ProcessFacts, Purpose, Session};
use crate::record::{DeviceEvidence, Machine, ProvenDevice};
use crate::run::assemble::cost::duration_ns;
use crate::run::machine_monitor::Around;

/// The proof of what ran; None where the session did not come so far.
///
/// # Errors
/// When processes ran unlike things, or a device is claimed that did no work.
pub(in crate::run) fn prove(session: &Session, around: &[Around]) -> Result<Option<ProvenDevice>> {
    let measured: Vec<&ProcessFacts> =
        session.processes.iter().filter(|process| process.purpose == Purpose::Measured).collect();
    let whole = measured.iter().all(|process| process.loaded.is_some() && process.samples.len() > 1);
    let Some(first) = measured.first().and_then(|first| first.resolved.as_ref()).filter(|_| whole) else {
        return Ok(None);
    };
    let others = measured.iter().filter_map(|process| process.resolved.as_ref());
    if others.clone().any(|other| other.openvino_build != first.openvino_build || other.facts != first.facts)
    {
        return Err(Error::environment("the processes of the run did not see the same runtime and device")
            .hint("leave drivers and OpenVINO alone while measuring, then measure again"));
    }
    let samples = measured.iter().flat_map(|process| &process.samples);
    let counted = samples.filter(|sample| sample.role == Role::Measured);
    let ran = ProvenDevice::establish(DeviceEvidence {
        target: &first.device,
        execution_devices: measured
            .iter()
            .filter_map(|process| Some(process.loaded.as_ref()?.execution_devices.as_str()))
            .collect(),
        facts: first.facts.clone(),
        gpu_counters_grew: gpu_counters_grew(session, around),
        processor_ns: measured.iter().map(|process| process.processor_ns).sum(),
        generation_ns: counted.map(duration_ns).sum(),
    })?;
    match Machine::of_this_host(None)?.lacks(&ran) {
        Some(why) => {
            Err(Error::environment(format!("`{}` is said to have run: {why}", ran.execution_devices()))
                .hint("run `cargo xtask doctor`"))
        }
        None => Ok(Some(ran)),
    }
}

/// From the first measured generation of a process to the end of its last.
fn measured_part(process: &ProcessFacts) -> Option<TimeSpan> {
    let measured = process.samples.iter().filter(|sample| sample.role == Role::Measured);
    let start_ns = measured.clone().map(|sample| sample.submitted_ns).min()?;
    let end_ns = measured.filter_map(|sample| sample.token_ns.last().copied()).max()?;
    Some(TimeSpan { start_ns, end_ns })
}

/// Whether the kernel's counters of every measured worker say that a GPU worked for it; None where
/// they could not be read in one of them.
fn gpu_counters_grew(session: &Session, around: &[Around]) -> Option<bool> {
    let measured = session.processes.iter().zip(around);
    let words =
        measured.filter(|(process, _)| process.purpose == Purpose::Measured).map(|(process, around)| {
            // What loading and compiling did is no proof of who decodes.
            let timed = Some(measured_part(process)?);
            let guards = ProcessGuards { log: around.guards.as_ref()?, device: DeviceKind::Gpu, timed };
            let findings = of_process(&guards, None);
            let proof = findings.iter().find(|finding| finding.guard == Guard::GpuProof)?;
            match proof.state {
                GuardState::Clean => Some(true),
                GuardState::Tripped => Some(false),
                GuardState::NotObserved | GuardState::Vanished => None,
            }
        });
    words.reduce(|all, one| Some(all? && one?)).flatten()
}
