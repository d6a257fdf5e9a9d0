//! Puts a run record together from what was found, measured and judged.

use std::collections::BTreeMap;

use crate::cli::bench::{Around, Identity, Judging};
use crate::cli::load_warnings::{self, AsLoaded};
use crate::cli::loading::{FoundModel, Loaded};
use crate::engine::openvino::{ActiveWeights, DeviceKind};
use crate::error::{Error, Result};
use crate::golden::{Divergence, Finding, GoldenResult, GoldenSet, LogitDrift, Probe};
use crate::judge::environment::{Guard, GuardState, ProcessGuards, of_process};
use crate::measure::protocol::{LoadedEvent, SettledEvent};
use crate::measure::supervisor::{ProcessFacts, Purpose, Session};
use crate::measure::{CanaryReading, Plan, Role, Sample};
use crate::record::{
    DeviceEvidence, DeviceRecord, DivergenceText, HarnessCost, LogitDriftRecord, ManifestCheck, ModelRecord,
    Outcome, ProcessRecord, PromptRecord, ProvenDevice, RunRecord, RuntimeRecord, Warning, WorkerRecord,
    WorkloadRecord, sha256_of_file,
};
use crate::workload::TokenId;

/// Tokens of context that are shown around a divergence.
const CONTEXT_TOKENS: usize = 12;

/// What was measured, as far as it stands in a record.
pub(super) struct Measured<'a> {
    pub(super) session: &'a Session,
    pub(super) around: &'a [Around],
    pub(super) canary_after: Option<CanaryReading>,
    pub(super) same_after_run: bool,
    pub(super) ran: Option<ProvenDevice>,
}

/// The record of a run whose output has not been judged: identities and processes, and no sample yet.
pub(super) fn record(identity: Identity, judging: Judging<'_>, measured: Measured<'_>) -> Result<RunRecord> {
    let session = measured.session;
    let settled = session.processes.iter().find_map(|process| process.settled.as_ref());
    let loaded = loaded(session);
    let hello = session.processes.iter().find_map(|process| process.hello.as_ref());
    let gpu_name = settled.and_then(|settled| settled.gpu_name.clone());
    let gpu_driver = settled.and_then(|settled| settled.facts.driver_version.clone());
    Ok(RunRecord {
        run_id: identity.run_id,
        when_utc: identity.when_utc,
        arcgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
        worker: WorkerRecord {
            name: hello.map(|hello| hello.worker.clone()),
            protocol: hello.map(|hello| hello.protocol),
            ..identity.worker
        },
        outcome: Outcome::Failed,
        failure: None,
        commit: identity.commit,
        machine: Identity::machine(gpu_name, gpu_driver)?,
        device: DeviceRecord {
            requested: judging.requested.to_owned(),
            reason: settled.and_then(|settled| settled.fallback_because.clone()),
            ran: measured.ran,
        },
        runtime: settled.map(|settled| runtime(settled, loaded)),
        environment_variables: identity.environment_variables,
        model: model_record(&judging, loaded, measured.same_after_run)?,
        workload: WorkloadRecord::new(judging.asked, judging.plan.processes, judging.plan.new_tokens)?,
        state_seen_empty: !session.processes.is_empty()
            && session.processes.iter().all(|process| process.state_seen_empty),
        processes: processes(session, measured.around),
        canary_after: measured.canary_after,
        prompts: Vec::new(),
        samples: Vec::new(),
        cost: cost(&identity.cost, session),
        logit_drift: None,
        criterion: judging.criterion,
        published: Some(judging.published),
        warnings: settled.map(|settled| warnings(judging.requested, settled, loaded)).unwrap_or_default(),
    })
}

fn processes(session: &Session, around: &[Around]) -> Vec<ProcessRecord> {
    let mut records: Vec<ProcessRecord> = session.processes.iter().map(ProcessRecord::from).collect();
    for (record, around) in records.iter_mut().zip(around) {
        record.canary_before = Some(around.canary_before.clone());
        record.guards.clone_from(&around.guards);
    }
    records
}

