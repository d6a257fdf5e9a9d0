//! From the session of an arm to its part of the record.

use crate::engine::ModelShape;
use crate::engine::openvino::{ActiveWeights, DeviceFacts};
use crate::error::{Error, ErrorKind, Result};
use crate::golden::{Finding, GoldenResult, Repetition};
use crate::judge::environment::threshold::SUSPEND_NS;
use crate::measure::kv::KvMethod;
use crate::measure::protocol::{CacheState, DeviceResolvedEvent, LoadedEvent};
use crate::measure::supervisor::{ExitReason, Purpose, Session, WarmLoad};
use crate::measure::{Plan, Sample};
use crate::record::{
    Arm, DeviceRecord, KvRecord, Machine, ManifestCheck, ModelRecord, Outcome, ProcessRecord, ProvenDevice,
    RuntimeRecord, Warning, WorkerRecord, WorkloadRecord, sha256_of_file, stored_samples,
};
use crate::run::assemble::{drift_record, drift_warning, golden_warnings, loaded, prompt_records, prove};
use crate::run::live::ArmSession;
use crate::run::machine_monitor::Around;
use crate::run::model::{FoundModel, known_hashes};
use crate::run::plan::{ExperimentPlan, Identity, ReadyArm, ResolvedDevice};
use crate::run::warnings::{AsLoaded, load_warnings};
use crate::sys::{Clock, MonotonicClock, suspended_ns};

pub(in crate::run) struct AssembledArm {
    pub(in crate::run) arm: Arm,
    /// The machine, with the GPU that its workers saw.
    pub(in crate::run) machine: Machine,
    pub(in crate::run) failed: Option<Error>,
    /// Time that hashing the model's files again took.
    pub(in crate::run) hashing_ns: u64,
}

pub(in crate::run) fn assemble_arm(
    plan: &ExperimentPlan<'_>,
    ready: &ReadyArm<'_>,
    measured: ArmSession,
    skipped: &[String],
) -> Result<AssembledArm> {
    let ArmSession { mut session, around, findings, drift, agreements, failed } = measured;
    if let Some(resolved) = &plan.resolved {
        for event in session.processes.iter_mut().filter_map(|process| process.resolved.as_mut()) {
            know_device(&mut event.facts, resolved);
        }
    }
    let is_measured = |purpose: Purpose| purpose == Purpose::Measured;
    let processes = session.processes.iter().filter(|process| is_measured(process.purpose)).count();
    // A `bench` has as many runs as were requested; elsewhere those that were made count.
    let processes = if plan.keeps_whole_rounds() { processes } else { plan.rounds().unwrap_or(processes) };
    let worker_plan = plan.of_worker(processes, skipped);
    let hashing_ns = MonotonicClock.now_ns();
    let unchanged = ready.model.identity.check_unchanged(&ready.model.folder, &mut known_hashes());
    let hashing_ns = MonotonicClock.now_ns() - hashing_ns;
    let proven = prove(&session, &around);
    let failed = [
        failed,
        session.exit_reason.error(),
        WarmLoad::of(&session.processes).error(),
        unchanged.as_ref().err().cloned(),
        proven.as_ref().err().cloned(),
        slept(&around),
    ];
    let failed = failed.into_iter().flatten().next();
    let facts = Measured {
        session: &session,
        around: &around,
        same_after_run: unchanged.is_ok(),
        ran: proven.ok().flatten(),
    };
    let mut arm = record(ready, &worker_plan, facts)?;
    arm.warnings.extend(skipped_prompts(skipped));
    if let Some(resolved) = &plan.resolved {
        arm.device.reason.clone_from(&resolved.fallback_reason);
    }
    let drift = drift.map(|drift| drift_record(drift, plan.probe.as_ref(), &session));
    arm.warnings.extend(drift.as_ref().and_then(drift_warning));
    arm.logit_drift = drift;
    if let Some(kv) = &mut arm.kv {
        kv.agreements = agreements;
    }
    let findings = if session.processes.is_empty() { Vec::new() } else { findings };
    fill_in(
        &mut arm,
        ready.model,
        &worker_plan,
        &session,
        &findings,
        failed.as_ref(),
        plan.keeps_whole_rounds(),
    );
    Ok(AssembledArm { arm, machine: Identity::machine(&session)?, failed, hashing_ns })
}

