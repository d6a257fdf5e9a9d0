//! Puts the record of an experiment together from what was found, measured and judged.

mod arm;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::engine::openvino::{DeviceKind, OpenVinoEngine};
use crate::error::{Error, ErrorKind, Result};
use crate::golden::{
    Conditions, Divergence, Finding, GoldenResult, GoldenSet, LogitDrift, Probe, conditions,
};
use crate::judge::environment::{Guard, GuardState, ProcessGuards, TimeSpan, of_process};
use crate::measure::protocol::LoadedEvent;
use crate::measure::supervisor::{ExitReason, ProcessFacts, Purpose, Session};
use crate::measure::{BandwidthReading, Plan, Role, Sample};
use crate::record::{
    Arm, DeviceEvidence, DivergenceText, Experiment, HarnessCost, LogitDriftRecord, Machine, Outcome,
    PlanKind, PromptRecord, ProvenDevice, Round, StopReason, Warning, check_consistency,
};
use crate::run::Ran;
use crate::run::assemble::arm::{AssembledArm, assemble_arm};
use crate::run::live::{ArmSession, LiveRounds};
use crate::run::machine_monitor::Around;
use crate::run::model::FoundModel;
use crate::run::plan::ExperimentPlan;
use crate::run::schedule::{Driven, Ended};
use crate::run::warnings::{invalid_rounds, machine_warnings};
use crate::sys::{Clock, MonotonicClock};
use crate::workload::TokenId;

pub(super) use arm::warnings;

/// The record of an experiment whose arms are the same, byte for byte: nothing is measured.
pub(super) fn identical(plan: &ExperimentPlan<'_>) -> Result<Experiment> {
    let (mut arms, mut machine) = (Vec::new(), None);
    for ready in &plan.arms {
        let assembled = assemble_arm(plan, ready, ArmSession::default(), &[])?;
        arms.push(Arm { outcome: Outcome::NotMeasured, ..assembled.arm });
        machine = Some(assembled.machine);
    }
    Ok(Experiment {
        outcome: Outcome::NotMeasured,
        stop_reason: Some(StopReason::Identical),
        ..begun(plan, machine, arms)?
    })
}

pub(super) fn measured(
    plan: &ExperimentPlan<'_>,
    live: LiveRounds<'_>,
    driven: &Driven,
    after: Result<BandwidthReading>,
) -> Result<Ran> {
    let LiveRounds { context, control, mut sessions, began_with, untimed_pass_ns, skipped, .. } = live;
    let interrupted = sessions.iter().any(|session| session.session.exit_reason == ExitReason::Interrupted)
        || (plan.soak.is_some() && control.stop.load(Ordering::Relaxed));
    let whole = driven.orders.len();
    if interrupted && plan.keeps_whole_rounds() {
        for session in &mut sessions {
            session.keep_whole_rounds(whole);
        }
    }
    let mut cost = HarnessCost {
        bandwidth_reference_ns: context.monitor.bandwidth_reference_ns,
        cool_down_ns: context.monitor.cool_down_ns,
        untimed_pass_ns,
        ..plan.cost.clone()
    };
    let (mut arms, mut machines, mut failed) = (Vec::new(), Vec::new(), None);
    for (ready, session) in plan.arms.iter().zip(sessions) {
        add_cost(&mut cost, &session.session);
        let AssembledArm { arm, machine, failed: of_arm, hashing_ns } =
            assemble_arm(plan, ready, session, &skipped)?;
        cost.hashing_ns += hashing_ns;
        failed = failed.or(of_arm.map(|error| named(plan, &ready.label, arms.len(), error)));
        arms.push(arm);
        machines.push(machine);
    }
    let failed = failed.or(after.as_ref().err().cloned()).filter(|_| !interrupted);
    let outcome = outcome(&arms, failed.as_ref(), driven.ended, interrupted);
    let has_values = interrupted && whole > 0;
    if plan.keeps_whole_rounds() && matches!(outcome, Outcome::Interrupted | Outcome::Failed) && !has_values {
        // What one arm did well is no half of a comparison, and what was cut short is no soak.
        arms.iter_mut().flat_map(|arm| &mut arm.samples).for_each(|sample| sample.times = None);
    }
    if interrupted {
        // No arm came to its end, whichever was interrupted.
        for arm in &mut arms {
            arm.outcome = outcome;
        }
    }
    let failed = failed.or_else(|| {
        let nobody_said = || Error::harness("the rounds came to no end, and nobody said why");
        (outcome == Outcome::Failed).then(nobody_said)
    });
    let subject = if plan.kind == PlanKind::Ab { machines.pop() } else { machines.into_iter().next() };
    let mut record = Experiment {
        outcome,
        failure: failed.as_ref().map(ToString::to_string),
        rounds: driven.orders.iter().map(|order| Round { order: order.clone() }).collect(),
        stop_reason: match driven.ended {
            Ended::Early(reason) => Some(reason),
            Ended::Complete | Ended::Failed => None,
        },
        bandwidth_after: after.ok(),
        criterion: plan.criterion.clone(),
        warnings: early_end(plan.kind, driven.ended).into_iter().collect(),
        ..begun(plan, subject, arms)?
    };
    let failed = failed.or_else(|| refuse_contradiction(&mut record));
    warn_of_machine(&mut record, began_with);
    record.warnings.extend(invalid_rounds(&record));
    cost.wall_ns = MonotonicClock.now_ns() - plan.began_ns;
    record.cost = cost;
    Ok(Ran { record, failed })
}

