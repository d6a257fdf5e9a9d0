//! Makes invented records agree with themselves: processes one after another on one clock, generations in their
//! windows, readings beside them, and a device that follows from both.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arcgauge::engine::openvino::DeviceKind;
use arcgauge::measure::Role;
use arcgauge::measure::guard::{GuardLog, MachineReading, Phase, WorkerGpuUse};
use arcgauge::measure::supervisor::Purpose;
use arcgauge::record::{Arm, Experiment, Machine, Outcome, PlanKind, ProcessRecord, ProofGrade, Round};
use arcgauge::sys::Observed;

use crate::forged_pairs::guard_log;

const MILLISECOND: u64 = 1_000_000;
/// A reading comes at least so often, ns.
const INTERVAL: u64 = 30_000 * MILLISECOND;

/// Readings of a machine that reports nothing.
static UNOBSERVED: LazyLock<GuardLog> = LazyLock::new(|| {
    let mut log = guard_log(0, true);
    for reading in &mut log.readings {
        (reading.pages_swapped_in, reading.is_on_ac_power) =
            (Observed::not("a test"), Observed::not("a test"));
    }
    log
});

/// A record, its processes in the order of its rounds. The rounds of `bench` are its measured processes.
pub(crate) fn record(record: &mut Experiment) {
    if let (PlanKind::Bench, [arm]) = (record.plan, record.arms.as_mut_slice()) {
        // Whichever of both a test has set.
        if arm.outcome == Outcome::Complete {
            (arm.outcome, arm.failure) = (record.outcome, record.failure.clone());
        }
        (record.outcome, record.failure) = (arm.outcome, arm.failure.clone());
        if matches!(arm.outcome, Outcome::Failed | Outcome::Interrupted | Outcome::NotMeasured) {
            arm.samples.iter_mut().for_each(|sample| sample.times = None);
        }
        let order: Vec<String> = arm.workload.prompts.iter().map(|prompt| prompt.id.clone()).collect();
        arm.prompts.sort_by_key(|judged| order.iter().position(|id| *id == judged.id));
        let measured = arm.processes.iter().filter(|process| process.purpose == Purpose::Measured);
        record.rounds = measured.map(|_| Round { order: vec![0] }).collect();
    }
    let mut clock = MILLISECOND;
    let mut next = vec![0; record.arms.len()];
    let all = Round { order: (0..record.arms.len()).collect() };
    // Those that are of no round come last.
    let rest = record.arms.iter().map(|arm| arm.processes.len()).max().unwrap_or_default();
    for round in record.rounds.clone().iter().chain(std::iter::repeat_n(&all, rest)) {
        for arm in &round.order {
            let run = &mut record.arms[*arm];
            while let Some(of_arm) = run.processes.get(next[*arm]) {
                let is_measured = of_arm.purpose == Purpose::Measured;
                process(run, next[*arm], &mut clock);
                next[*arm] += 1;
                if is_measured {
                    break;
                }
            }
        }
    }
    for arm in &mut record.arms {
        device(arm, &mut record.machine);
    }
}

/// Moves a process of a run to where the clock is, with its generations in the order in which they are made.
fn process(run: &mut Arm, at: usize, clock: &mut u64) {
    let Arm { processes, samples, workload, .. } = run;
    let process = &mut processes[at];
    process.started_ns = Some(*clock);
    *clock += MILLISECOND;
    let prompts = workload.prompts.len().max(1);
    if process.purpose == Purpose::Measured {
        let order = (0..workload.prompts.len()).map(|place| (place + process.index) % prompts);
        process.prompt_order = order.map(|prompt| workload.prompts[prompt].id.clone()).collect();
        let mut generated_ns = 0;
        for (role, ids) in [
            (Role::WarmUp, &process.prompt_order[..process.prompt_order.len().min(1)]),
            (Role::Measured, &process.prompt_order[..]),
        ] {
            for id in ids {
                let of_prompt = samples.iter_mut().filter(|sample| {
                    (sample.process, sample.role) == (process.index, role) && sample.prompt_id == *id
                });
                for times in of_prompt.filter_map(|sample| sample.times.as_mut()) {
                    let moved = clock.wrapping_sub(times.submitted_ns);
                    times.submitted_ns = *clock;
                    let mut before_ns = *clock;
                    for (known_ns, infer_ns) in times.token_ns.iter_mut().zip(&mut times.infer_ns) {
                        *known_ns = known_ns.wrapping_add(moved);
                        *infer_ns = (*infer_ns).min(*known_ns - before_ns);
                        before_ns = *known_ns;
                    }
                    let took_ns = times.token_ns.last().map_or(0, |last| last - *clock);
                    generated_ns += if role == Role::Measured { took_ns } else { 0 };
                    *clock += took_ns + MILLISECOND;
                }
            }
        }
        process.processor_ns = Some(generated_ns);
    }
    *clock += MILLISECOND;
    process.ended_ns = Some(*clock);
    *clock += MILLISECOND;
    readings(process);
}

/// Spreads the readings of a process over its window: those that it has, or of a machine that reports nothing.
pub(crate) fn readings(process: &mut ProcessRecord) {
    let log = process.guards.get_or_insert_with(|| UNOBSERVED.clone());
    let (Some(started_ns), Some(ended_ns)) = (process.started_ns, process.ended_ns) else { return };
    let before = MachineReading { at_ns: started_ns, ..log.readings[0].clone() };
    let after = MachineReading { at_ns: ended_ns, ..log.readings.last().unwrap().clone() };
    let during = (started_ns + INTERVAL..ended_ns).step_by(usize::try_from(INTERVAL).unwrap());
    let during = during.map(|at_ns| MachineReading { at_ns, phase: Phase::During, ..before.clone() });
    let between: Vec<MachineReading> = during.collect();
    log.readings = [vec![before], between, vec![after]].concat();
}

/// The machine has the GPU that is said to have run, and its counters show as much as is said.
fn device(run: &mut Arm, machine: &mut Machine) {
    let Some(ran) = run.device.ran.clone() else { return };
    let is_proven = ran.grade() == ProofGrade::PropertyAndCounters;
    if ran.kind() == DeviceKind::Cpu {
        if !is_proven {
            run.processes.iter_mut().for_each(|process| process.processor_ns = None);
        }
        return;
    }
    let id = ran.facts().pci_id.clone().unwrap_or_else(|| "8086:64a0".to_owned());
    if !machine.gpu_pci_ids.contains(&id) && ran.facts().emulated_reason.is_none() {
        machine.gpu_pci_ids.push(id);
    }
    let logs = run.processes.iter_mut().filter_map(|process| process.guards.as_mut());
    for reading in logs.flat_map(|log| log.readings.iter_mut()) {
        let work = if reading.phase == Phase::Before { 0 } else { 1_000_000 };
        if is_proven {
            reading.worker_gpus = Observed::Observed(vec![WorkerGpuUse {
                pci_address: "0000:00:02.0".to_owned(),
                clients: 1,
                busy_cycles: BTreeMap::from([("ccs".to_owned(), work)]),
                busy_ns: BTreeMap::new(),
                resident_bytes: None,
            }]);
        }
    }
}