/// Of a device that an engine names as this program does, or not at all, the arm has what this program knows: its
/// driver, and whether it is emulated.
fn know_device(reported: &mut DeviceFacts, resolved: &ResolvedDevice) {
    if reported.full_name.is_none() || reported.full_name == resolved.facts.full_name {
        reported.clone_from(&resolved.facts);
    }
}

/// Prompts that need a filled cache, on a device whose states cannot be written.
fn skipped_prompts(skipped: &[String]) -> Option<Warning> {
    (!skipped.is_empty()).then(|| {
        Warning::new(
            "skipped-prompts",
            format!(
                "not measured: `{}`: the KV states cannot be written, which fills the cache",
                skipped.join("`, `")
            ),
            "a GPU hides the states of a compressed cache: `--property KV_CACHE_PRECISION=f16`",
        )
    })
}

/// Whether the machine slept while a process was measured: what ran before and after is no one thing.
fn slept(around: &[Around]) -> Option<Error> {
    let slept_ns = |around: &Around| {
        let log = around.guards.as_ref()?;
        Some(suspended_ns(*log.clocks_before.value()?, *log.clocks_after.value()?))
    };
    let longest_ns = around.iter().filter_map(slept_ns).max().filter(|slept_ns| *slept_ns > SUSPEND_NS)?;
    Some(
        Error::environment(format!(
            "the machine slept for {:.1} s while it was measured",
            longest_ns as f64 / 1e9
        ))
        .hint("keep it awake, and measure again"),
    )
}

/// Outcome, samples and verdicts on the output; speed only where all went well.
fn fill_in(
    arm: &mut Arm,
    model: &FoundModel,
    plan: &Plan,
    session: &Session,
    findings: &[Finding],
    failed: Option<&Error>,
    has_values: bool,
) {
    let samples = session.samples();
    if session.exit_reason == ExitReason::Interrupted {
        // Whole rounds have values; a `bench` has none before its end.
        let findings = if has_values { findings } else { &[] };
        arm.samples = stored_samples(plan, &samples, findings);
        arm.prompts = prompt_records(model, plan, &samples, findings);
        arm.outcome = Outcome::Interrupted;
        return;
    }
    if let Some(error) = failed {
        (arm.samples, arm.prompts) = (stored_samples(plan, &samples, &[]), Vec::new());
        let wrong = error.kind() == ErrorKind::WrongOutput;
        arm.outcome = if wrong { Outcome::WrongOutput } else { Outcome::Failed };
        arm.failure = Some(error.to_string());
        return;
    }
    arm.samples = stored_samples(plan, &samples, findings);
    arm.prompts = prompt_records(model, plan, &samples, findings);
    let wrong = findings.iter().any(|finding| finding.result == GoldenResult::Break);
    arm.outcome = if wrong { Outcome::WrongOutput } else { Outcome::Complete };
    // Of a changed cache another token is a result, and no golden judges it.
    if arm.kv.as_ref().is_none_or(|kv| kv.method == KvMethod::Unchanged) {
        arm.warnings.extend(golden_warnings(plan, findings, model));
    }
    arm.warnings.extend(compiled_model_warning(arm, session, wrong));
    arm.warnings.extend(repetitions(plan, &samples));
}

/// Answers that end in a loop: of a long answer they say that what was measured may be no text.
fn repetitions(plan: &Plan, samples: &[Sample]) -> Option<Warning> {
    let found = plan.prompts.iter().filter_map(|prompt| {
        let answer = samples.iter().find(|sample| sample.prompt_id == prompt.id)?;
        let Repetition { begins_at, period_tokens } = Repetition::at_the_end_of(&answer.token_ids)?;
        Some(format!("`{}` from token {} on, in parts of {period_tokens}", prompt.id, begins_at + 1))
    });
    let found: Vec<String> = found.collect();
    (!found.is_empty()).then(|| {
        Warning::new(
            "answer-repeats",
            format!("the answer repeats itself: {}", found.join("; ")),
            "greedy decoding may loop without a fault; read it with `cargo xtask infer` before it counts as an answer",
        )
    })
}

