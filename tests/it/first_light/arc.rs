//! What a walk on an Arc 140V would have seen, were all as it is claimed. No such walk was made.

use arcgauge::engine::openvino::DeviceFacts;
use arcgauge::golden::GoldenResult;
use arcgauge::judge::first_light::{Evidence, StepSeen};
use arcgauge::measure::Metric;
use arcgauge::measure::guard::{GpuReading, GuardLog, MachineReading, Phase, WorkerGpuUse};
use arcgauge::measure::protocol::CacheState;
use arcgauge::measure::supervisor::Purpose;
use arcgauge::record::first_light::{
    Check, CrossCheckLook, CrossCheckedAnswer, GpuOnBus, MachineLook, RenderNode, RuntimeDevice, RuntimeLook,
    StatesLook, Trial,
};
use arcgauge::record::{
    Arm, Experiment, LoadRecord, ModelFile, PlanKind, ProcessRecord, PublishedValue, Round, SampleRecord,
    Verdict,
};
use arcgauge::sys::fdinfo::OtherGpuUse;
use arcgauge::sys::{MemoryReading, Observed};

use crate::{forged, forged_ab, forged_pairs};

const ID: &str = "8086:64a0";

/// Everything that every claim needs.
pub(super) fn evidence() -> Evidence {
    Evidence {
        arc_140v: forged::published().device,
        requested: "GPU".into(),
        machine: StepSeen::Reported(machine()),
        doctor: StepSeen::Reported(doctor()),
        bench: StepSeen::Reported(bench()),
        states: StepSeen::Reported(states()),
        cross_check: StepSeen::Reported(cross_check()),
        against_itself: StepSeen::Reported(against_itself()),
        peers: StepSeen::Reported(peers()),
    }
}

fn machine() -> MachineLook {
    let device = |name: &str, facts| RuntimeDevice { name: name.into(), facts };
    let gpu = DeviceFacts {
        full_name: Some("Intel(R) Graphics [0x64a0] (iGPU)".into()),
        vendor: Some("Intel(R) Corporation".into()),
        pci_id: Some(ID.into()),
        execution_units: Some(64),
        driver_version: Some("25.18".into()),
        memory_bytes: Some(18_200_000_000),
        ..DeviceFacts::default()
    };
    MachineLook {
        gpus: vec![GpuOnBus {
            pci_id: ID.into(),
            driver: Some("xe".into()),
            render_nodes: vec![RenderNode { name: "renderD128".into(), refused_reason: None }],
        }],
        runtime: Observed::Observed(RuntimeLook {
            version: "2026.4.1".into(),
            devices: vec![device("CPU", DeviceFacts::default()), device("GPU", gpu)],
        }),
        guards: guards(),
    }
}

fn doctor() -> Vec<Check> {
    let subjects =
        ["device GPU", "intel gpu", "render node", "opencl loader", "opencl driver", "gpu in openvino"];
    subjects.map(|subject| Check::ok(subject, "fine")).to_vec()
}

fn bench() -> Experiment {
    let mut record = forged::record();
    record.arms[0].device = forged::arc(Some(true));
    record.machine.gpu_pci_ids = vec![ID.into()];
    let runtime = record.arms[0].runtime.as_mut().unwrap();
    for property in ["INFERENCE_PRECISION_HINT", "KV_CACHE_PRECISION"] {
        runtime.properties_requested.insert(property.into(), "f16".into());
        runtime.properties_effective.insert(property.into(), "f16".into());
    }
    record.arms[0].model.files = vec![ModelFile {
        path: "openvino_model.bin".into(),
        size_bytes: 12_800_000_000,
        sha256: "0".repeat(64),
    }];
    record.arms[0].prompts[0].golden = GoldenResult::Match;
    record.arms[0].processes = vec![process(Purpose::CacheWarmUp), process(Purpose::Measured)];
    record
}

fn process(purpose: Purpose) -> ProcessRecord {
    let mut process = forged::process();
    let primes = purpose == Purpose::CacheWarmUp;
    process.purpose = purpose;
    process.load = Some(LoadRecord {
        load_ns: if primes { 180_000_000_000 } else { 12_000_000_000 },
        compiled_model_cache: if primes { CacheState::Cold } else { CacheState::Warm },
        loaded_from_cache: Some(!primes),
    });
    let resident = |phase: &mut MemoryReading| phase.device_resident_bytes = Some(13 << 30);
    let memory = &mut process.memory;
    [&mut memory.load, &mut memory.prefill, &mut memory.decode].into_iter().for_each(resident);
    process.device_memory_bytes = Some(13 << 30);
    process.guards = Some(guards());
    process
}

/// Readings of a machine that reports its GPU while the worker runs: four readings.
pub(super) fn guards() -> GuardLog {
    let mut log = forged_pairs::guard_log(0, true);
    let first = log.readings[0].clone();
    log.readings = (0..4).map(|at| reading(&first, at)).collect();
    log
}

