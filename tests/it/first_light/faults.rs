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

/// A claim, what it comes to and why, and what is fault with its evidence.
pub(super) type Row = (&'static str, Answer, &'static str, fn(&mut Evidence));

/// Every way in which the evidence of a claim can be missing or wrong; those of engines side by side are in `engine_faults`.
pub(super) const ROWS: &[Row] = &[
    ("pci-bus", No, "OpenVINO lists `GPU`", |it| machine(it).gpus.clear()),
    ("pci-bus", No, "the record's machine has nothing", |it| bench(it).machine.gpu_pci_ids.clear()),
    ("kernel-driver", No, "no driver holds", |it| machine(it).gpus[0].driver = None),
    ("kernel-driver", No, "`vfio-pci`", |it| machine(it).gpus[0].driver = Some("vfio-pci".into())),
    ("render-node", No, "no render node", |it| machine(it).gpus[0].render_nodes.clear()),
    ("render-node", No, "`renderD128` does not open: Permission denied", |it| {
        machine(it).gpus[0].render_nodes[0].refused_reason = Some("Permission denied".into());
    }),
    ("openvino-lists-gpu", No, "lists `CPU`, though", |it| openvino(it).devices.truncate(1)),
    ("openvino-lists-gpu", NotObserved, "no library", |it| machine(it).runtime = Observed::not("no library")),
    ("openvino-lists-gpu", No, "a GPU without a name", |it| openvino(it).devices[1].facts.full_name = None),
    ("arc-140v", No, "no GPU with that PCI id", |it| openvino(it).devices[1].facts.pci_id = None),
    ("arc-140v", No, "no execution units", |it| openvino(it).devices[1].facts.execution_units = None),
    ("arc-140v", NotObserved, "no Arc 140V", |it| openvino(it).devices[1].facts.execution_units = Some(56)),
    ("arc-140v", NotObserved, "another GPU", |it| machine(it).gpus[0].pci_id = "8086:e20b".into()),
    ("doctor-gpu", No, "`warn` of `render node`", |it| {
        reported(&mut it.doctor)[2].status = CheckStatus::Warn;
    }),
    ("doctor-gpu", No, "says nothing of it", |it| reported(&mut it.doctor).clear()),
    ("doctor-gpu", NotObserved, "no GPU ran", |it| bench(it).arms[0].device.ran = None),
    ("gpu-decodes", No, "the driver hung", |it| {
        bench(it).arms[0].device.ran = None;
        fails(bench(it), "the driver hung");
    }),
    ("gpu-decodes", No, "no room in memory", |it| it.bench = StepSeen::Failed("no room in memory".into())),
    ("gpu-decodes", NotObserved, "`--without bench`", |it| {
        it.bench = StepSeen::NotRun("`--without bench`".into());
    }),
    ("device-proof", NotObserved, "reported by OpenVINO alone", |it| {
        bench(it).arms[0].device = forged::arc(None);
    }),
    ("device-proof", No, "the counters say that it did not", |it| {
        bench(it).arms[0].device.ran = None;
        fails(bench(it), "the counters say that it did not");
    }),
    ("gpu-counters", NotObserved, "no fdinfo", |it| {
        readings(it, |reading| reading.worker_gpus = Observed::not("no fdinfo"));
    }),
    ("gpu-counters", No, "no client", |it| {
        readings(it, |reading| reading.worker_gpus = Observed::Observed(Vec::new()));
    }),
    ("gpu-counters", No, "stayed at 0", |it| {
        readings(it, |reading| seen(&mut reading.worker_gpus)[0].busy_cycles.clear());
    }),
    ("f16-inference", No, "`f32`", |it| {
        drop(effective(it).insert("INFERENCE_PRECISION_HINT".into(), "f32".into()));
    }),
    ("f16-inference", NotObserved, "does not report", |it| {
        drop(effective(it).remove("INFERENCE_PRECISION_HINT"));
    }),
    ("f16-kv-cache", No, "`i8`", |it| drop(effective(it).insert("KV_CACHE_PRECISION".into(), "i8".into()))),
    ("f16-kv-cache", NotObserved, "`KV_CACHE_PRECISION=u8` was requested", |it| {
        let requested = &mut bench(it).arms[0].runtime.as_mut().unwrap().properties_requested;
        requested.insert("KV_CACHE_PRECISION".into(), "u8".into());
    }),
    ("kv-states-read", No, "not 48", |it| states(it).count = Some(47)),
    ("kv-states-read", No, "compressed", |it| states(it).read = Trial::Failed("compressed".into())),
    ("kv-states-read", NotObserved, "did not load", |it| {
        it.states = StepSeen::Failed("the model did not load".into());
    }),
    ("kv-states-reset", No, "3 left", |it| states(it).reset = Trial::Failed("3 left".into())),
    ("kv-states-put-back", No, "another", |it| states(it).put_back = Trial::Failed("another".into())),
    ("kv-states-put-back", NotObserved, "not empty", |it| {
        states(it).put_back = Trial::NotTried("not empty".into());
    }),
    ("tokens-cross-check", No, "at token 17 of `fibonacci`", |it| {
        reported(&mut it.cross_check).answers[0].largest_logit_margin = 0.6;
    }),
    ("tokens-cross-check", NotObserved, "no answer", |it| reported(&mut it.cross_check).answers.clear()),
    ("gpu-clock", NotObserved, "no card", |it| {
        readings(it, |reading| reading.gpus = Observed::not("no card"));
    }),
    ("gpu-clock", No, "0 MHz while a GPU ran", |it| {
        readings(it, |reading| seen(&mut reading.gpus)[0].actual_mhz = Observed::Observed(0));
    }),
    ("gpu-throttle", NotObserved, "no reasons", |it| {
        readings(it, |reading| seen(&mut reading.gpus)[0].throttled_by = Observed::not("no reasons"));
    }),
    ("other-gpu-clients", NotObserved, "no processes", |it| {
        readings(it, |reading| reading.other_gpu = Observed::not("no processes"));
    }),
    ("other-gpu-clients", NotObserved, "3 processes may not be looked at", |it| {
        readings(it, |reading| seen(&mut reading.other_gpu).clients = 0);
    }),
    ("energy", NotObserved, "root alone reads it", |it| {
        readings(it, |reading| reading.energy_microjoules = Observed::not("root alone reads it"));
    }),
    ("energy", No, "stayed at 7", |it| {
        readings(it, |reading| reading.energy_microjoules = Observed::Observed(7.into()));
    }),
    ("memory-by-phase", NotObserved, "prefill: the GPU's", |it| {
        measured(it).memory.prefill.device_resident_bytes = None;
    }),
    ("memory-by-phase", No, "no GPU memory in any phase", |it| {
        let memory = &mut measured(it).memory;
        for phase in [&mut memory.load, &mut memory.prefill, &mut memory.decode] {
            phase.device_resident_bytes = Some(0);
        }
    }),
    ("gpu-memory", NotObserved, "the kernel reports no GPU memory", |it| measured(it).guards = None),
    ("gpu-memory", No, "has no GPU memory", |it| {
        readings(it, |reading| seen(&mut reading.worker_gpus)[0].resident_bytes = Some(0));
    }),
    ("cold-load", NotObserved, "was warm before", |it| drop(bench(it).arms[0].processes.remove(0))),
    ("cold-load", No, "ended `crashed`", |it| bench(it).arms[0].processes[0].exit_reason = "crashed".into()),
    ("warm-load", No, "cold all the same", |it| {
        measured(it).load.as_mut().unwrap().compiled_model_cache = CacheState::Cold;
    }),
    ("warm-load", NotObserved, "no process loaded from a warm cache", |it| measured(it).load = None),
    ("whole-model", NotObserved, "0.0 GB", |it| bench(it).arms[0].model.files[0].size_bytes = 8_000_000),
    ("bench", No, "it crashed", |it| fails(bench(it), "it crashed")),
    ("bench", No, "its output is wrong: `fibonacci`", |it| {
        bench(it).arms[0].outcome = Outcome::WrongOutput;
        bench(it).arms[0].prompts[0].golden = GoldenResult::Break;
    }),
    ("bench", NotObserved, "interrupted", |it| bench(it).arms[0].outcome = Outcome::Interrupted),
    ("bench", NotObserved, "no speed", |it| bench(it).arms[0].samples.iter_mut().for_each(without_times)),
    ("against-itself", No, "`regressed`", |it| {
        pairs(it).decision.as_mut().unwrap().verdict = Verdict::Regressed;
    }),
    ("against-itself", NotObserved, "not the same program", |it| {
        pairs(it).arms[1].worker.sha256 = Some("9".repeat(64));
    }),
    ("against-itself", NotObserved, "too few pairs", |it| {
        pairs(it).decision.as_mut().unwrap().sensitivity = None;
    }),
    ("against-itself", No, "the head crashed", |it| fails_ab(pairs(it))),
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
    seen(&mut machine(evidence).runtime)
}

fn seen<T>(observed: &mut Observed<T>) -> &mut T {
    match observed {
        Observed::Observed(value) => value,
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
