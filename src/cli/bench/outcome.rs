//! From a session to a record: every prompt's output is judged before any time is kept.

use crate::cli::assemble::{self, Measured};
use crate::cli::bench::attendant::StandBy;
use crate::cli::bench::identity::Identity;
use crate::cli::bench::{Around, environment};
use crate::cli::edited_graph::EditedGraph;
use crate::cli::exit_code;
use crate::cli::loading::{FoundModel, known_hashes};
use crate::engine::{Path, Witness};
use crate::error::{Error, ErrorKind, Result};
use crate::golden::{Finding, GoldenResult, LogitDrift, Probe};
use crate::judge::environment::threshold::SUSPEND_NS;
use crate::measure::supervisor::{Ending, Session};
use crate::measure::{Clock, Estimate, MonotonicClock, Plan, suspended_ns};
use crate::record::{AskedPrompt, Outcome, PublishedReference, RunRecord, judge_session, kept_samples};

/// What judging needs beside the session.
pub(in crate::cli) struct Judging<'a> {
    pub(in crate::cli) model: &'a FoundModel,
    pub(in crate::cli) plan: &'a Plan,
    pub(in crate::cli) asked: Vec<AskedPrompt>,
    pub(in crate::cli) probe: Option<Probe>,
    pub(in crate::cli) criterion: Vec<Estimate>,
    pub(in crate::cli) published: PublishedReference,
    pub(in crate::cli) edited: Option<&'a EditedGraph>,
    pub(in crate::cli) requested: &'a str,
    pub(in crate::cli) began_ns: u64,
}

/// A run that has been judged.
pub(super) struct Judged {
    pub(super) record: RunRecord,
    /// The exit code, or what failed.
    pub(super) end: Result<u8>,
}

/// Judges the session and makes its record, which is worth keeping whatever the end: what was done
/// before a failure stands in it, and the failure.
///
/// # Errors
/// Bad input that was found before anything was loaded: there is nothing to record.
pub(super) fn judge_into(
    mut identity: Identity,
    judging: Judging<'_>,
    mut session: Session,
    stand_by: &mut StandBy,
) -> Result<Judged> {
    let loaded = session.processes.iter().any(|process| process.loaded.is_some());
    if let Some(error) = session.ending.error().filter(|error| !loaded && error.kind() == ErrorKind::Input) {
        stand_by.finish();
        return Err(error);
    }
    let (model, plan) = (judging.model, judging.plan);
    let samples = session.samples();
    let untimed_ns = MonotonicClock.now_ns();
    let epsilon_logit = assemble::epsilon_logit(&model.goldens, &session);
    let findings = match session.witness() {
        Some(witness) => judge_session(witness, plan, &samples, &model.goldens, epsilon_logit),
        None => Ok(Vec::new()),
    };
    let drift = match session.witness() {
        Some(witness) if findings.is_ok() => drift(judging.probe.as_ref(), witness),
        _ => Ok(None),
    };
    identity.cost.untimed_pass_ns = MonotonicClock.now_ns() - untimed_ns;
    session.finish();
    let after = stand_by.surroundings.finish();
    stand_by.finish();
    let surroundings = &mut stand_by.surroundings;
    identity.cost.canary_ns = surroundings.canary_ns;
    identity.cost.cool_down_ns = surroundings.cool_down_ns;
    let hashing_ns = MonotonicClock.now_ns();
    let unchanged = model.identity.check_unchanged(&model.folder, &mut known_hashes());
    identity.cost.hashing_ns += MonotonicClock.now_ns() - hashing_ns;

    let proven = assemble::prove(&session, &surroundings.processes);
    let failed = [
        session.ending.error(),
        findings.as_ref().err().cloned(),
        drift.as_ref().err().cloned(),
        unchanged.as_ref().err().cloned(),
        proven.as_ref().err().cloned(),
        after.err(),
        slept(&surroundings.processes),
    ];
    let failed = failed.into_iter().flatten().next();
    let measured = Measured {
        session: &session,
        around: &surroundings.processes,
        canary_after: surroundings.canary_after.clone(),
        same_after_run: unchanged.is_ok(),
        ran: proven.ok().flatten(),
    };
    let began_ns = judging.began_ns;
    let drift = drift.unwrap_or_default();
    let drift = drift.map(|drift| assemble::drift_record(drift, judging.probe.as_ref(), &session));
    let mut record = assemble::record(identity, judging, measured)?;
    record.warnings.extend(drift.as_ref().and_then(assemble::drift_warning));
    record.logit_drift = drift;
    let findings = findings.unwrap_or_default();
    let end = fill_in(&mut record, model, plan, &session, &findings, failed);
    let about_the_machine = environment::warnings(&record);
    record.warnings.extend(about_the_machine);
    record.cost.wall_ns = MonotonicClock.now_ns() - began_ns;
    Ok(Judged { record, end })
}

/// How far the logits have moved on the model's probe; an untimed pass.
fn drift(probe: Option<&Probe>, witness: &mut dyn Witness) -> Result<Option<LogitDrift>> {
    let Some(probe) = probe else { return Ok(None) };
    let pass = witness.witness(probe.prompt(), Path::Forced(probe.forced()))?;
    probe.drift(&pass).map(Some)
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

/// Outcome, samples and words on the output; speed only where all went well.
fn fill_in(
    record: &mut RunRecord,
    model: &FoundModel,
    plan: &Plan,
    session: &Session,
    findings: &[Finding],
    failed: Option<Error>,
) -> Result<u8> {
    let samples = session.samples();
    if session.ending == Ending::Interrupted {
        record.samples = kept_samples(plan, &samples, &[]);
        record.outcome = Outcome::Interrupted;
        return Ok(exit_code::INTERRUPTED);
    }
    if let Some(error) = failed {
        record.samples = kept_samples(plan, &samples, &[]);
        let wrong = error.kind() == ErrorKind::WrongOutput;
        record.outcome = if wrong { Outcome::WrongOutput } else { Outcome::Failed };
        record.failure = Some(error.to_string());
        return Err(error);
    }
    record.samples = kept_samples(plan, &samples, findings);
    record.prompts = assemble::prompt_records(model, plan, &samples, findings);
    record.warnings.extend(assemble::golden_warnings(plan, findings, model));
    let wrong = findings.iter().any(|finding| finding.result == GoldenResult::Break);
    record.outcome = if wrong { Outcome::WrongOutput } else { Outcome::Complete };
    Ok(if wrong { exit_code::WRONG_OUTPUT } else { exit_code::PASS })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::guard::Watch;
    use crate::measure::{CanaryReading, ClockPair, Observed, SysfsRoot};

    /// A process between whose clocks the machine slept for so long.
    fn after_a_sleep_of(slept_ns: u64) -> Around {
        let nothing = tempfile::tempdir().unwrap();
        let mut log = Watch::start(SysfsRoot::at(nothing.path().to_owned()), || 0, None).finish();
        let pair = |monotonic_ns, boottime_ns| Observed::Observed(ClockPair { monotonic_ns, boottime_ns });
        log.clocks_before = pair(1_000, 5_000);
        log.clocks_after = pair(2_000, 6_000 + slept_ns);
        let canary_before = CanaryReading { buffer_bytes: 1, threads: 1, pass_ns: vec![1] };
        Around { canary_before, still_warm: None, guards: Some(log) }
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
