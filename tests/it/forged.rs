//! A record that no run has made: complete, and small enough to be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::DeviceFacts;
use arcgauge::golden::{GoldenResult, GoldenSet};
use arcgauge::measure::protocol::{CacheState, InferSpan, KvBytesSource, KvCache};
use arcgauge::measure::supervisor::{PhaseMemory, Purpose, WarmLoad};
use arcgauge::measure::{Metric, Role};
use arcgauge::record::{
    AcceptedModel, Arm, CheckRecord, CheckResult, Commit, ComparisonRecord, ComparisonResult, DecisionRecord,
    DeviceEvidence, DeviceRecord, Experiment, HarnessCost, HashCache, InputsRecord, LoadRecord, Machine,
    ModelFile, ModelIdentity, ModelRecord, Outcome, PlanKind, PolicyText, ProcessRecord, PromptRecord,
    ProvenDevice, PublishedReference, ReplayRecord, RequestedPrompt, Round, RuntimeRecord, SampleRecord,
    SampleTimes, Sampling, SensitivityRecord, Side, Status, Verdict, Warning, WorkerRecord, WorkloadRecord,
};
use arcgauge::sys::MemoryReading;

use crate::checkout::{Checkout, repository, shipped_model};
use crate::laid_out;

/// A record in which every optional field is there.
pub(crate) fn record() -> Experiment {
    let prompt =
        RequestedPrompt { title: "Fibonacci".into(), ..RequestedPrompt::new("fibonacci", vec![61, 88]) };
    let arm = Arm {
        kv: None,
        label: Arm::BENCH.into(),
        differences: Vec::new(),
        host_loop: Arm::ARCGAUGE.into(),
        attention: None,
        infer_span: InferSpan::Inference,
        worker: WorkerRecord {
            name: Some("arcgauge 0.1.0".into()),
            protocol: Some(1),
            sha256: Some("6".repeat(64)),
        },
        outcome: Outcome::Complete,
        failure: None,
        commit: Some(Commit {
            sha: "5".repeat(40),
            parents: vec!["4".repeat(40)],
            tree: "3".repeat(40),
            branch: Some("main".into()),
            subject: "Größer, schneller \"und\" richtig".into(),
            author_date_utc: "2026-11-23T04:00:00Z".into(),
            dirty: false,
            difference_sha256: None,
        }),
        device: DeviceRecord {
            requested: "GPU".into(),
            reason: Some("there is no GPU".into()),
            ran: Some(proven("CPU", "A CPU")),
        },
        runtime: Some(RuntimeRecord {
            openvino_version: "2026.4.1".into(),
            openvino_build: "2026.4.1-1".into(),
            properties_requested: BTreeMap::new(),
            properties_effective: [
                ("INFERENCE_PRECISION_HINT".to_owned(), "f32".to_owned()),
                ("KV_CACHE_PRECISION".to_owned(), "f32".to_owned()),
            ]
            .into(),
            properties_warm: BTreeMap::new(),
        }),
        environment_variables: [("OMP_NUM_THREADS".to_owned(), "2".to_owned())].into(),
        model: ModelRecord {
            name: "tiny-gpt-oss".into(),
            sha256: "1".repeat(64),
            files: vec![ModelFile { path: "config.json".into(), size_bytes: 7, sha256: "0".repeat(64) }],
            manifest_verified: true,
            same_after_run: true,
            edited_graph_sha256: None,
            unedited_reason: None,
            shape: None,
            active_weights: None,
        },
        workload: WorkloadRecord::new(vec![prompt], 1, 3).unwrap(),
        processes: vec![process()],
        state_seen_empty: true,
        prompts: vec![judged()],
        samples: vec![sample()],
        warm_load: WarmLoad::NoColdLoad,
        logit_drift: None,
        distribution_drift: None,
        warnings: vec![Warning::new("a-kind", "what is the case", "what to do about it")],
    };
    let mut record = Experiment {
        run_id: "0123456789ab".into(),
        arcgauge_version: "0.1.0".into(),
        outcome: Outcome::Complete,
        sampling: Sampling { rounds_requested: Some(1), ..Sampling::default() },
        cost: HarnessCost {
            wall_ns: 2_000_000_000,
            hashing_ns: 50_000_000,
            load_ns: 1_500_000_000,
            generation_ns: 294_000_000,
            ..HarnessCost::default()
        },
        published: Some(published()),
        ..Experiment::begun(PlanKind::Bench, "2026-11-23T04:49:20Z".into(), machine(), vec![arm])
    };
    laid_out::record(&mut record);
    record
}

/// An answer that was judged without a golden, and replayed.
fn judged() -> PromptRecord {
    PromptRecord {
        id: "fibonacci".into(),
        golden: GoldenResult::None,
        divergence: None,
        divergence_text: None,
        replay: Some(ReplayRecord {
            token_ids: vec![5, 6, 7],
            runner_up_ids: vec![1, 2, 3],
            logit_margins: vec![7.5, 0.1, 3.25],
        }),
    }
}