/// What the first process that came so far has loaded.
fn loaded(session: &Session) -> Option<&LoadedEvent> {
    session.processes.iter().find_map(|process| process.loaded.as_ref())
}

fn runtime(settled: &SettledEvent, loaded: Option<&LoadedEvent>) -> RuntimeRecord {
    RuntimeRecord {
        openvino_version: settled.openvino_version.clone(),
        openvino_build: settled.openvino_build.clone(),
        properties_asked: settled.properties_asked.clone(),
        properties_effective: loaded.map(|loaded| loaded.properties_effective.clone()).unwrap_or_default(),
    }
}

/// What must be known of the load, before anything is judged.
pub(super) fn warnings(
    requested: &str,
    settled: &SettledEvent,
    loaded: Option<&LoadedEvent>,
) -> Vec<Warning> {
    let Some(loaded) = loaded else { return Vec::new() };
    load_warnings::of(&AsLoaded {
        requested,
        target: &settled.device,
        fallback_because: settled.fallback_because.as_deref(),
        asked: &settled.properties_asked,
        effective: &loaded.properties_effective,
        states_hidden_because: loaded.states_hidden_because.as_deref(),
    })
}

fn model_record(
    judging: &Judging<'_>,
    loaded: Option<&LoadedEvent>,
    same_after_run: bool,
) -> Result<ModelRecord> {
    let identity = &judging.model.identity;
    let edited = judging.edited.filter(|_| loaded.is_some_and(|loaded| loaded.unedited_because.is_none()));
    Ok(ModelRecord {
        name: identity.name.clone(),
        sha256: identity.sha256.clone(),
        files: identity.files.clone(),
        manifest_verified: identity.manifest == ManifestCheck::Verified,
        same_after_run,
        edited_graph_sha256: edited.map(|edited| sha256_of_file(edited.path())).transpose()?,
        unedited_because: loaded.and_then(|loaded| loaded.unedited_because.clone()),
        // A graph that is not understood has no roofline, and runs all the same.
        active_weights: ActiveWeights::of(&judging.model.graph, judging.model.folder.config()).ok(),
    })
}

/// The proof of what ran; None where the session did not come so far.
///
/// # Errors
/// When processes ran unlike things, or a device is claimed that did no work.
pub(super) fn prove(session: &Session, around: &[Around]) -> Result<Option<ProvenDevice>> {
    let measured: Vec<&ProcessFacts> =
        session.processes.iter().filter(|process| process.purpose == Purpose::Measured).collect();
    let whole = measured.iter().all(|process| process.loaded.is_some() && process.samples.len() > 1);
    let Some(first) = measured.first().and_then(|first| first.settled.as_ref()).filter(|_| whole) else {
        return Ok(None);
    };
    let others = measured.iter().filter_map(|process| process.settled.as_ref());
    if others.clone().any(|other| other.openvino_build != first.openvino_build || other.facts != first.facts)
    {
        return Err(Error::environment("the processes of the run did not see the same runtime and device")
            .hint("leave drivers and OpenVINO alone while measuring, then measure again"));
    }
    let samples = measured.iter().flat_map(|process| &process.samples);
    let counted = samples.filter(|sample| sample.role == Role::Measured);
    ProvenDevice::establish(DeviceEvidence {
        target: &first.device,
        execution_devices: measured
            .iter()
            .filter_map(|process| Some(process.loaded.as_ref()?.execution_devices.as_str()))
            .collect(),
        facts: first.facts.clone(),
        gpu_counters_grew: gpu_counters_grew(session, around),
        processor_ns: measured.iter().map(|process| process.processor_ns).sum(),
        generation_ns: counted.map(duration_ns).sum(),
    })
    .map(Some)
}