fn begun(plan: &ExperimentPlan<'_>, machine: Option<Machine>, arms: Vec<Arm>) -> Result<Experiment> {
    let machine = machine.ok_or_else(|| Error::harness("there is no arm to record"))?;
    Ok(Experiment {
        unit_id: plan.unit_id.clone(),
        suite: plan.suite.clone(),
        inputs: plan.inputs.clone(),
        sampling: plan.sampling(),
        published: Some(plan.published.clone()),
        published_engines: plan.published_engines.clone(),
        ..Experiment::begun(plan.kind, plan.when_utc.clone(), machine, arms)
    })
}

/// What failed, with the arm that it is of where there are several.
fn named(plan: &ExperimentPlan<'_>, label: &str, at: usize, error: Error) -> Error {
    match plan.kind {
        PlanKind::Bench | PlanKind::Soak => error,
        PlanKind::Ab => error.of(if at == 0 { "the base" } else { "the head" }),
        PlanKind::Peers => error.of(&format!("engine `{label}`")),
        PlanKind::Kv => error.of(&format!("arm `{label}`")),
    }
}

fn outcome(arms: &[Arm], failed: Option<&Error>, ended: Ended, interrupted: bool) -> Outcome {
    match failed {
        _ if interrupted => Outcome::Interrupted,
        Some(error) if error.kind() == ErrorKind::WrongOutput => Outcome::WrongOutput,
        Some(_) => Outcome::Failed,
        None if ended == Ended::Failed => Outcome::Failed,
        None if arms.iter().any(|arm| arm.outcome == Outcome::WrongOutput) => Outcome::WrongOutput,
        None => Outcome::Complete,
    }
}

/// A comparison that ended early has wider intervals. An A/B says so with its verdict.
fn early_end(kind: PlanKind, ended: Ended) -> Option<Warning> {
    match ended {
        Ended::Early(StopReason::Budget) if kind.is_of_arms() => Some(Warning::new(
            "budget",
            "the time budget was exhausted before all rounds were made",
            "fewer rounds have wider intervals: give more time",
        )),
        Ended::Early(StopReason::Guards) if kind.is_of_arms() => Some(Warning::new(
            "invalidated-rounds",
            "guards invalidated more rounds than are made again",
            "measure on a quiet machine; or let them count with `--ignore-guards`",
        )),
        _ => None,
    }
}

