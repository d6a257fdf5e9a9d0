//! What a walk on an Arc 140V would have seen, were all as it is claimed. No such walk was made.

use arcgauge::engine::openvino::DeviceFacts;
use arcgauge::golden::GoldenResult;
use arcgauge::judge::first_light::{Evidence, StepSeen};
use arcgauge::measure::fdinfo::OtherGpuUse;
use arcgauge::measure::guard::{GpuReading, GuardLog, MachineReading, Phase, WorkerGpuUse};
use arcgauge::measure::protocol::{CacheState, InferSpan};
use arcgauge::measure::{Metric, Observed};
use arcgauge::record::first_light::{
    CrossCheckLook, CrossCheckedAnswer, DoctorLine, GpuOnBus, MachineLook, RenderNode, RuntimeDevice,
    RuntimeLook, StatesLook, Trial,
};
use arcgauge::record::{
    AbRecord, LoadRecord, MemoryRecord, ModelFile, Outcome, PeerRecord, PeersRecord, ProcessPurpose,
    ProcessRecord, PublishedFigure, RoundRecord, RunRecord, SampleRecord, Verdict,
};

use crate::{forged, forged_ab, forged_pairs};

const ID: &str = "8086:64a0";

/// Everything that every claim needs.
pub(super) fn evidence() -> Evidence {
    Evidence {
        arc_140v: forged::published().device,
        requested: "GPU".into(),
        machine: StepSeen::Told(machine()),
        doctor: StepSeen::Told(doctor()),
        bench: StepSeen::Told(bench()),
        states: StepSeen::Told(states()),
        cross_check: StepSeen::Told(cross_check()),
        against_itself: StepSeen::Told(against_itself()),
        peers: StepSeen::Told(peers()),
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
            render_nodes: vec![RenderNode { name: "renderD128".into(), refused_because: None }],
        }],
        runtime: Observed::Observed(RuntimeLook {
            version: "2026.4.1".into(),
            devices: vec![device("CPU", DeviceFacts::default()), device("GPU", gpu)],
        }),
        guards: guards(),
    }
}

fn doctor() -> Vec<DoctorLine> {
    let subjects =
        ["device GPU", "intel gpu", "render node", "opencl loader", "opencl driver", "gpu in openvino"];
    let line =
        |subject: &str| DoctorLine { word: "ok".into(), subject: subject.into(), found: "fine".into() };
    subjects.map(line).to_vec()
}

fn bench() -> RunRecord {
    let mut record = forged::record();
    record.device = forged::arc(Some(true));
    record.machine.gpu_pci_ids = vec![ID.into()];
    let runtime = record.runtime.as_mut().unwrap();
    for property in ["INFERENCE_PRECISION_HINT", "KV_CACHE_PRECISION"] {
        runtime.properties_asked.insert(property.into(), "f16".into());
        runtime.properties_effective.insert(property.into(), "f16".into());
    }
    record.model.files = vec![ModelFile {
        path: "openvino_model.bin".into(),
        size_bytes: 12_800_000_000,
        sha256: "0".repeat(64),
    }];
    record.prompts[0].golden = GoldenResult::Match;
    record.processes = vec![process(ProcessPurpose::Priming), process(ProcessPurpose::Measured)];
    record
}

fn process(purpose: ProcessPurpose) -> ProcessRecord {
    let mut process = forged::process();
    let primes = purpose == ProcessPurpose::Priming;
    process.purpose = purpose;
    process.load = Some(LoadRecord {
        load_ns: if primes { 180_000_000_000 } else { 12_000_000_000 },
        compiled_model_cache: if primes { CacheState::Cold } else { CacheState::Warm },
        loaded_from_cache: Some(!primes),
    });
    let resident = |phase: &mut MemoryRecord| phase.device_resident_bytes = Some(13 << 30);
    let memory = &mut process.memory;
    [&mut memory.load, &mut memory.prefill, &mut memory.decode].into_iter().for_each(resident);
    process.device_memory_bytes = Some(13 << 30);
    process.guards = Some(guards());
    process
}

/// A log of a machine that tells of its GPU while the worker runs: four readings.
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
        widest_gap_logit: 0.03,
        widest_at: Some(17),
    };
    CrossCheckLook { limit_logit: 0.5, answers: vec![answer] }
}

fn against_itself() -> AbRecord {
    let (mut record, _) = forged_ab::ab(Verdict::Pass);
    for side in [&mut record.base, &mut record.head] {
        side.run.device = forged::arc(Some(true));
    }
    record
}

/// Four engines in three rounds, of which paged attention takes a tenth less for each token, and a compressed
/// cache another twentieth.
pub(super) fn peers() -> PeersRecord {
    let published = |series: &str, value| PublishedFigure {
        series: series.into(),
        metric: Metric::EndToEndThroughput,
        value,
    };
    let engine = |asked: &str, host_loop: &str, attention: &str, per_token| PeerRecord {
        asked: asked.into(),
        host_loop: host_loop.into(),
        attention: Some(attention.into()),
        infer_span: InferSpan::Inference,
        differences: Vec::new(),
        run: in_rounds(per_token),
    };
    PeersRecord {
        run_id: "cdcdcdcdcdcd".into(),
        when_utc: "2026-11-24T06:00:00Z".into(),
        arcgauge_version: "0.1.0".into(),
        outcome: Outcome::Complete,
        failure: None,
        reference: engine("stateful", "arcgauge", "sdpa", [1.0; 3]),
        others: vec![
            engine("genai", "openvino_genai", "sdpa", [1.0; 3]),
            engine("genai-pa", "openvino_genai", "paged", [0.89, 0.90, 0.91]),
            compressed(engine("genai-pa-i8", "openvino_genai", "paged", [0.845, 0.855, 0.865])),
        ],
        rounds: (0..3).map(|_| RoundRecord { order: vec![0, 1, 2, 3] }).collect(),
        rounds_asked: 3,
        despite_guards: false,
        budget_s: None,
        published: vec![published("optimum-intel", 21.24), published("openvino_genai LLMPipeline", 27.0)],
        warnings: Vec::new(),
    }
}

/// The engine with a KV cache of 8 bits.
fn compressed(mut engine: PeerRecord) -> PeerRecord {
    let runtime = engine.run.runtime.as_mut().unwrap();
    runtime.properties_effective.insert("KV_CACHE_PRECISION".into(), "i8".into());
    engine.differences = vec!["KV_CACHE_PRECISION=i8".into()];
    engine
}

/// The run with a process for each round, which takes so many times as long for each token.
fn in_rounds(per_token: [f64; 3]) -> RunRecord {
    let mut run = bench();
    let mut process = process(ProcessPurpose::Measured);
    process.guards = Some(forged_pairs::guard_log(0, true));
    let sample = run.samples.remove(0);
    run.processes.clear();
    for (index, factor) in per_token.into_iter().enumerate() {
        run.processes.push(ProcessRecord { index, ..process.clone() });
        let mut of_round = SampleRecord { process: index, ..sample.clone() };
        let times = of_round.times.as_mut().unwrap();
        let stretched = |ns: u64| forged_pairs::whole_ns(ns as f64 * factor);
        times.token_ns = times.token_ns.iter().map(|ns| stretched(*ns)).collect();
        times.infer_ns = times.infer_ns.iter().map(|ns| stretched(*ns)).collect();
        run.samples.push(of_round);
    }
    run
}
