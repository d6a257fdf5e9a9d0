//! The evidence of each claim, fault in every way.

use std::collections::BTreeMap;

use arcgauge::golden::GoldenResult;
use arcgauge::judge::first_light::Answer::{self, No, NotObserved};
use arcgauge::judge::first_light::{Evidence, StepSeen};
use arcgauge::measure::guard::MachineReading;
use arcgauge::measure::protocol::CacheState;
use arcgauge::measure::supervisor::Purpose;
use arcgauge::record::first_light::{CheckStatus, MachineLook, RuntimeLook, StatesLook, Trial};
use arcgauge::record::{Experiment, Outcome, ProcessRecord, SampleRecord, Verdict};
use arcgauge::sys::Observed;

use crate::forged;

/// A claim, what is fault with its evidence, and what it comes to.
pub(super) struct Row {
    pub(super) claim: &'static str,
    pub(super) fault: fn(&mut Evidence),
    pub(super) answer: Answer,
    pub(super) reason: &'static str,
}

pub(super) const fn row(
    claim: &'static str,
    fault: fn(&mut Evidence),
    answer: Answer,
    reason: &'static str,
) -> Row {
    Row { claim, fault, answer, reason }
}

/// Every way in which the evidence of a claim can be missing or wrong; those of engines side by side are in `engine_faults`.
pub(super) const ROWS: &[Row] = &[
    row("pci-bus", |it| machine(it).gpus.clear(), No, "OpenVINO lists `GPU`"),
    row("pci-bus", |it| bench(it).machine.gpu_pci_ids.clear(), No, "the record's machine has nothing"),
    row("kernel-driver", |it| machine(it).gpus[0].driver = None, No, "no driver holds"),
    row("kernel-driver", |it| machine(it).gpus[0].driver = Some("vfio-pci".into()), No, "`vfio-pci`"),
    row("render-node", |it| machine(it).gpus[0].render_nodes.clear(), No, "no render node"),
    row(
        "render-node",
        |it| machine(it).gpus[0].render_nodes[0].refused_reason = Some("Permission denied".into()),
        No,
        "`renderD128` does not open: Permission denied",
    ),
    row("openvino-lists-gpu", |it| openvino(it).devices.truncate(1), No, "lists `CPU`, though"),
    row(
        "openvino-lists-gpu",
        |it| machine(it).runtime = Observed::not("no library"),
        NotObserved,
        "no library",
    ),
    row(
        "openvino-lists-gpu",
        |it| openvino(it).devices[1].facts.full_name = None,
        No,
        "a GPU without a name",
    ),
    row("arc-140v", |it| openvino(it).devices[1].facts.pci_id = None, No, "no GPU with that PCI id"),
    row("arc-140v", |it| openvino(it).devices[1].facts.execution_units = None, No, "no execution units"),
    row(
        "arc-140v",
        |it| openvino(it).devices[1].facts.execution_units = Some(56),
        NotObserved,
        "no Arc 140V",
    ),
    row("arc-140v", |it| machine(it).gpus[0].pci_id = "8086:e20b".into(), NotObserved, "another GPU"),
    row(
        "doctor-gpu",
        |it| reported(&mut it.doctor)[2].status = CheckStatus::Warn,
        No,
        "`warn` of `render node`",
    ),
    row("doctor-gpu", |it| reported(&mut it.doctor).clear(), No, "says nothing of it"),
    row("doctor-gpu", |it| bench(it).arms[0].device.ran = None, NotObserved, "no GPU ran"),
    row(
        "gpu-decodes",
        |it| {
            bench(it).arms[0].device.ran = None;
            fails(bench(it), "the driver hung");
        },
        No,
        "the driver hung",
    ),
    row("gpu-decodes", |it| it.bench = StepSeen::Failed("no room in memory".into()), No, "no room in memory"),
    row(
        "gpu-decodes",
        |it| it.bench = StepSeen::NotRun("`--without bench`".into()),
        NotObserved,
        "`--without bench`",
    ),
    row(
        "device-proof",
        |it| bench(it).arms[0].device = forged::arc(None),
        NotObserved,
        "reported by OpenVINO alone",
    ),
    row(
        "device-proof",
        |it| {
            bench(it).arms[0].device.ran = None;
            fails(bench(it), "the counters say that it did not");
        },
        No,
        "the counters say that it did not",
    ),
    row(
        "gpu-counters",
        |it| readings(it, |reading| reading.worker_gpus = Observed::not("no fdinfo")),
        NotObserved,
        "no fdinfo",
    ),
    row(
        "gpu-counters",
        |it| readings(it, |reading| reading.worker_gpus = Observed::Observed(Vec::new())),
        No,
        "no client",
    ),
    row(
        "gpu-counters",
        |it| {
            readings(it, |reading| {
                let Observed::Observed(gpus) = &mut reading.worker_gpus else { panic!() };
                gpus[0].busy_cycles.clear();
            });
        },
        No,
        "stayed at 0",
    ),
    row(
        "f16-inference",
        |it| drop(effective(it).insert("INFERENCE_PRECISION_HINT".into(), "f32".into())),
        No,
        "`f32`",
    ),
    row(
        "f16-inference",
        |it| drop(effective(it).remove("INFERENCE_PRECISION_HINT")),
        NotObserved,
        "does not report",
    ),
    row(
        "f16-kv-cache",
        |it| drop(effective(it).insert("KV_CACHE_PRECISION".into(), "i8".into())),
        No,
        "`i8`",
    ),
    row(
        "f16-kv-cache",
        |it| {
            let requested = &mut bench(it).arms[0].runtime.as_mut().unwrap().properties_requested;
            requested.insert("KV_CACHE_PRECISION".into(), "u8".into());
        },
        NotObserved,
        "`KV_CACHE_PRECISION=u8` was requested",
    ),
    row("kv-states-read", |it| states(it).count = Some(47), No, "not 48"),
    row("kv-states-read", |it| states(it).read = Trial::Failed("compressed".into()), No, "compressed"),
    row(
        "kv-states-read",
        |it| it.states = StepSeen::Failed("the model did not load".into()),
        NotObserved,
        "did not load",
    ),
    row("kv-states-reset", |it| states(it).reset = Trial::Failed("3 left".into()), No, "3 left"),
    row("kv-states-put-back", |it| states(it).put_back = Trial::Failed("another".into()), No, "another"),
    row(
        "kv-states-put-back",
        |it| states(it).put_back = Trial::NotTried("not empty".into()),
        NotObserved,
        "not empty",
    ),
    row(
        "tokens-cross-check",
        |it| reported(&mut it.cross_check).answers[0].largest_logit_margin = 0.6,
        No,
        "at token 17 of `fibonacci`",
    ),
    row("tokens-cross-check", |it| reported(&mut it.cross_check).answers.clear(), NotObserved, "no answer"),
    row(
        "gpu-clock",
        |it| readings(it, |reading| reading.gpus = Observed::not("no card")),
        NotObserved,
        "no card",
    ),
    row(
        "gpu-clock",
        |it| {
            readings(it, |reading| {
                let Observed::Observed(gpus) = &mut reading.gpus else { panic!() };
                gpus[0].actual_mhz = Observed::Observed(0);
            });
        },
        No,
        "0 MHz while a GPU ran",
    ),
    row(
        "gpu-throttle",
        |it| {
            readings(it, |reading| {
                let Observed::Observed(gpus) = &mut reading.gpus else { panic!() };
                gpus[0].throttled_by = Observed::not("no reasons");
            });
        },
        NotObserved,
        "no reasons",
    ),
    row(
        "other-gpu-clients",
        |it| readings(it, |reading| reading.other_gpu = Observed::not("no processes")),
        NotObserved,
        "no processes",
    ),
    row(
        "other-gpu-clients",
        |it| {
            readings(it, |reading| {
                let Observed::Observed(others) = &mut reading.other_gpu else { panic!() };
                others.clients = 0;
            });
        },
        NotObserved,
        "3 processes may not be looked at",
    ),
    row(
        "energy",
        |it| readings(it, |reading| reading.energy_microjoules = Observed::not("root alone reads it")),
        NotObserved,
        "root alone reads it",
    ),
    row(
        "energy",
        |it| readings(it, |reading| reading.energy_microjoules = Observed::Observed(7.into())),
        No,
        "stayed at 7",
    ),
    row(
        "memory-by-phase",
        |it| measured(it).memory.prefill.device_resident_bytes = None,
        NotObserved,
        "prefill: the GPU's",
    ),
    row(
        "memory-by-phase",
        |it| {
            let memory = &mut measured(it).memory;
            for phase in [&mut memory.load, &mut memory.prefill, &mut memory.decode] {
                phase.device_resident_bytes = Some(0);
            }
        },
        No,
        "no GPU memory in any phase",
    ),
    row("gpu-memory", |it| measured(it).guards = None, NotObserved, "the kernel reports no GPU memory"),
    row(
        "gpu-memory",
        |it| {
            readings(it, |reading| {
                let Observed::Observed(gpus) = &mut reading.worker_gpus else { panic!() };
                gpus[0].resident_bytes = Some(0);
            });
        },
        No,
        "has no GPU memory",
    ),
    row("cold-load", |it| drop(bench(it).arms[0].processes.remove(0)), NotObserved, "was warm before"),
    row(
        "cold-load",
        |it| bench(it).arms[0].processes[0].exit_reason = "crashed".into(),
        No,
        "ended `crashed`",
    ),
    row(
        "warm-load",
        |it| measured(it).load.as_mut().unwrap().compiled_model_cache = CacheState::Cold,
        No,
        "cold all the same",
    ),
    row("warm-load", |it| measured(it).load = None, NotObserved, "no process loaded from a warm cache"),
    row("whole-model", |it| bench(it).arms[0].model.files[0].size_bytes = 8_000_000, NotObserved, "0.0 GB"),
    row("bench", |it| fails(bench(it), "it crashed"), No, "it crashed"),
    row(
        "bench",
        |it| {
            bench(it).arms[0].outcome = Outcome::WrongOutput;
            bench(it).arms[0].prompts[0].golden = GoldenResult::Break;
        },
        No,
        "its output is wrong: `fibonacci`",
    ),
    row("bench", |it| bench(it).arms[0].outcome = Outcome::Interrupted, NotObserved, "interrupted"),
    row("bench", |it| bench(it).arms[0].samples.iter_mut().for_each(without_times), NotObserved, "no speed"),
    row(
        "against-itself",
        |it| pairs(it).decision.as_mut().unwrap().verdict = Verdict::Regressed,
        No,
        "`regressed`",
    ),
    row(
        "against-itself",
        |it| pairs(it).arms[1].worker.sha256 = Some("9".repeat(64)),
        NotObserved,
        "not the same program",
    ),
    row(
        "against-itself",
        |it| pairs(it).decision.as_mut().unwrap().sensitivity = None,
        NotObserved,
        "too few pairs",
    ),
    row("against-itself", |it| fails_ab(pairs(it)), No, "the head crashed"),
];

