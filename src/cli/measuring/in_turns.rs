//! One of several things that are measured in turns, a fresh process at a time.

use crate::cli::measuring::{Around, StandBy};
use crate::engine::openvino::DeviceKind;
use crate::error::Error;
use crate::golden::{Finding, GoldenResult};
use crate::judge::PairedProcess;
use crate::measure::Sample;
use crate::measure::supervisor::{Ending, Job, ProcessFacts, Purpose, Session, WorkerProcess, WorkerProgram};

/// What was measured of it so far.
#[derive(Default)]
pub(in crate::cli) struct InTurns {
    pub(in crate::cli) session: Session,
    pub(in crate::cli) around: Vec<Around>,
    /// The worst word on each prompt, in the plan's order.
    pub(in crate::cli) findings: Vec<Finding>,
    /// What failed beside the session, where something did.
    pub(in crate::cli) failed: Option<Error>,
}

impl InTurns {
    /// Runs the process of its next turn, which stays to be asked until the session is finished.
    pub(in crate::cli) fn run(
        &mut self,
        job: &Job<'_>,
        turn: usize,
        program: &WorkerProgram,
        stand_by: &mut StandBy,
    ) {
        self.session.run(job, turn, &mut || Ok(Box::new(WorkerProcess::start(program)?)), stand_by);
        self.around.extend(stand_by.surroundings.take_processes());
    }

    /// Whether all has gone well so far.
    pub(in crate::cli) fn is_well(&self) -> bool {
        self.session.ending == Ending::Done
    }

    /// Every generation of the last process.
    pub(in crate::cli) fn latest_samples(&self) -> Vec<Sample> {
        self.session.processes.last().map(|last| last.samples.clone()).unwrap_or_default()
    }

    /// Takes in the words on the last process; of each prompt the worst stands.
    pub(in crate::cli) fn keep_worst(&mut self, findings: Vec<Finding>) {
        if self.findings.is_empty() {
            self.findings = findings;
            return;
        }
        for (kept, new) in self.findings.iter_mut().zip(findings) {
            if new.result > kept.result {
                *kept = new;
            }
        }
    }

    /// Whether an output was found wrong.
    pub(in crate::cli) fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.result == GoldenResult::Break)
    }

    /// Keeps the processes of this many turns alone: one that was interrupted is half of a comparison. Where
    /// no turn is whole, all that was made is kept.
    pub(in crate::cli) fn keep_whole_turns(&mut self, turns: usize) {
        if turns == 0 {
            return;
        }
        let is_whole: Vec<bool> =
            self.session.processes.iter().map(|process| process.index < turns).collect();
        let mut of_process = is_whole.iter();
        self.session.processes.retain(|_| of_process.next().is_none_or(|whole| *whole));
        let mut of_process = is_whole.iter();
        self.around.retain(|_| of_process.next().is_none_or(|whole| *whole));
    }

    /// The measured process of a turn.
    pub(in crate::cli) fn process(&self, turn: usize) -> Option<PairedProcess<'_>> {
        let mut both = self.session.processes.iter().zip(&self.around);
        let is_it = |facts: &ProcessFacts| facts.purpose == Purpose::Measured && facts.index == turn;
        both.find(|(facts, _)| is_it(facts)).map(|(facts, around)| paired(facts, around))
    }
}

fn paired<'a>(facts: &'a ProcessFacts, around: &'a Around) -> PairedProcess<'a> {
    let devices = facts.loaded.as_ref().map_or("", |loaded| loaded.execution_devices.as_str());
    PairedProcess {
        samples: facts.samples.clone(),
        guards: around.guards.as_ref(),
        device: if devices.contains("GPU") { DeviceKind::Gpu } else { DeviceKind::Cpu },
    }
}
