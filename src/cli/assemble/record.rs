//! Puts a run record together from identities and processes.

use crate::cli::assemble::cost::cost;
use crate::cli::assemble::{Judging, loaded};
use crate::cli::load_warnings::{self, AsLoaded};
use crate::cli::measuring::{Around, Identity};
use crate::engine::ModelShape;
use crate::engine::openvino::ActiveWeights;
use crate::error::Result;
use crate::measure::CanaryReading;
use crate::measure::protocol::{LoadedEvent, SettledEvent};
use crate::measure::supervisor::{Session, WarmLoad};
use crate::record::{
    DeviceRecord, ManifestCheck, ModelRecord, Outcome, ProcessRecord, ProvenDevice, RunRecord, RuntimeRecord,
    Warning, WorkerRecord, WorkloadRecord, sha256_of_file,
};
use crate::workload::TextTokenizer;

/// What was measured, as far as it stands in a record.
pub(in crate::cli) struct Measured<'a> {
    pub(in crate::cli) session: &'a Session,
    pub(in crate::cli) around: &'a [Around],
    pub(in crate::cli) canary_after: Option<CanaryReading>,
    pub(in crate::cli) same_after_run: bool,
    pub(in crate::cli) ran: Option<ProvenDevice>,
}

/// The record of a run whose output has not been judged: identities and processes, and no sample yet.
pub(in crate::cli) fn record(
    identity: Identity,
    judging: Judging<'_>,
    measured: Measured<'_>,
) -> Result<RunRecord> {
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
        runtime: settled.map(|settled| runtime(settled, session)),
        environment_variables: identity.environment_variables,
        model: model_record(&judging, loaded, measured.same_after_run)?,
        workload: WorkloadRecord {
            template_tokens: judging.model.tokenizer.as_ref().map(TextTokenizer::template_tokens),
            ..WorkloadRecord::new(judging.asked, judging.plan.processes, judging.plan.new_tokens)?
        },
        state_seen_empty: !session.processes.is_empty()
            && session.processes.iter().all(|process| process.state_seen_empty),
        processes: processes(session, measured.around),
        canary_after: measured.canary_after,
        prompts: Vec::new(),
        samples: Vec::new(),
        cost: cost(&identity.cost, session),
        warm_load: WarmLoad::of(&session.processes),
        logit_drift: None,
        criterion: judging.criterion,
        published: Some(judging.published),
        warnings: still_warm(measured.around)
            .into_iter()
            .chain(settled.map(|settled| warnings(judging.requested, settled, loaded)).unwrap_or_default())
            .chain(states_not_observed(session))
            .chain(judging.model.tokenizer_warning())
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
        record.canary_before = Some(around.canary_before.clone());
        record.guards.clone_from(&around.guards);
    }
    records
}

fn runtime(settled: &SettledEvent, session: &Session) -> RuntimeRecord {
    let loaded = loaded(session);
    let all = session.processes.iter().filter_map(|process| process.loaded.as_ref());
    let warm = all.into_iter().find(|loaded| !loaded.properties_warm.is_empty());
    RuntimeRecord {
        openvino_version: settled.openvino_version.clone(),
        openvino_build: settled.openvino_build.clone(),
        properties_asked: settled.properties_asked.clone(),
        properties_effective: loaded.map(|loaded| loaded.properties_effective.clone()).unwrap_or_default(),
        properties_warm: warm.map(|warm| warm.properties_warm.clone()).unwrap_or_default(),
    }
}

/// What must be known of the load, before anything is judged.
pub(in crate::cli) fn warnings(
    requested: &str,
    settled: &SettledEvent,
    loaded: Option<&LoadedEvent>,
) -> Vec<Warning> {
    let Some(loaded) = loaded else { return Vec::new() };
    load_warnings::of(&AsLoaded {
        requested,
        target: &settled.device,
        fallback_because: settled.fallback_because.as_deref(),
        emulated_reason: settled.facts.emulated_reason.as_deref(),
        asked: &settled.properties_asked,
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
        shape: Some(ModelShape::of(&judging.model.folder)),
        // A graph that is not understood has no roofline, and runs all the same.
        active_weights: ActiveWeights::of(&judging.model.graph, judging.model.folder.config()).ok(),
    })
}