/// The one generation.
fn sample() -> SampleRecord {
    SampleRecord {
        role: Role::Measured,
        prompt_id: "fibonacci".into(),
        process: 0,
        prompt_tokens: 2,
        token_ids: vec![5, 6, 7],
        times: Some(SampleTimes {
            submitted_ns: 1,
            token_ns: vec![200_000_001, 247_000_001, 294_000_001],
            infer_ns: vec![199_000_000, 46_000_000, 46_000_000],
        }),
        peak_rss_bytes: Some(160 << 20),
        rss_anonymous_bytes: None,
        rss_file_bytes: None,
    }
}

/// An A/B of that record against itself in one pair, with a decision.
pub(crate) fn ab_record() -> Experiment {
    let run = record();
    let arm = |label: &str| Arm { label: label.into(), ..run.arms[0].clone() };
    let mut record = Experiment {
        run_id: "abababababab".into(),
        when_utc: "2026-11-24T05:00:00Z".into(),
        plan: PlanKind::Ab,
        inputs: InputsRecord {
            from_commit: Some("4".repeat(40)),
            merge_base: Some("4".repeat(40)),
            sha256: "7".repeat(64),
            policy: PolicyText { text: "a policy\n".into(), sha256: "8".repeat(64) },
            ..InputsRecord::default()
        },
        sampling: Sampling { seed: Some(20), budget_s: Some(3600), ..Sampling::default() },
        arms: vec![arm("main"), arm("a-branch")],
        rounds: vec![Round::beginning_with(Side::Base)],
        decision: Some(decision()),
        ..run
    };
    record.arms[0].commit.as_mut().unwrap().sha = "4".repeat(40);
    laid_out::record(&mut record);
    record
}

/// A decision with one of everything.
fn decision() -> DecisionRecord {
    DecisionRecord {
        judged_utc: "2026-11-24T05:10:00Z".into(),
        verdict: Verdict::Pass,
        reason: "no change that matters".into(),
        status: Status::Green,
        checks: vec![CheckRecord {
            id: "goldens".into(),
            result: CheckResult::Holds,
            reason: "all match".into(),
        }],
        comparisons: vec![ComparisonRecord {
            metric: Metric::TimePerOutputToken,
            prompt: None,
            pairs: 1,
            ratio: 1.01,
            lower: 0.97,
            upper: 1.03,
            result: ComparisonResult::Unchanged,
            reason: "within what matters".into(),
        }],
        sensitivity: Some(SensitivityRecord {
            pairs: 1,
            pair_sd_percent: 1.2,
            smallest_seen_percent: 3.0,
            excluded_from_percent: 3.1,
        }),
    }
}

/// A machine that is nobody's.
fn machine() -> Machine {
    Machine {
        slug: "a-machine".into(),
        sha256: "2".repeat(64),
        cpu: "A CPU".into(),
        logical_cores: 2,
        memory_gib: 24,
        gpu: None,
        gpu_pci_ids: Vec::new(),
        kernel: Some("6.1".into()),
        os: Some("Linux".into()),
        gpu_driver: None,
        firmware: Some("A Vendor 1.7".into()),
        last_level_cache_bytes: Some(32 << 20),
        microcode: None,
    }
}

/// A worker process that did all that was requested.
pub(crate) fn process() -> ProcessRecord {
    let phase = |mebibytes: u64| MemoryReading {
        peak_rss_bytes: Some(mebibytes << 20),
        rss_anonymous_bytes: Some((mebibytes - 20) << 20),
        rss_file_bytes: Some(10 << 20),
        device_resident_bytes: None,
    };
    ProcessRecord {
        state_access: None,
        purpose: Purpose::Measured,
        index: 0,
        exit_reason: "done".into(),
        exit_detail: None,
        output_tail: Vec::new(),
        prompt_order: vec!["fibonacci".into()],
        load: Some(LoadRecord {
            load_ns: 1_500_000_000,
            compiled_model_cache: CacheState::Off,
            loaded_from_cache: None,
        }),
        memory: PhaseMemory { load: phase(100), prefill: phase(140), decode: phase(160) },
        kv_cache: Some(KvCache {
            tokens: 4,
            elements: 98_304,
            precision: "f32".into(),
            bytes: Some(393_216),
            bytes_source: KvBytesSource::CachePrecision,
        }),
        device_memory_bytes: None,
        processor_ns: Some(290_000_000),
        bandwidth_before: None,
        guards: None,
        started_ns: Some(5),
        ended_ns: Some(1_900_000_005),
    }
}

/// A device that is proven, as far as evidence can be made up.
pub(crate) fn proven(device: &str, name: &str) -> ProvenDevice {
    ProvenDevice::establish(DeviceEvidence {
        target: device,
        execution_devices: vec![device],
        facts: DeviceFacts { full_name: Some(name.to_owned()), ..DeviceFacts::default() },
        gpu_counters_grew: Some(true),
        processor_ns: Some(290_000_000),
        generation_ns: 294_000_000,
    })
    .unwrap()
}

