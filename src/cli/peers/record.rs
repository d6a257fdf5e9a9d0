//! From measured engines to one record.

use crate::cli::assemble::{self, BesideTurns, RunInTurns};
use crate::cli::loading::FoundModel;
use crate::cli::peers::live::{LiveEngine, LiveRounds};
use crate::engine::openvino::DeviceFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::gate::{DrivenRounds, RoundsEnded};
use crate::judge::environment::Guard;
use crate::measure::supervisor::Ending;
use crate::measure::{CanaryReading, Plan};
use crate::record::{
    AskedPrompt, Outcome, PeerRecord, PeersRecord, PublishedFigure, PublishedReference, RoundRecord, Warning,
    run_id,
};

/// What stands in the record beside the engines.
pub(super) struct Frame<'a> {
    pub(super) when_utc: String,
    pub(super) asked: Vec<AskedPrompt>,
    pub(super) published: PublishedReference,
    pub(super) published_engines: Vec<PublishedFigure>,
    pub(super) model: &'a FoundModel,
    pub(super) edited: Option<&'a crate::cli::edited_graph::EditedGraph>,
    /// The device, as the user asked for it, and why another ran.
    pub(super) requested: String,
    pub(super) fallback_because: Option<String>,
    /// What this program knows of that device: an engine of another language knows less.
    pub(super) device_facts: DeviceFacts,
    pub(super) rounds_asked: usize,
    pub(super) despite_guards: bool,
    pub(super) budget_s: Option<u64>,
    pub(super) began_ns: u64,
}

/// The record, and what failed where something did.
pub(super) struct Assembled {
    pub(super) record: PeersRecord,
    pub(super) failed: Option<Error>,
}

/// The record of rounds that were measured, however they ended.
pub(super) fn measured(
    frame: &Frame<'_>,
    mut live: LiveRounds<'_>,
    driven: &DrivenRounds,
) -> Result<Assembled> {
    let after = live.stand_by.surroundings.finish();
    let canary_after = live.stand_by.surroundings.canary_after.clone();
    live.stand_by.finish();
    let interrupted = live.engines.iter().any(|engine| engine.measured.session.ending == Ending::Interrupted);
    let whole = driven.orders.len();
    let mut failed = None;
    let mut engines = Vec::new();
    for (at, mut engine) in live.engines.into_iter().enumerate() {
        let began = live.began_with == Some(at);
        if interrupted {
            engine.measured.keep_whole_turns(whole);
        }
        let words = engine.ready.words.to_string();
        let peer = peer(frame, live.plan, engine, canary_after.clone(), began)?;
        failed = failed.or(peer.failed.map(|error| error.of(&format!("engine `{words}`"))));
        engines.push(peer.record);
    }
    let failed = failed.or(after.err());
    let has_figures = interrupted && failed.is_none() && whole > 0;
    let failed = failed.filter(|_| !interrupted);
    let outcome = match (&failed, driven.ended) {
        _ if interrupted => Outcome::Interrupted,
        (Some(error), _) if error.kind() == ErrorKind::WrongOutput => Outcome::WrongOutput,
        (Some(_), _) | (None, RoundsEnded::Failed) => Outcome::Failed,
        (None, _) if engines.iter().any(|engine| engine.run.outcome == Outcome::WrongOutput) => {
            Outcome::WrongOutput
        }
        (None, _) => Outcome::Complete,
    };
    if matches!(outcome, Outcome::Interrupted | Outcome::Failed) {
        // What one engine did well is no half of a comparison.
        for engine in engines.iter_mut().filter(|_| !has_figures) {
            engine.run.samples.iter_mut().for_each(|sample| sample.times = None);
        }
    }
    if interrupted {
        // No engine has a run that came to its end, whichever was interrupted.
        let ended_well = engines.iter_mut().filter(|engine| engine.run.outcome == Outcome::Complete);
        ended_well.for_each(|engine| engine.run.outcome = outcome);
    }
    let failed = failed.or_else(|| {
        (outcome == Outcome::Failed).then(|| Error::harness("the rounds came to no end, and nobody said why"))
    });
    let mut engines = engines.into_iter();
    let reference = engines.next().ok_or_else(|| Error::harness("there is no engine to record"))?;
    let record = PeersRecord {
        run_id: run_id(),
        when_utc: frame.when_utc.clone(),
        arcgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
        outcome,
        failure: failed.as_ref().map(ToString::to_string),
        reference,
        others: engines.collect(),
        rounds: driven.orders.iter().map(|order| RoundRecord { order: order.clone() }).collect(),
        rounds_asked: frame.rounds_asked,
        despite_guards: frame.despite_guards,
        budget_s: frame.budget_s,
        published: frame.published_engines.clone(),
        warnings: ending_warning(driven.ended).into_iter().collect(),
    };
    Ok(Assembled { record, failed })
}