fn effective(evidence: &mut Evidence) -> &mut BTreeMap<String, String> {
    &mut bench(evidence).arms[0].runtime.as_mut().unwrap().properties_effective
}

pub(super) fn without_times(sample: &mut SampleRecord) {
    sample.times = None;
}

fn fails_ab(record: &mut Experiment) {
    (record.outcome, record.failure) = (Outcome::Failed, Some("the head crashed".into()));
}

pub(super) fn reported<T>(seen: &mut StepSeen<T>) -> &mut T {
    match seen {
        StepSeen::Reported(reported) => reported,
        StepSeen::Failed(reason) | StepSeen::NotRun(reason) => panic!("{reason}"),
    }
}

fn machine(evidence: &mut Evidence) -> &mut MachineLook {
    reported(&mut evidence.machine)
}

pub(super) fn openvino(evidence: &mut Evidence) -> &mut RuntimeLook {
    match &mut machine(evidence).runtime {
        Observed::Observed(runtime) => runtime,
        Observed::NotObserved { reason } => panic!("{reason}"),
    }
}

pub(super) fn bench(evidence: &mut Evidence) -> &mut Experiment {
    reported(&mut evidence.bench)
}

pub(super) fn states(evidence: &mut Evidence) -> &mut StatesLook {
    reported(&mut evidence.states)
}

pub(super) fn pairs(evidence: &mut Evidence) -> &mut Experiment {
    reported(&mut evidence.against_itself)
}

fn measured(evidence: &mut Evidence) -> &mut ProcessRecord {
    bench(evidence).arms[0].processes.iter_mut().find(|it| it.purpose == Purpose::Measured).unwrap()
}

fn readings(evidence: &mut Evidence, change: impl Fn(&mut MachineReading)) {
    measured(evidence).guards.as_mut().unwrap().readings.iter_mut().for_each(change);
}

fn fails(record: &mut Experiment, reason: &str) {
    (record.outcome, record.failure) = (Outcome::Failed, Some(reason.into()));
    let arm = &mut record.arms[0];
    (arm.outcome, arm.failure) = (record.outcome, record.failure.clone());
    arm.samples.clear();
}