fn warn_of_machine(record: &mut Experiment, began_with: Option<usize>) {
    let warnings: Vec<Vec<Warning>> = record.views().map(machine_warnings).collect();
    for (at, (arm, mut warnings)) in record.arms.iter_mut().zip(warnings).enumerate() {
        if !record.plan.is_alone() && began_with != Some(at) {
            // What loaded the processor before it was the arm that ran before it.
            warnings.retain(|warning| !warning.id.ends_with(Guard::CpuPressure.id()));
        }
        arm.warnings.extend(warnings);
    }
}

/// A record that contradicts itself keeps no times. Gives what failed.
fn refuse_contradiction(record: &mut Experiment) -> Option<Error> {
    let contradiction = check_consistency(record).err()?;
    let error = Error::harness(format!("the experiment {contradiction}")).hint(match record.plan {
        PlanKind::Ab => {
            "name what is to differ, as in `--head KV_CACHE_PRECISION=u8`; for anything else measure again, and \
             report it"
        }
        PlanKind::Bench | PlanKind::Peers | PlanKind::Kv | PlanKind::Soak => {
            "a worker reported what cannot be: measure again, and report it if it happens again"
        }
    });
    (record.outcome, record.stop_reason) = (Outcome::Failed, None);
    record.failure = Some(error.to_string());
    record.samples_mut().for_each(|sample| sample.times = None);
    if let ([arm], true) = (record.arms.as_mut_slice(), record.plan.is_alone()) {
        (arm.outcome, arm.failure) = (record.outcome, record.failure.clone());
        arm.prompts = Vec::new();
    }
    Some(error)
}

fn loaded(session: &Session) -> Option<&LoadedEvent> {
    session.processes.iter().find_map(|process| process.loaded.as_ref())
}

/// A drift with what is normal on the session's device and precisions.
pub(in crate::run) fn drift_record(
    drift: LogitDrift,
    probe: Option<&Probe>,
    session: &Session,
) -> LogitDriftRecord {
    let limit =
        probe.zip(loaded(session)).and_then(|(probe, loaded)| probe.limit(conditions_of(loaded)).cloned());
    LogitDriftRecord { drift, limit }
}

/// Said where the logits have moved further than is normal.
pub(in crate::run) fn drift_warning(record: &LogitDriftRecord) -> Option<Warning> {
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

fn conditions_of(loaded: &LoadedEvent) -> Conditions<'_> {
    conditions(loaded.device_kind().name(), &loaded.properties_effective)
}

/// The near-tie tolerance of a session's device and precisions.
pub(in crate::run) fn epsilon_logit(goldens: &GoldenSet, session: &Session) -> f32 {
    loaded(session).map_or(0.0, |loaded| goldens.epsilon_logit(conditions_of(loaded)))
}

/// The goldens that say what is right at the precision that a session's worker runs at.
pub(in crate::run) fn goldens_of(model: &FoundModel, session: &Session) -> GoldenSet {
    let precision = loaded(session).and_then(|it| it.properties_effective.get("INFERENCE_PRECISION_HINT"));
    model.goldens.holding_at(precision.map(String::as_str))
}

/// The near-tie tolerance of an engine that is loaded in this process.
pub fn epsilon_logit_of(goldens: &GoldenSet, engine: &OpenVinoEngine) -> f32 {
    goldens.epsilon_logit(conditions(engine.device().kind.name(), engine.properties()))
}

/// Tokens of context that are shown around a divergence.
const CONTEXT_TOKENS: usize = 12;

