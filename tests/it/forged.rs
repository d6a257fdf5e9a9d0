//! A record that no run has made: complete, and small enough to be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use arcgauge::engine::ModelFolder;
use arcgauge::golden::{GoldenResult, GoldenSet};
use arcgauge::record::{
    AskedPrompt, Commit, DeviceRecord, History, Machine, ModelFile, ModelIdentity, ModelRecord, Outcome,
    PromptRecord, RunRecord, RuntimeRecord, SampleRecord, SampleRole, SampleTimes, Warning, WitnessRecord,
    WorkloadRecord,
};

use crate::checkout::{Checkout, repository, shipped_model};

/// A record in which every optional field is there.
pub(crate) fn record() -> RunRecord {
    let prompt = AskedPrompt { id: "fibonacci".into(), title: "Fibonacci".into(), token_ids: vec![61, 88] };
    RunRecord {
        run_id: "0123456789ab".into(),
        when_utc: "2026-11-23T04:49:20Z".into(),
        arcgauge_version: "0.1.0".into(),
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
        }),
        machine: Machine {
            slug: "a-machine".into(),
            sha256: "2".repeat(64),
            cpu: "A CPU".into(),
            logical_cores: 2,
            memory_gib: 24,
            gpu: None,
            kernel: Some("6.1".into()),
            os: Some("Linux".into()),
        },
        device: DeviceRecord {
            requested: "GPU".into(),
            actual: "CPU".into(),
            reason: Some("there is no GPU".into()),
            execution_devices: "CPU".into(),
            full_name: Some("A CPU".into()),
            pci_id: None,
            execution_units: None,
            driver_version: None,
        },
        runtime: RuntimeRecord {
            openvino_version: "2026.4.1".into(),
            openvino_build: "2026.4.1-1".into(),
            properties_asked: BTreeMap::new(),
            properties_effective: [
                ("INFERENCE_PRECISION_HINT".to_owned(), "f32".to_owned()),
                ("KV_CACHE_PRECISION".to_owned(), "f32".to_owned()),
            ]
            .into(),
        },
        model: ModelRecord {
            name: "tiny-gpt-oss".into(),
            sha256: "1".repeat(64),
            files: vec![ModelFile { path: "config.json".into(), size_bytes: 7, sha256: "0".repeat(64) }],
            manifest_verified: true,
            edited_graph_sha256: None,
            unedited_because: None,
        },
        workload: WorkloadRecord::new(vec![prompt], 1, 3).unwrap(),
        load_ns: 1_500_000_000,
        load_peak_rss_bytes: Some(100 << 20),
        state_seen_empty: true,
        prompts: vec![PromptRecord {
            id: "fibonacci".into(),
            golden: GoldenResult::None,
            divergence: None,
            divergence_text: None,
            witness: Some(WitnessRecord {
                token_ids: vec![5, 6, 7],
                runner_up_ids: vec![1, 2, 3],
                gaps_logit: vec![7.5, 0.1, 3.25],
            }),
        }],
        samples: vec![SampleRecord {
            role: SampleRole::Measured,
            prompt_id: "fibonacci".into(),
            run: 0,
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
        }],
        warnings: vec![Warning::new("a-kind", "what is the case", "what to do about it")],
    }
}

/// The record that a matching run of the shipped model would leave: its goldens' own answers.
pub(crate) fn record_of_the_shipped_model() -> RunRecord {
    let folder = ModelFolder::open(&shipped_model()).unwrap();
    let identity = ModelIdentity::of(&folder, &mut HashCache::default(), |_, _| {}).unwrap();
    let goldens = GoldenSet::load(&repository().join("fixtures/golden/tiny-gpt-oss")).unwrap().goldens;
    let mut record = record();
    record.model.sha256 = identity.sha256;
    let blank = record.samples.remove(0);
    let mut asked = Vec::new();
    record.prompts.clear();
    for (id, golden) in goldens {
        let token_ids = golden.prompt_token_ids;
        asked.push(AskedPrompt { id: id.clone(), title: id.clone(), token_ids });
        record.samples.push(SampleRecord {
            prompt_id: id.clone(),
            token_ids: golden.token_ids.clone(),
            times: None,
            ..blank.clone()
        });
        record.prompts.push(PromptRecord {
            id,
            golden: GoldenResult::None,
            divergence: None,
            divergence_text: None,
            witness: Some(WitnessRecord {
                token_ids: golden.token_ids,
                runner_up_ids: golden.runner_up_ids,
                gaps_logit: golden.gaps_logit,
            }),
        });
    }
    record.workload = WorkloadRecord::new(asked, 1, 200).unwrap();
    record
}

/// Puts a record into a checkout's store, as a run would.
pub(crate) fn store(checkout: &Checkout, record: &RunRecord) -> PathBuf {
    let path = History::at(checkout.path("reports/history")).add(record).unwrap();
    fs::canonicalize(path).unwrap()
}
