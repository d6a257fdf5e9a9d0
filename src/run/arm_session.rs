//! The worker processes of one arm, a fresh one each round.

use crate::engine::openvino::DeviceKind;
use crate::error::Error;
use crate::golden::{Finding, GoldenResult, LogitDrift};
use crate::judge::RoundProcess;
use crate::measure::Sample;
use crate::measure::supervisor::{
    ExitReason, Job, ProcessFacts, Purpose, Session, WorkerProcess, WorkerProgram,
};
use crate::run::machine_monitor::Around;
use crate::run::process_context::ProcessContext;

/// What was measured of it so far.
#[derive(Default)]
pub(super) struct ArmSession {
    pub(super) session: Session,
    pub(super) around: Vec<Around>,
    /// The worst word on each prompt, in the plan's order.
    pub(super) findings: Vec<Finding>,
    /// How far the logits have moved on the probe text; None where that was not measured.
    pub(super) drift: Option<LogitDrift>,
    /// What failed beside the session, where something did.
    pub(super) failed: Option<Error>,
}

impl ArmSession {
    /// Runs the process of its next round, which stays to be asked until the session is finished.
    pub(super) fn run(
        &mut self,
        job: &Job<'_>,
        round: usize,
        program: &WorkerProgram,
        context: &mut ProcessContext<'_>,
    ) {
        self.session.run(job, round, &mut || Ok(Box::new(WorkerProcess::start(program)?)), context);
        self.around.extend(context.monitor.take_processes());
    }

    /// Whether all has gone well so far.
    pub(super) fn is_well(&self) -> bool {
        self.session.exit_reason == ExitReason::Done
    }

    /// Every generation of the last process.
    pub(super) fn latest_samples(&self) -> Vec<Sample> {
        self.session.processes.last().map(|last| last.samples.clone()).unwrap_or_default()
    }

    /// Takes in the words on the last process; of each prompt the worst stands.
    pub(super) fn keep_worst(&mut self, findings: Vec<Finding>) {
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
    pub(super) fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.result == GoldenResult::Break)
    }

    /// Keeps the processes of this many rounds alone: one that was interrupted is half of a comparison. Where
    /// no round is whole, all that was made is kept.
    pub(super) fn keep_whole_rounds(&mut self, rounds: usize) {
        if rounds == 0 {
            return;
        }
        let is_whole: Vec<bool> =
            self.session.processes.iter().map(|process| process.index < rounds).collect();
        let mut of_process = is_whole.iter();
        self.session.processes.retain(|_| of_process.next().is_none_or(|whole| *whole));
        let mut of_process = is_whole.iter();
        self.around.retain(|_| of_process.next().is_none_or(|whole| *whole));
    }

    /// The measured process of a round.
    pub(super) fn process<'a>(&'a self, name: &'a str, round: usize) -> Option<RoundProcess<'a>> {
        let mut both = self.session.processes.iter().zip(&self.around);
        let is_it = |facts: &ProcessFacts| facts.purpose == Purpose::Measured && facts.index == round;
        both.find(|(facts, _)| is_it(facts)).map(|(facts, around)| of_round(name, facts, around))
    }
}

fn of_round<'a>(name: &'a str, facts: &'a ProcessFacts, around: &'a Around) -> RoundProcess<'a> {
    let devices = facts.loaded.as_ref().map_or("", |loaded| loaded.execution_devices.as_str());
    RoundProcess {
        name,
        samples: facts.samples.clone(),
        guards: around.guards.as_ref(),
        device: if devices.contains("GPU") { DeviceKind::Gpu } else { DeviceKind::Cpu },
    }
}