/// The word on each prompt, with divergences in words where a tokenizer is at hand.
pub(in crate::run) fn prompt_records(
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
    let tokenizer = model.tokenizer.as_ref().ok()?;
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
pub(in crate::run) fn golden_warnings(plan: &Plan, findings: &[Finding], model: &FoundModel) -> Vec<Warning> {
    let mut by_result: BTreeMap<GoldenResult, Vec<&str>> = BTreeMap::new();
    for (prompt, finding) in plan.prompts.iter().zip(findings) {
        by_result.entry(finding.result).or_default().push(&prompt.id);
    }
    let list = |ids: &[&str]| format!("`{}`", ids.join("`, `"));
    let mut warnings = Vec::new();
    if let Some(ids) = by_result.get(&GoldenResult::None) {
        warnings.push(Warning::new(
            "unverified",
            format!("no golden for {} of `{}`: unverified", list(ids), model.identity.name),
            "such a run can be no baseline; read the answers, then `cargo xtask golden bless --reason \"...\"`",
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

/// The proof of what ran; None where the session did not come so far. Errors: when processes ran unlike
/// things, or a device is claimed that did no work.
pub(in crate::run) fn prove(session: &Session, around: &[Around]) -> Result<Option<ProvenDevice>> {
    let measured: Vec<&ProcessFacts> =
        session.processes.iter().filter(|process| process.purpose == Purpose::Measured).collect();
    let whole = measured.iter().all(|process| process.loaded.is_some() && process.samples.len() > 1);
    let Some(first) = measured.first().and_then(|first| first.resolved.as_ref()).filter(|_| whole) else {
        return Ok(None);
    };
    let others = measured.iter().filter_map(|process| process.resolved.as_ref());
    if others.clone().any(|other| other.openvino_build != first.openvino_build || other.facts != first.facts)
    {
        return Err(Error::environment("the processes of the run did not see the same runtime and device")
            .hint("leave drivers and OpenVINO alone while measuring, then measure again"));
    }
    let samples = measured.iter().flat_map(|process| &process.samples);
    let counted = samples.filter(|sample| sample.role == Role::Measured);
    let ran = ProvenDevice::establish(DeviceEvidence {
        target: &first.device,
        execution_devices: measured
            .iter()
            .filter_map(|process| Some(process.loaded.as_ref()?.execution_devices.as_str()))
            .collect(),
        facts: first.facts.clone(),
        gpu_counters_grew: gpu_counters_grew(session, around),
        processor_ns: measured.iter().map(|process| process.processor_ns).sum(),
        generation_ns: counted.map(duration_ns).sum(),
    })?;
    match Machine::of_this_host(None)?.lacks(&ran) {
        Some(why) => {
            Err(Error::environment(format!("`{}` is said to have run: {why}", ran.execution_devices()))
                .hint("run `cargo xtask doctor`"))
        }
        None => Ok(Some(ran)),
    }
}

/// From the first measured generation of a process to the end of its last.
fn measured_part(process: &ProcessFacts) -> Option<TimeSpan> {
    let measured = process.samples.iter().filter(|sample| sample.role == Role::Measured);
    let start_ns = measured.clone().map(|sample| sample.submitted_ns).min()?;
    let end_ns = measured.filter_map(|sample| sample.token_ns.last().copied()).max()?;
    Some(TimeSpan { start_ns, end_ns })
}

/// Whether the kernel's counters of every measured worker say that a GPU worked for it; None where
/// they could not be read in one of them.
fn gpu_counters_grew(session: &Session, around: &[Around]) -> Option<bool> {
    let measured = session.processes.iter().zip(around);
    let words =
        measured.filter(|(process, _)| process.purpose == Purpose::Measured).map(|(process, around)| {
            // What loading and compiling did is no proof of who decodes.
            let timed = Some(measured_part(process)?);
            let guards = ProcessGuards { log: around.guards.as_ref()?, device: DeviceKind::Gpu, timed };
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

fn add_cost(cost: &mut HarnessCost, session: &Session) {
    let loads = session.processes.iter().filter_map(|process| process.loaded.as_ref());
    let samples = session.processes.iter().flat_map(|process| &process.samples);
    cost.load_ns +=
        loads.map(|loaded| loaded.load_ended_ns.saturating_sub(loaded.load_started_ns)).sum::<u64>();
    cost.generation_ns += samples.map(duration_ns).sum::<u64>();
}

/// From the prompt to the last token of its answer.
fn duration_ns(sample: &Sample) -> u64 {
    sample.token_ns.last().map_or(0, |last| last.saturating_sub(sample.submitted_ns))
}