fn ending_warning(ended: RoundsEnded) -> Option<Warning> {
    match ended {
        RoundsEnded::Budget => Some(Warning::new(
            "budget",
            "the time was over before all rounds were made",
            "fewer rounds have wider intervals: give more time",
        )),
        RoundsEnded::Guards => Some(Warning::new(
            "spoilt-rounds",
            "guards spoilt more rounds than are made again",
            "measure on a quiet machine; or take them in spite of that by `--despite-guards`",
        )),
        RoundsEnded::Complete | RoundsEnded::WrongOutput | RoundsEnded::Failed => None,
    }
}

struct Peer {
    record: PeerRecord,
    failed: Option<Error>,
}

/// One engine as a run, with its own word on whether it went well.
fn peer(
    frame: &Frame<'_>,
    plan: &Plan,
    live: LiveEngine<'_>,
    canary_after: Option<CanaryReading>,
    began: bool,
) -> Result<Peer> {
    let LiveEngine { ready, mut measured } = live;
    for settled in measured.session.processes.iter_mut().filter_map(|process| process.settled.as_mut()) {
        know_device(&mut settled.facts, &frame.device_facts);
    }
    let loaded = measured.session.processes.iter().find_map(|process| process.loaded.as_ref());
    let attention = loaded.and_then(|loaded| loaded.attention.clone());
    let infer_span = loaded.map(|loaded| loaded.infer_span).unwrap_or_default();
    let beside = BesideTurns {
        identity: ready.identity.clone(),
        model: frame.model,
        plan,
        asked: frame.asked.clone(),
        published: frame.published.clone(),
        edited: frame.edited.filter(|_| ready.can_witness()),
        requested: &frame.requested,
        began_ns: frame.began_ns,
        canary_after,
    };
    let RunInTurns { mut run, failed } = assemble::run_in_turns(measured, beside)?;
    run.device.reason.clone_from(&frame.fallback_because);
    if !began {
        // What loaded the processor before it was the engine that ran before it.
        run.warnings.retain(|warning| !warning.id.ends_with(Guard::CpuPressure.id()));
    }
    let record = PeerRecord {
        asked: ready.words.to_string(),
        host_loop: ready.words.host_loop().to_owned(),
        attention,
        infer_span,
        differences: ready.differences.iter().map(|it| format!("{}={}", it.key, it.value)).collect(),
        run,
    };
    Ok(Peer { record, failed })
}

/// Of a device that an engine names as this program does, or not at all, the engine's run has what this
/// program knows: its driver, and whether it is emulated.
fn know_device(reported: &mut DeviceFacts, known: &DeviceFacts) {
    if reported.full_name.is_none() || reported.full_name == known.full_name {
        reported.clone_from(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_names_its_device_alone_ran_on_the_device_that_this_program_knows() {
        let named = |name: &str| DeviceFacts { full_name: Some(name.to_owned()), ..DeviceFacts::default() };
        let known = DeviceFacts {
            driver_version: Some("1.2".to_owned()),
            emulated_reason: Some("its OpenCL device is a CPU".to_owned()),
            ..named("A GPU")
        };
        for mut reported in [named("A GPU"), DeviceFacts::default()] {
            know_device(&mut reported, &known);
            assert_eq!(reported, known);
        }
        let mut other = named("Another GPU");
        know_device(&mut other, &known);
        assert_eq!(other, named("Another GPU"), "of another device nothing is known");
    }
}