fn reading(like: &MachineReading, at: u32) -> MachineReading {
    MachineReading {
        at_ns: u64::from(at) * 1_000_000_000,
        phase: Phase::During,
        gpus: Observed::Observed(vec![GpuReading {
            pci_address: "0000:00:02.0".into(),
            actual_mhz: Observed::Observed(1900 + at),
            requested_mhz: Observed::Observed(2050),
            throttled_by: Observed::Observed(if at == 2 { vec!["pl1".into()] } else { Vec::new() }),
        }]),
        worker_gpus: Observed::Observed(vec![WorkerGpuUse {
            pci_address: "0000:00:02.0".into(),
            clients: 1,
            busy_cycles: [("ccs".to_owned(), 1000 * u64::from(at))].into(),
            busy_ns: [].into(),
            resident_bytes: Some(13 << 30),
        }]),
        other_gpu: Observed::Observed(OtherGpuUse {
            clients: 1,
            busy_share: Some(0.01),
            hidden_processes: 3,
        }),
        energy_microjoules: Observed::Observed((1_000_000 + u64::from(at)).into()),
        ..like.clone()
    }
}

fn states() -> StatesLook {
    let held = |what: &str| Trial::Held(what.into());
    StatesLook {
        ran: "GPU".into(),
        count: Some(48),
        read: held("48 states of shape (1, 8, 20, 64) in f16 were read"),
        reset: held("all states hold 0 tokens after a reset"),
        put_back: held("8 tokens came out the same after the states were put back"),
    }
}

fn cross_check() -> CrossCheckLook {
    let answer = CrossCheckedAnswer {
        prompt_id: "fibonacci".into(),
        tokens: 200,
        other_preferred: 1,
        largest_logit_margin: 0.03,
        widest_at: Some(17),
    };
    CrossCheckLook { limit_logit: 0.5, answers: vec![answer] }
}

fn against_itself() -> Experiment {
    let mut record = forged_ab::ab(Verdict::Pass);
    for side in &mut record.arms {
        side.device = forged::arc(Some(true));
    }
    record
}

/// Four engines in three rounds, of which paged attention takes a tenth less for each token, and a compressed
/// cache another twentieth.
pub(crate) fn peers() -> Experiment {
    let published = |series: &str, value| PublishedValue {
        baseline: None,
        series: series.into(),
        metric: Metric::EndToEndThroughput,
        value,
    };
    let engine = |requested: &str, host_loop: &str, attention: &str, per_token| Arm {
        label: requested.into(),
        host_loop: host_loop.into(),
        attention: Some(attention.into()),
        ..in_rounds(per_token)
    };
    Experiment {
        run_id: "cdcdcdcdcdcd".into(),
        when_utc: "2026-11-24T06:00:00Z".into(),
        plan: PlanKind::Peers,
        arms: vec![
            engine("stateful", "arcgauge", "sdpa", [1.0; 3]),
            engine("genai", "openvino_genai", "sdpa", [1.0; 3]),
            engine("genai-pa", "openvino_genai", "paged", [0.89, 0.90, 0.91]),
            compressed(engine("genai-pa-i8", "openvino_genai", "paged", [0.845, 0.855, 0.865])),
        ],
        rounds: vec![Round { order: vec![0, 1, 2, 3] }; 3],
        published_engines: vec![
            published("optimum-intel", 21.24),
            published("openvino_genai LLMPipeline", 27.0),
        ],
        ..forged::record()
    }
}

/// The engine with a KV cache of 8 bits.
fn compressed(mut engine: Arm) -> Arm {
    let runtime = engine.runtime.as_mut().unwrap();
    runtime.properties_effective.insert("KV_CACHE_PRECISION".into(), "i8".into());
    engine.differences = vec!["KV_CACHE_PRECISION=i8".into()];
    engine
}

/// The run with a process for each round, which takes so many times as long for each token.
fn in_rounds(per_token: [f64; 3]) -> Arm {
    let mut run = bench().arms.remove(0);
    let mut process = process(Purpose::Measured);
    process.guards = Some(forged_pairs::guard_log(0, true));
    let sample = run.samples.remove(0);
    run.processes.clear();
    for (index, factor) in per_token.into_iter().enumerate() {
        run.processes.push(ProcessRecord { index, ..process.clone() });
        let mut of_round = SampleRecord { process: index, ..sample.clone() };
        let times = of_round.times.as_mut().unwrap();
        let stretched = |ns: u64| forged_pairs::whole_ns(ns as f64 * factor);
        let from_ns = times.submitted_ns;
        times.token_ns = times.token_ns.iter().map(|ns| from_ns + stretched(*ns - from_ns)).collect();
        times.infer_ns = times.infer_ns.iter().map(|ns| stretched(*ns)).collect();
        run.samples.push(of_round);
    }
    run
}