/// A processor of whose work the kernel's counters say nothing.
pub(crate) fn a_cpu_by_its_word_alone() -> ProvenDevice {
    ProvenDevice::establish(DeviceEvidence {
        target: "CPU",
        execution_devices: vec!["CPU"],
        facts: DeviceFacts::default(),
        gpu_counters_grew: None,
        processor_ns: None,
        generation_ns: 294_000_000,
    })
    .unwrap()
}

/// A GPU of which these facts are known, proven as well as can be.
pub(crate) fn gpu_with(facts: DeviceFacts) -> DeviceRecord {
    let ran = ProvenDevice::establish(DeviceEvidence {
        target: "GPU",
        execution_devices: vec!["GPU.0"],
        facts,
        gpu_counters_grew: Some(true),
        processor_ns: None,
        generation_ns: 1,
    });
    DeviceRecord { requested: "GPU".into(), reason: None, ran: Some(ran.unwrap()) }
}

/// An Arc 140V by its id, and emulated all the same.
pub(crate) fn an_emulated_arc() -> DeviceRecord {
    let arc = arc(Some(true)).ran.unwrap().facts().clone();
    gpu_with(DeviceFacts { emulated_reason: Some("a runtime for CPUs".into()), ..arc })
}

/// As of a run on a GPU.
pub(crate) fn a_gpu() -> DeviceRecord {
    DeviceRecord { requested: "GPU".into(), reason: None, ran: Some(proven("GPU", "A GPU")) }
}

/// As of a run on an Arc 140V, proven as well as this.
pub(crate) fn arc(gpu_counters_grew: Option<bool>) -> DeviceRecord {
    let facts = DeviceFacts {
        full_name: Some("Intel(R) Graphics [0x64a0] (iGPU)".into()),
        pci_id: Some("8086:64a0".into()),
        execution_units: Some(64),
        ..DeviceFacts::default()
    };
    let ran = ProvenDevice::establish(DeviceEvidence {
        target: "GPU",
        execution_devices: vec!["GPU.0"],
        facts,
        gpu_counters_grew,
        processor_ns: None,
        generation_ns: 1,
    });
    DeviceRecord { requested: "GPU".into(), reason: None, ran: Some(ran.unwrap()) }
}

/// Files that are accepted as the published model.
pub(crate) fn accepted(sha256: &str) -> AcceptedModel {
    AcceptedModel {
        sha256: sha256.to_owned(),
        reason: "a test".into(),
        accepted_utc: "2026-11-23T05:00:00Z".into(),
        run_id: "0123456789ab".into(),
        commit: "5".repeat(40),
    }
}

/// What the repository says was published.
pub(crate) fn published() -> PublishedReference {
    let file = repository().join("fixtures/baselines/published.json");
    PublishedReference::parse(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The record that a matching run of the shipped model would leave: its goldens' own answers.
pub(crate) fn record_of_the_shipped_model() -> Experiment {
    let folder = ModelFolder::open(&shipped_model()).unwrap();
    let identity = ModelIdentity::of(&folder, &mut HashCache::default(), |_, _| {}).unwrap();
    let goldens = GoldenSet::load(&repository().join("fixtures/golden/tiny-gpt-oss")).unwrap().goldens;
    let mut experiment = record();
    let record = &mut experiment.arms[0];
    record.model.sha256 = identity.sha256;
    let blank = record.samples.remove(0);
    let mut requested = Vec::new();
    record.prompts.clear();
    for (id, golden) in goldens {
        let token_ids = golden.prompt_token_ids;
        record.samples.push(SampleRecord {
            prompt_id: id.clone(),
            prompt_tokens: token_ids.len(),
            token_ids: golden.token_ids.clone(),
            times: Some(SampleTimes {
                submitted_ns: 0,
                token_ns: (1..=200).map(|token| token * 20_000_000).collect(),
                infer_ns: vec![19_000_000; 200],
            }),
            ..blank.clone()
        });
        requested.push(RequestedPrompt::new(&id, token_ids));
        record.prompts.push(PromptRecord {
            id,
            golden: GoldenResult::None,
            divergence: None,
            divergence_text: None,
            replay: Some(ReplayRecord {
                token_ids: golden.token_ids,
                runner_up_ids: golden.runner_up_ids,
                logit_margins: golden.logit_margins,
            }),
        });
    }
    record.workload = WorkloadRecord::new(requested, 1, 200).unwrap();
    laid_out::record(&mut experiment);
    experiment
}

/// Puts a record into a checkout's store, as a run would: laid out, whatever a test has made of it.
pub(crate) fn store(checkout: &Checkout, record: &Experiment) -> PathBuf {
    let mut record = record.clone();
    laid_out::record(&mut record);
    let path = checkout.store().add(&record).unwrap();
    fs::canonicalize(path).unwrap()
}
