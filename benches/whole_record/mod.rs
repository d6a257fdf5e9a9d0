//! A record of the size that a bare `bench` leaves.

use std::collections::BTreeMap;

use arcgauge::golden::GoldenResult;
use arcgauge::record::{
    AskedPrompt, DeviceRecord, Machine, ModelFile, ModelRecord, Outcome, PromptRecord, RunRecord,
    RuntimeRecord, SampleRecord, SampleRole, SampleTimes, WorkloadRecord,
};

/// Prompts of a bare `bench`, and how often each is asked.
const PROMPTS: usize = 3;
const RUNS: usize = 3;
/// Tokens of each answer.
const TOKENS: u32 = 200;

/// Nine measured generations of 200 tokens, their ids and times those of the published series.
pub(crate) fn record() -> RunRecord {
    let ids: Vec<String> = (0..PROMPTS).map(|prompt| format!("prompt-{prompt}")).collect();
    let asked =
        ids.iter().map(|id| AskedPrompt { id: id.clone(), title: id.clone(), token_ids: (0..20).collect() });
    RunRecord {
        run_id: "0123456789ab".into(),
        when_utc: "2026-11-23T04:49:20Z".into(),
        arcgauge_version: env!("CARGO_PKG_VERSION").into(),
        outcome: Outcome::Complete,
        failure: None,
        commit: None,
        machine: Machine {
            slug: "a-machine".into(),
            sha256: "2".repeat(64),
            cpu: "A CPU".into(),
            logical_cores: 2,
            memory_gib: 24,
            gpu: None,
            kernel: None,
            os: None,
        },
        device: DeviceRecord {
            requested: "CPU".into(),
            actual: "CPU".into(),
            reason: None,
            execution_devices: "CPU".into(),
            full_name: None,
            pci_id: None,
            execution_units: None,
            driver_version: None,
        },
        runtime: RuntimeRecord {
            openvino_version: "2026.4.1".into(),
            openvino_build: "2026.4.1-1".into(),
            properties_asked: BTreeMap::new(),
            properties_effective: BTreeMap::new(),
        },
        model: ModelRecord {
            name: "a-model".into(),
            sha256: "1".repeat(64),
            files: vec![ModelFile { path: "config.json".into(), size_bytes: 7, sha256: "0".repeat(64) }],
            manifest_verified: true,
            edited_graph_sha256: None,
            unedited_because: None,
        },
        workload: WorkloadRecord::new(asked.collect(), RUNS, TOKENS as usize).unwrap(),
        load_ns: 1_500_000_000,
        load_peak_rss_bytes: Some(100 << 20),
        state_seen_empty: true,
        prompts: ids.iter().map(|id| word(id)).collect(),
        samples: (0..RUNS * PROMPTS).map(|index| sample(&ids[index % PROMPTS], index)).collect(),
        warnings: Vec::new(),
    }
}

fn word(id: &str) -> PromptRecord {
    PromptRecord {
        id: id.to_owned(),
        golden: GoldenResult::Match,
        divergence: None,
        divergence_text: None,
        witness: None,
    }
}

fn sample(prompt_id: &str, index: usize) -> SampleRecord {
    let submitted_ns = 1_000_000_000 + index as u64 * 10_000_000_000;
    let token_ns = (0..u64::from(TOKENS)).map(|token| submitted_ns + 200_000_000 + token * 46_331_658);
    SampleRecord {
        role: SampleRole::Measured,
        prompt_id: prompt_id.to_owned(),
        run: index / PROMPTS,
        process: 0,
        prompt_tokens: 20,
        token_ids: (0..TOKENS).map(|token| token * 997).collect(),
        times: Some(SampleTimes {
            submitted_ns,
            token_ns: token_ns.collect(),
            infer_ns: vec![46_317_658; TOKENS as usize],
        }),
        peak_rss_bytes: Some(160 << 20),
        rss_anonymous_bytes: Some(90 << 20),
        rss_file_bytes: Some(70 << 20),
    }
}