/// Whether the kernel's counters of every measured worker say that a GPU worked for it; None where
/// they could not be read in one of them.
fn gpu_counters_grew(session: &Session, around: &[Around]) -> Option<bool> {
    let measured = session.processes.iter().zip(around);
    let words = measured.filter(|(process, _)| process.purpose == Purpose::Measured).map(|(_, around)| {
        let guards = ProcessGuards { log: around.guards.as_ref()?, device: DeviceKind::Gpu, timed: None };
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

fn duration_ns(sample: &Sample) -> u64 {
    sample.token_ns.last().map_or(0, |last| last.saturating_sub(sample.submitted_ns))
}

fn cost(spent: &HarnessCost, session: &Session) -> HarnessCost {
    let loads = session.processes.iter().filter_map(|process| process.loaded.as_ref());
    let samples = session.processes.iter().flat_map(|process| &process.samples);
    HarnessCost {
        load_ns: loads.map(|loaded| loaded.load_ended_ns.saturating_sub(loaded.load_started_ns)).sum(),
        generation_ns: samples.map(duration_ns).sum(),
        ..spent.clone()
    }
}

/// A drift with what is normal on the session's device and precisions.
pub(super) fn drift_record(drift: LogitDrift, probe: Option<&Probe>, session: &Session) -> LogitDriftRecord {
    let limit = probe.zip(loaded(session)).and_then(|(probe, loaded)| {
        let effective = |key: &str| loaded.properties_effective.get(key).map_or("", String::as_str);
        let (inference, cache) = (effective("INFERENCE_PRECISION_HINT"), effective("KV_CACHE_PRECISION"));
        probe.limit(kind_word(loaded), inference, cache).cloned()
    });
    LogitDriftRecord { drift, limit }
}

/// Said where the logits have moved further than is normal.
pub(super) fn drift_warning(record: &LogitDriftRecord) -> Option<Warning> {
    let limit = record.limit.as_ref().filter(|limit| limit.is_exceeded_by(&record.drift))?;
    Some(Warning::new(
        "logit-drift",
        format!(
            "on the probe text the logits moved by up to {:.4} logit ({:.4} on average), and {:.4} ({:.4}) is normal",
            record.drift.largest_logit, record.drift.mean_logit, limit.largest_logit, limit.mean_logit
        ),
        "every token may still be right; find out what changed the arithmetic with `cargo xtask golden check`",
    ))
}

/// "GPU" or "CPU", as limits and tolerances are found by.
fn kind_word(loaded: &LoadedEvent) -> &'static str {
    if loaded.execution_devices.contains("GPU") { "GPU" } else { "CPU" }
}

/// The near-tie tolerance of a session's device and precisions.
pub(super) fn epsilon_logit(goldens: &GoldenSet, session: &Session) -> f32 {
    let Some(loaded) = loaded(session) else { return 0.0 };
    let effective = |key: &str| loaded.properties_effective.get(key).map_or("", String::as_str);
    goldens.epsilon_logit(
        kind_word(loaded),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION"),
    )
}

/// The same of an engine in this process.
pub(super) fn epsilon_logit_here(goldens: &GoldenSet, loaded: &Loaded) -> f32 {
    let effective = |key: &str| loaded.engine.properties().get(key).map_or("", String::as_str);
    goldens.epsilon_logit(
        loaded.engine.device().kind.name(),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION"),
    )
}

/// The word on each prompt, with divergences in words where a tokenizer is at hand.
pub(super) fn prompt_records(
    model: &FoundModel,
    plan: &Plan,
    samples: &[Sample],
    findings: &[Finding],
) -> Vec<PromptRecord> {
    let judged = plan.prompts.iter().zip(findings);
    judged
        .map(|(prompt, finding)| {
            let mut record = PromptRecord::of(&prompt.id, finding);
            record.divergence_text = finding.divergence.as_ref().and_then(|divergence| {
                let mut answers = samples.iter().filter(|sample| sample.prompt_id == prompt.id);
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
