//! From a session to a record: every prompt's output is judged before any time is kept.

use crate::cli::assemble::{self, Judging, Measured};
use crate::cli::loading::known_hashes;
use crate::cli::measuring::Identity;
use crate::cli::measuring::StandBy;
use crate::cli::measuring::{self};
use crate::engine::{Path, Witness};
use crate::error::{ErrorKind, Result};
use crate::golden::{LogitDrift, Probe};
use crate::measure::supervisor::{Session, WarmLoad};
use crate::measure::{Clock, MonotonicClock};
use crate::record::{RunRecord, judge_session};

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
        WarmLoad::of(&session.processes).error(),
        findings.as_ref().err().cloned(),
        drift.as_ref().err().cloned(),
        unchanged.as_ref().err().cloned(),
        proven.as_ref().err().cloned(),
        after.err(),
        assemble::slept(&surroundings.processes),
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
    let end = assemble::fill_in(&mut record, model, plan, &session, &findings, failed);
    let about_the_machine = measuring::warnings(&record);
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
