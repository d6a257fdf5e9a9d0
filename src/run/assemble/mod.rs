//! Puts the record of an experiment together from what was found, measured and judged.

mod arm;
mod cost;
mod drift;
mod prompts;
mod proof;
mod record;

use crate::error::{Error, ErrorKind, Result};
use crate::judge::environment::Guard;
use crate::measure::BandwidthReading;
use crate::measure::protocol::LoadedEvent;
use crate::measure::supervisor::{ExitReason, Session};
use crate::record::{
    Arm, Experiment, HarnessCost, Machine, Outcome, PlanKind, Round, StopReason, Warning, check_consistency,
};
use crate::run::Ran;
use crate::run::arm_session::ArmSession;
use crate::run::live::LiveRounds;
use crate::run::machine_warnings;
use crate::run::plan::ExperimentPlan;
use crate::run::schedule::{Driven, Ended};
use crate::sys::{Clock, MonotonicClock};
use arm::{AssembledArm, assemble_arm};

pub(super) use drift::epsilon_logit;
pub use drift::epsilon_logit_of;
pub(super) use record::warnings;

/// The record of an experiment whose arms are the same, byte for byte: nothing is measured.
pub(super) fn identical(plan: &ExperimentPlan<'_>) -> Result<Experiment> {
    let (mut arms, mut machine) = (Vec::new(), None);
    for ready in &plan.arms {
        let assembled = assemble_arm(plan, ready, ArmSession::default())?;
        arms.push(Arm { outcome: Outcome::NotMeasured, ..assembled.arm });
        machine = Some(assembled.machine);
    }
    Ok(Experiment {
        outcome: Outcome::NotMeasured,
        stop_reason: Some(StopReason::Identical),
        ..begun(plan, machine, arms)?
    })
}

/// The record of rounds that were measured, however they ended.
pub(super) fn measured(
    plan: &ExperimentPlan<'_>,
    live: LiveRounds<'_>,
    driven: &Driven,
    after: Result<BandwidthReading>,
) -> Result<Ran> {
    let LiveRounds { context, mut sessions, began_with, untimed_pass_ns, .. } = live;
    let interrupted = sessions.iter().any(|session| session.session.exit_reason == ExitReason::Interrupted);
    let whole = driven.orders.len();
    if interrupted && plan.arms.len() > 1 {
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
        cost::add(&mut cost, &session.session);
        let AssembledArm { arm, machine, failed: of_arm, hashing_ns } = assemble_arm(plan, ready, session)?;
        cost.hashing_ns += hashing_ns;
        failed = failed.or(of_arm.map(|error| named(plan, &ready.label, arms.len(), error)));
        arms.push(arm);
        machines.push(machine);
    }
    let failed = failed.or(after.as_ref().err().cloned()).filter(|_| !interrupted);
    let outcome = outcome(&arms, failed.as_ref(), driven.ended, interrupted);
    let has_figures = interrupted && whole > 0;
    if plan.arms.len() > 1 && matches!(outcome, Outcome::Interrupted | Outcome::Failed) && !has_figures {
        // What one arm did well is no half of a comparison.
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
    cost.wall_ns = MonotonicClock.now_ns() - plan.began_ns;
    record.cost = cost;
    Ok(Ran { record, failed })
}

fn begun(plan: &ExperimentPlan<'_>, machine: Option<Machine>, arms: Vec<Arm>) -> Result<Experiment> {
    let machine = machine.ok_or_else(|| Error::harness("there is no arm to record"))?;
    Ok(Experiment {
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
        PlanKind::Bench => error,
        PlanKind::Ab => error.of(if at == 0 { "the base" } else { "the head" }),
        PlanKind::Peers => error.of(&format!("engine `{label}`")),
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
        Ended::Early(StopReason::Budget) if kind == PlanKind::Peers => Some(Warning::new(
            "budget",
            "the time budget was exhausted before all rounds were made",
            "fewer rounds have wider intervals: give more time",
        )),
        Ended::Early(StopReason::Guards) if kind == PlanKind::Peers => Some(Warning::new(
            "invalidated-rounds",
            "guards invalidated more rounds than are made again",
            "measure on a quiet machine; or let them count with `--ignore-guards`",
        )),
        _ => None,
    }
}

fn warn_of_machine(record: &mut Experiment, began_with: Option<usize>) {
    let warnings: Vec<Vec<Warning>> = record.views().map(machine_warnings::warnings).collect();
    for (at, (arm, mut warnings)) in record.arms.iter_mut().zip(warnings).enumerate() {
        if record.plan != PlanKind::Bench && began_with != Some(at) {
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
        PlanKind::Bench | PlanKind::Peers => {
            "a worker reported what cannot be: measure again, and report it if it happens again"
        }
    });
    (record.outcome, record.stop_reason) = (Outcome::Failed, None);
    record.failure = Some(error.to_string());
    record.samples_mut().for_each(|sample| sample.times = None);
    if let ([arm], PlanKind::Bench) = (record.arms.as_mut_slice(), record.plan) {
        (arm.outcome, arm.failure) = (record.outcome, record.failure.clone());
        arm.prompts = Vec::new();
    }
    Some(error)
}

/// What the first process that came so far has loaded.
fn loaded(session: &Session) -> Option<&LoadedEvent> {
    session.processes.iter().find_map(|process| process.loaded.as_ref())
}
