//! From two measured sides to one record.

use crate::cli::ab::live::{LivePairs, LiveSide};
use crate::cli::ab::side::{ReadySide, ReadySides};
use crate::cli::assemble::{self, BesideTurns, RunInTurns};
use crate::error::{Error, ErrorKind, Result};
use crate::gate::{Driven, Ended};
use crate::measure::supervisor::Ending;
use crate::measure::{CanaryReading, Plan};
use crate::record::{
    AbRecord, AskedPrompt, InputsRecord, Outcome, PairRecord, PolicyText, PublishedReference, RunRecord,
    SideRecord, Undecided, run_id,
};

/// What stands in the record beside the sides.
pub(super) struct Frame {
    pub(super) when_utc: String,
    pub(super) asked: Vec<AskedPrompt>,
    pub(super) published: PublishedReference,
    pub(super) inputs: InputsRecord,
    pub(super) policy: PolicyText,
    pub(super) seed: u64,
    pub(super) despite_guards: bool,
    pub(super) budget_s: Option<u64>,
    pub(super) began_ns: u64,
}

/// A record that has not been decided on, and what failed where something did.
pub(super) struct Assembled {
    pub(super) record: AbRecord,
    pub(super) failed: Option<Error>,
}

/// The record of two sides that are the same byte for byte.
pub(super) fn identical(frame: Frame, plan: &Plan, sides: &ReadySides) -> Result<AbRecord> {
    let side = |ready: &ReadySide| -> Result<SideRecord> {
        let mut run = side_run(&frame, plan, LiveSide::new(ready), None)?.run;
        run.outcome = Outcome::NotMeasured;
        Ok(side_record(ready, run))
    };
    let (base, head) = (side(&sides.base)?, side(&sides.head)?);
    Ok(frame.record(Sides { base, head }, Outcome::NotMeasured, Vec::new(), Some(Undecided::Identical)))
}

/// The record of pairs that were measured, however they ended.
pub(super) fn measured(frame: Frame, mut live: LivePairs<'_>, driven: &Driven) -> Result<Assembled> {
    let after = live.stand_by.surroundings.finish();
    let canary_after = live.stand_by.surroundings.canary_after.clone();
    live.stand_by.finish();
    let interrupted =
        [&live.base, &live.head].iter().any(|side| side.measured.session.ending == Ending::Interrupted);
    let (plan, pairs) = (live.plan, pair_records(driven));
    if interrupted {
        live.base.measured.keep_whole_turns(pairs.len());
        live.head.measured.keep_whole_turns(pairs.len());
    }
    let (base_ready, head_ready) = (live.base.ready, live.head.ready);
    let mut base = side_run(&frame, plan, live.base, canary_after.clone())?;
    let mut head = side_run(&frame, plan, live.head, canary_after)?;
    let of = |side: &mut RunInTurns, word| side.failed.take().map(|error: Error| error.of(word));
    let failed = of(&mut base, "the base").or(of(&mut head, "the head")).or(after.err());
    let has_figures = interrupted && failed.is_none() && !pairs.is_empty();
    let failed = failed.filter(|_| !interrupted);
    let outcome = match (&failed, driven.ended) {
        _ if interrupted => Outcome::Interrupted,
        (Some(error), _) if error.kind() == ErrorKind::WrongOutput => Outcome::WrongOutput,
        (Some(_), _) | (None, Ended::Failed) => Outcome::Failed,
        (None, Ended::Undecided(Undecided::WrongOutput)) => Outcome::WrongOutput,
        (None, _) => Outcome::Complete,
    };
    if matches!(outcome, Outcome::Interrupted | Outcome::Failed) {
        // What one side did well is no half of a comparison.
        for run in [&mut base.run, &mut head.run].into_iter().filter(|_| !has_figures) {
            run.samples.iter_mut().for_each(|sample| sample.times = None);
        }
    }
    if interrupted {
        // Neither side is a run that came to its end, whichever was interrupted.
        (base.run.outcome, head.run.outcome) = (outcome, outcome);
    }
    let failed = failed.or_else(|| {
        (outcome == Outcome::Failed).then(|| Error::harness("the pairs came to no end, and nobody said why"))
    });
    let undecided = match driven.ended {
        Ended::Undecided(why) => Some(why),
        Ended::Looked | Ended::Failed => None,
    };
    let sides = Sides { base: side_record(base_ready, base.run), head: side_record(head_ready, head.run) };
    let mut record = frame.record(sides, outcome, pairs, undecided);
    record.failure = failed.as_ref().map(ToString::to_string);
    Ok(Assembled { record, failed })
}

struct Sides {
    base: SideRecord,
    head: SideRecord,
}

impl Frame {
    fn record(
        self,
        sides: Sides,
        outcome: Outcome,
        pairs: Vec<PairRecord>,
        undecided: Option<Undecided>,
    ) -> AbRecord {
        AbRecord {
            run_id: run_id(),
            when_utc: self.when_utc,
            arcgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
            outcome,
            failure: None,
            base: sides.base,
            head: sides.head,
            inputs: self.inputs,
            policy: self.policy,
            seed: self.seed,
            pairs,
            despite_guards: self.despite_guards,
            budget_s: self.budget_s,
            undecided,
            decision: None,
            gate_decision: None,
            warnings: Vec::new(),
        }
    }
}

/// Pair k is of process k of both sides, for each side runs once a pair.
fn pair_records(driven: &Driven) -> Vec<PairRecord> {
    let firsts = driven.firsts.iter().enumerate();
    firsts.map(|(pair, first)| PairRecord { first: *first, base_process: pair, head_process: pair }).collect()
}

fn side_record(ready: &ReadySide, run: RunRecord) -> SideRecord {
    let words = &ready.words;
    let asked = words.to_string();
    SideRecord {
        asked: if asked.is_empty() { "this program".to_owned() } else { asked },
        differences: ready.differences(),
        run,
    }
}

/// One side as a run, with its own word on whether it went well.
fn side_run(
    frame: &Frame,
    plan: &Plan,
    live: LiveSide<'_>,
    canary_after: Option<CanaryReading>,
) -> Result<RunInTurns> {
    let LiveSide { ready, measured } = live;
    let beside = BesideTurns {
        identity: ready.identity.clone(),
        model: &ready.model,
        plan,
        asked: frame.asked.clone(),
        published: frame.published.clone(),
        edited: ready.edited.as_ref(),
        requested: &ready.engine.device,
        began_ns: frame.began_ns,
        canary_after,
    };
    assemble::run_in_turns(measured, beside)
}
