//! Puts a run record together from what was found, loaded and judged.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::loading::{FoundModel, Loaded};
use crate::cli::root::Root;
use crate::engine::openvino::{DeviceFacts, LastTokenOnly, OpenVinoEngine};
use crate::error::Result;
use crate::golden::{Divergence, Finding, GoldenResult, GoldenSet};
use crate::measure::{Plan, Session};
use crate::record::{
    AskedPrompt, Commit, DeviceRecord, DivergenceText, Machine, ManifestCheck, ModelRecord, Outcome,
    PromptRecord, RunRecord, RuntimeRecord, Warning, WorkloadRecord, run_id, utc_now,
};
use crate::workload::TokenId;

/// Tokens of context that are shown around a divergence.
const CONTEXT_TOKENS: usize = 12;

/// The record of a run that has not begun: identities, and no sample yet.
pub(super) fn record(
    root: &Root,
    model: &FoundModel,
    loaded: &Loaded,
    plan: &Plan,
    asked: Vec<AskedPrompt>,
) -> Result<RunRecord> {
    let proof = loaded.engine.device();
    let facts = DeviceFacts::read(&loaded.runtime, &loaded.device.target, Path::new("/sys"));
    let gpu = loaded.runtime.device_property("GPU", "FULL_DEVICE_NAME");
    Ok(RunRecord {
        run_id: run_id(),
        when_utc: utc_now(),
        arcgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
        outcome: Outcome::Failed,
        failure: None,
        commit: Commit::at(root.path())?,
        machine: Machine::of_this_host(gpu)?,
        device: DeviceRecord {
            requested: loaded.device.requested.clone(),
            actual: proof.kind.name().to_owned(),
            reason: loaded.device.fallback_because.clone(),
            execution_devices: proof.execution_devices.clone(),
            full_name: facts.full_name,
            pci_id: facts.pci_id,
            execution_units: facts.execution_units,
            driver_version: facts.driver_version,
        },
        runtime: RuntimeRecord {
            openvino_version: loaded.runtime.version().to_owned(),
            openvino_build: loaded.runtime.build().to_owned(),
            properties_asked: loaded.asked.iter().map(|p| (p.key.clone(), p.value.clone())).collect(),
            properties_effective: loaded.engine.properties().clone(),
        },
        model: model_record(model, loaded),
        workload: WorkloadRecord::new(asked, plan.runs, plan.new_tokens)?,
        load_ns: loaded.load_ns,
        load_peak_rss_bytes: loaded.load_peak_rss_bytes,
        state_seen_empty: false,
        prompts: Vec::new(),
        samples: Vec::new(),
        warnings: loaded.warnings.clone(),
    })
}

fn model_record(model: &FoundModel, loaded: &Loaded) -> ModelRecord {
    ModelRecord {
        name: model.identity.name.clone(),
        sha256: model.identity.sha256.clone(),
        files: model.identity.files.clone(),
        manifest_verified: model.identity.manifest == ManifestCheck::Verified,
        edited_graph_sha256: loaded.edited_graph_sha256.clone(),
        unedited_because: match loaded.engine.last_token_only() {
            LastTokenOnly::Applied => None,
            LastTokenOnly::NotApplied(because) => Some(because.clone()),
        },
    }
}

/// The near-tie tolerance of a loaded engine's device and precisions.
pub(super) fn epsilon_logit(goldens: &GoldenSet, engine: &OpenVinoEngine) -> f32 {
    let effective = |key: &str| engine.properties().get(key).map_or("", String::as_str);
    goldens.epsilon_logit(
        engine.device().kind.name(),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION"),
    )
}

/// The word on each prompt, with divergences in words where a tokenizer is at hand.
pub(super) fn prompt_records(
    model: &FoundModel,
    plan: &Plan,
    session: &Session,
    findings: &[Finding],
) -> Vec<PromptRecord> {
    let judged = plan.prompts.iter().zip(findings);
    judged
        .map(|(prompt, finding)| {
            let mut record = PromptRecord::of(&prompt.id, finding);
            record.divergence_text = finding.divergence.as_ref().and_then(|divergence| {
                let mut answers = session.samples.iter().filter(|sample| sample.prompt_id == prompt.id);
                let first = answers.clone().next()?;
                let golden = model.goldens.goldens.get(&prompt.id);
                let reference = golden.map_or(&first.token_ids, |golden| &golden.token_ids);
                let got = answers
                    .find(|answer| answer.token_ids.get(divergence.position) == Some(&divergence.got))?;
                in_words(model, divergence, reference, &got.token_ids)
            });
            record
        })
        .collect()
}

fn in_words(
    model: &FoundModel,
    divergence: &Divergence,
    reference: &[TokenId],
    got: &[TokenId],
) -> Option<DivergenceText> {
    let tokenizer = model.tokenizer.as_ref()?;
    let at = divergence.position;
    let words = |tokens: &[TokenId], from: usize, to: usize| {
        tokenizer.decode(tokens.get(from..to.min(tokens.len()))?).ok()
    };
    Some(DivergenceText {
        before: words(reference, at.saturating_sub(CONTEXT_TOKENS), at)?,
        expected: words(reference, at, at + CONTEXT_TOKENS)?,
        got: words(got, at, at + CONTEXT_TOKENS)?,
    })
}

/// What a reader must know of outputs that are not simply right.
pub(super) fn golden_warnings(plan: &Plan, findings: &[Finding], model: &FoundModel) -> Vec<Warning> {
    let mut by_result: BTreeMap<GoldenResult, Vec<&str>> = BTreeMap::new();
    for (prompt, finding) in plan.prompts.iter().zip(findings) {
        by_result.entry(finding.result).or_default().push(&prompt.id);
    }
    let list = |ids: &[&str]| format!("`{}`", ids.join("`, `"));
    let mut warnings = Vec::new();
    if let Some(ids) = by_result.get(&GoldenResult::None) {
        warnings.push(Warning::new(
            "unverified",
            format!("{} of `{}` have no golden: their figures are unverified", list(ids), model.identity.name),
            "such a run can be no baseline; read the answers, then `cargo xtask golden bless --because \"...\"`",
        ));
    }
    if let Some(ids) = by_result.get(&GoldenResult::NearTie) {
        warnings.push(Warning::new(
            "near-tie",
            format!("{} differ from their goldens where two tokens are too close to call", list(ids)),
            "no fault by itself; the record has the places",
        ));
    }
    warnings
}
