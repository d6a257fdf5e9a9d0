//! Puts a run record together from identities and processes.

use crate::engine::ModelShape;
use crate::engine::openvino::ActiveWeights;
use crate::error::Result;
use crate::measure::Plan;
use crate::measure::protocol::{DeviceResolvedEvent, LoadedEvent};
use crate::measure::supervisor::{Session, WarmLoad};
use crate::record::{
    Arm, DeviceRecord, ManifestCheck, ModelRecord, Outcome, ProcessRecord, ProvenDevice, RuntimeRecord,
    Warning, WorkerRecord, WorkloadRecord, sha256_of_file,
};
use crate::run::assemble::loaded;
use crate::run::load_warnings::{self, AsLoaded};
use crate::run::machine_monitor::Around;
use crate::run::plan::{ExperimentPlan, ReadyArm};
use crate::workload::TextTokenizer;

/// What was measured, as far as it stands in a record.
pub(in crate::run) struct Measured<'a> {
    pub(in crate::run) session: &'a Session,
    pub(in crate::run) around: &'a [Around],
    pub(in crate::run) same_after_run: bool,
    pub(in crate::run) ran: Option<ProvenDevice>,
}

/// The record of a run whose output has not been judged: identities and processes, and no sample yet.
pub(super) fn record(
    plan: &ExperimentPlan<'_>,
    ready: &ReadyArm<'_>,
    worker_plan: &Plan,
    measured: Measured<'_>,
) -> Result<Arm> {
    let identity = ready.identity;
    let session = measured.session;
    let resolved = session.processes.iter().find_map(|process| process.resolved.as_ref());
    let loaded = loaded(session);
    let handshake = session.processes.iter().find_map(|process| process.handshake.as_ref());
    Ok(Arm {
        label: ready.label.clone(),
        differences: ready.differences.clone(),
        host_loop: ready.host_loop.clone(),
        attention: loaded.and_then(|loaded| loaded.attention.clone()),
        infer_span: loaded.map(|loaded| loaded.infer_span).unwrap_or_default(),
        worker: WorkerRecord {
            name: handshake.map(|handshake| handshake.worker.clone()),
            protocol: handshake.map(|handshake| handshake.protocol),
            ..identity.worker.clone()
        },
        outcome: Outcome::Failed,
        failure: None,
        commit: identity.commit.clone(),
        device: DeviceRecord {
            requested: ready.requested.to_owned(),
            reason: resolved.and_then(|resolved| resolved.fallback_reason.clone()),
            ran: measured.ran,
        },
        runtime: resolved.map(|resolved| runtime(resolved, session)),
        environment_variables: identity.environment_variables.clone(),
        model: model_record(ready, loaded, measured.same_after_run)?,
        workload: WorkloadRecord {
            template_tokens: ready.model.tokenizer.as_ref().map(TextTokenizer::template_tokens),
            ..WorkloadRecord::new(plan.prompts.clone(), worker_plan.processes, worker_plan.new_tokens)?
        },
        state_seen_empty: !session.processes.is_empty()
            && session.processes.iter().all(|process| process.state_seen_empty),
        processes: processes(session, measured.around),
        prompts: Vec::new(),
        samples: Vec::new(),
        warm_load: WarmLoad::of(&session.processes),
        logit_drift: None,
        warnings: still_warm(measured.around)
            .into_iter()
            .chain(resolved.map(|resolved| warnings(ready.requested, resolved, loaded)).unwrap_or_default())
            .chain(states_not_observed(session))
            .chain(ready.model.tokenizer_warning())
            .collect(),
    })
}

/// Processes that started warmer than the first.
fn still_warm(around: &[Around]) -> Option<Warning> {
    let warmer = around.iter().filter_map(|around| around.still_warm.as_ref());
    let worst = warmer.max_by(|one, other| one.above_celsius.total_cmp(&other.above_celsius))?;
    Some(Warning::new(
        "still-warm",
        format!(
            "a process started with `{}` {:.1} C above the first process's start",
            worst.sensor, worst.above_celsius
        ),
        "a warmer start may be a slower one: give the machine more air, or measure in a cooler room",
    ))
}

fn processes(session: &Session, around: &[Around]) -> Vec<ProcessRecord> {
    let mut records: Vec<ProcessRecord> = session.processes.iter().map(ProcessRecord::from).collect();
    for (record, around) in records.iter_mut().zip(around) {
        record.bandwidth_before = Some(around.bandwidth_before.clone());
        record.guards.clone_from(&around.guards);
    }
    records
}

fn runtime(resolved: &DeviceResolvedEvent, session: &Session) -> RuntimeRecord {
    let loaded = loaded(session);
    let all = session.processes.iter().filter_map(|process| process.loaded.as_ref());
    let warm = all.into_iter().find(|loaded| !loaded.properties_warm.is_empty());
    RuntimeRecord {
        openvino_version: resolved.openvino_version.clone(),
        openvino_build: resolved.openvino_build.clone(),
        properties_requested: resolved.properties_requested.clone(),
        properties_effective: loaded.map(|loaded| loaded.properties_effective.clone()).unwrap_or_default(),
        properties_warm: warm.map(|warm| warm.properties_warm.clone()).unwrap_or_default(),
    }
}

/// What must be known of the load, before anything is judged.
pub(in crate::run) fn warnings(
    requested: &str,
    resolved: &DeviceResolvedEvent,
    loaded: Option<&LoadedEvent>,
) -> Vec<Warning> {
    let Some(loaded) = loaded else { return Vec::new() };
    load_warnings::of(&AsLoaded {
        requested,
        target: &resolved.device,
        fallback_reason: resolved.fallback_reason.as_deref(),
        emulated_reason: resolved.facts.emulated_reason.as_deref(),
        properties: &resolved.properties_requested,
        effective: &loaded.properties_effective,
    })
}

/// Why it was not observed that the KV cache was empty before each generation.
fn states_not_observed(session: &Session) -> Option<Warning> {
    let reason = session.processes.iter().find_map(|process| process.state_not_observed.as_ref())?;
    Some(Warning::new(
        "state-not-observed",
        format!("it was not observable that the KV cache was empty before each prompt: {reason}"),
        "the cache is reset all the same; a tested OpenVINO release with an uncompressed cache shows it",
    ))
}

fn model_record(
    ready: &ReadyArm<'_>,
    loaded: Option<&LoadedEvent>,
    same_after_run: bool,
) -> Result<ModelRecord> {
    let identity = &ready.model.identity;
    let edited = ready.edited.filter(|_| loaded.is_some_and(|loaded| loaded.unedited_reason.is_none()));
    Ok(ModelRecord {
        name: identity.name.clone(),
        sha256: identity.sha256.clone(),
        files: identity.files.clone(),
        manifest_verified: identity.manifest == ManifestCheck::Verified,
        same_after_run,
        edited_graph_sha256: edited.map(|edited| sha256_of_file(edited.path())).transpose()?,
        unedited_reason: loaded.and_then(|loaded| loaded.unedited_reason.clone()),
        shape: Some(ModelShape::of(&ready.model.folder)),
        // A graph that is not understood has no roofline, and runs all the same.
        active_weights: ActiveWeights::of(&ready.model.graph, ready.model.folder.config()).ok(),
    })
}