/// What a reader must know of the cache of compiled models.
fn compiled_model_warning(record: &Arm, session: &Session, wrong: bool) -> Option<Warning> {
    if record.warm_load == WarmLoad::NotTested {
        return Some(Warning::new(
            "warm-load-not-tested",
            "not tested: whether a model from the compiled-model cache gives the tokens of the cold load",
            "`cargo xtask bench` without `--quick` compares them whenever it fills the cache",
        ));
    }
    let warm = session.processes.iter().filter_map(|process| process.resolved.as_ref());
    let mut warm = warm.filter(|resolved| resolved.compiled_model_cache == CacheState::Warm);
    let folder = warm.next().filter(|_| wrong)?.compiled_model_folder.as_ref()?;
    Some(Warning::new(
        "wrong-output-after-warm-load",
        format!("the wrong output came from a model in the compiled-model cache `{}`", folder.display()),
        "remove that folder and measure again: if the output is then right, the cache was at fault",
    ))
}

/// What was measured, as far as it stands in a record.
pub(in crate::run) struct Measured<'a> {
    pub(in crate::run) session: &'a Session,
    pub(in crate::run) around: &'a [Around],
    pub(in crate::run) same_after_run: bool,
    pub(in crate::run) ran: Option<ProvenDevice>,
}

/// The record of a run whose output has not been judged: identities and processes, and no sample yet.
pub(super) fn record(ready: &ReadyArm<'_>, worker_plan: &Plan, measured: Measured<'_>) -> Result<Arm> {
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
            template_tokens: ready.model.tokenizer.as_ref().ok().map(|it| it.template_tokens().clone()),
            ..WorkloadRecord::new(worker_plan.prompts.clone(), worker_plan.processes, worker_plan.new_tokens)?
        },
        state_seen_empty: !session.processes.is_empty()
            && session.processes.iter().all(|process| process.state_seen_empty),
        processes: processes(session, measured.around),
        prompts: Vec::new(),
        samples: Vec::new(),
        warm_load: WarmLoad::of(&session.processes),
        logit_drift: None,
        distribution_drift: None,
        profile: None,
        kv: ready.kv.as_ref().map(|kv| KvRecord {
            transform: kv.transform.clone(),
            method: kv.method,
            uses: session.processes.iter().flat_map(|process| process.kv_uses.iter().copied()).collect(),
            agreements: Vec::new(),
        }),
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
    load_warnings(&AsLoaded {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::BandwidthReading;
    use crate::measure::guard::Watch;
    use crate::sys::{ClockPair, Observed, SysfsRoot};

    /// A process between whose clocks the machine slept for so long.
    fn after_a_sleep_of(slept_ns: u64) -> Around {
        let nothing = tempfile::tempdir().unwrap();
        let mut log = Watch::start(SysfsRoot::at(nothing.path().to_owned()), || 0, None).finish();
        let pair = |monotonic_ns, boottime_ns| Observed::Observed(ClockPair { monotonic_ns, boottime_ns });
        log.clocks_before = pair(1_000, 5_000);
        log.clocks_after = pair(2_000, 6_000 + slept_ns);
        let bandwidth_before = BandwidthReading { buffer_bytes: 1, threads: 1, pass_ns: vec![1] };
        Around { bandwidth_before, still_warm: None, guards: Some(log) }
    }

    #[test]
    fn a_machine_that_slept_in_any_process_gives_no_speed_and_a_breath_is_no_sleep() {
        assert_eq!(slept(&[after_a_sleep_of(0), after_a_sleep_of(900_000_000)]), None);
        let error = slept(&[after_a_sleep_of(0), after_a_sleep_of(7_500_000_000)]).unwrap();
        assert_eq!(error.kind(), ErrorKind::Environment);
        assert_eq!(error.to_string(), "the machine slept for 7.5 s while it was measured");
        assert_eq!(slept(&[]), None);
    }
}
