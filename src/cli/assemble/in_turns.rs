//! What was measured in turns with others, as a run.

use crate::cli::assemble::{self, Judging, Measured};
use crate::cli::edited_graph::EditedGraph;
use crate::cli::loading::{FoundModel, known_hashes};
use crate::cli::measuring::{self, Identity, InTurns};
use crate::error::{Error, Result};
use crate::golden::Finding;
use crate::measure::supervisor::{Purpose, WarmLoad};
use crate::measure::{CanaryReading, Plan};
use crate::record::{AskedPrompt, PublishedReference, RunRecord};

/// What stands in the run beside what was measured.
pub(in crate::cli) struct BesideTurns<'a> {
    pub(in crate::cli) identity: Identity,
    pub(in crate::cli) model: &'a FoundModel,
    pub(in crate::cli) plan: &'a Plan,
    pub(in crate::cli) asked: Vec<AskedPrompt>,
    pub(in crate::cli) published: PublishedReference,
    pub(in crate::cli) edited: Option<&'a EditedGraph>,
    /// The device, as the user asked for it.
    pub(in crate::cli) requested: &'a str,
    pub(in crate::cli) began_ns: u64,
    pub(in crate::cli) canary_after: Option<CanaryReading>,
}

/// The run, with its own word on whether it went well.
pub(in crate::cli) struct RunInTurns {
    pub(in crate::cli) run: RunRecord,
    pub(in crate::cli) failed: Option<Error>,
}

/// Assembles the run.
pub(in crate::cli) fn run_in_turns(measured: InTurns, beside: BesideTurns<'_>) -> Result<RunInTurns> {
    let InTurns { session, around, findings, failed } = measured;
    let model = beside.model;
    let processes = session.processes.iter().filter(|process| process.purpose == Purpose::Measured).count();
    let plan = Plan { processes, ..beside.plan.clone() };
    let unchanged = model.identity.check_unchanged(&model.folder, &mut known_hashes());
    let proven = assemble::prove(&session, &around);
    let failed = [
        session.ending.error(),
        WarmLoad::of(&session.processes).error(),
        failed,
        unchanged.as_ref().err().cloned(),
        proven.as_ref().err().cloned(),
        assemble::slept(&around),
    ];
    let failed = failed.into_iter().flatten().next();
    let judging = Judging {
        model,
        plan: &plan,
        asked: beside.asked,
        probe: None,
        criterion: Vec::new(),
        published: beside.published,
        edited: beside.edited,
        requested: beside.requested,
        began_ns: beside.began_ns,
    };
    let measured = Measured {
        session: &session,
        around: &around,
        canary_after: beside.canary_after,
        same_after_run: unchanged.is_ok(),
        ran: proven.ok().flatten(),
    };
    let mut run = assemble::record(beside.identity, judging, measured)?;
    let findings: Vec<Finding> = if session.processes.is_empty() { Vec::new() } else { findings };
    // What failed stands in the record; the exit code is decided on by all that ran in turns.
    let _ = assemble::fill_in(&mut run, model, &plan, &session, &findings, failed.clone());
    let about_the_machine = measuring::warnings(&run);
    run.warnings.extend(about_the_machine);
    Ok(RunInTurns { run, failed })
}
