//! Measures pairs with real workers: each side's process is loaded, measured, judged and gone before the
//! other side's begins.

use crate::cli::ab::side::ReadySide;
use crate::cli::assemble;
use crate::cli::measuring::{Around, StandBy};
use crate::engine::openvino::DeviceKind;
use crate::error::{Error, Result};
use crate::gate::{Halt, MeasuredPair, Pairs};
use crate::golden::{Finding, GoldenResult};
use crate::judge::{PairedProcess, prompt_differences, spoilt_because};
use crate::measure::supervisor::{Control, Ending, Job, Limits, ProcessFacts, Purpose, Session, WorkerProcess};
use crate::measure::{Plan, Sample};
use crate::record::{Side, judge_session};

/// Both sides, and what was measured of them so far.
pub(super) struct LivePairs<'a> {
    pub(super) plan: &'a Plan,
    pub(super) limits: Limits,
    pub(super) control: &'a Control,
    pub(super) stand_by: StandBy,
    pub(super) base: LiveSide<'a>,
    pub(super) head: LiveSide<'a>,
    /// The side that the run began with.
    pub(super) began_with: Option<Side>,
}

/// A side and what was measured of it.
pub(super) struct LiveSide<'a> {
    pub(super) ready: &'a ReadySide,
    pub(super) session: Session,
    pub(super) around: Vec<Around>,
    /// The worst word on each prompt, in the plan's order.
    pub(super) findings: Vec<Finding>,
    /// What failed in judging, where something did.
    pub(super) failed: Option<Error>,
}

impl<'a> LiveSide<'a> {
    pub(super) fn new(ready: &'a ReadySide) -> Self {
        Self { ready, session: Session::new(), around: Vec::new(), findings: Vec::new(), failed: None }
    }

    /// The last measured process, as a pair has it.
    fn latest(&self) -> Option<PairedProcess<'_>> {
        self.measured().last().map(|(facts, around)| paired(facts, around))
    }

    /// The first one.
    fn earliest(&self) -> Option<PairedProcess<'_>> {
        self.measured().next().map(|(facts, around)| paired(facts, around))
    }

    fn measured(&self) -> impl DoubleEndedIterator<Item = (&ProcessFacts, &Around)> {
        let mut both: Vec<_> = self.session.processes.iter().zip(&self.around).collect();
        both.retain(|(facts, _)| facts.purpose == Purpose::Measured);
        both.into_iter()
    }

    /// Judges the process that has just measured, while it can still be asked.
    fn judge(&mut self, plan: &Plan) -> Result<(), Halt> {
        let samples: Vec<Sample> =
            self.session.processes.last().map(|last| last.samples.clone()).unwrap_or_default();
        let goldens = &self.ready.model.goldens;
        let epsilon_logit = assemble::epsilon_logit(goldens, &self.session);
        let Some(witness) = self.session.witness() else { return Err(Halt::Failed) };
        match judge_session(witness, plan, &samples, goldens, epsilon_logit) {
            Ok(findings) => self.keep_worst(findings),
            Err(error) => {
                self.failed = Some(error);
                return Err(Halt::Failed);
            }
        }
        let is_wrong = self.findings.iter().any(|finding| finding.result == GoldenResult::Break);
        if is_wrong { Err(Halt::WrongOutput) } else { Ok(()) }
    }

    fn keep_worst(&mut self, findings: Vec<Finding>) {
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
}

impl LivePairs<'_> {
    fn run(&mut self, side: Side, pair: usize) -> Result<(), Halt> {
        let live = match side {
            Side::Base => &mut self.base,
            Side::Head => &mut self.head,
        };
        self.stand_by.expect(format!("pair {} {}", pair + 1, side.word()), &live.ready.engine.device);
        let job = Job {
            plan: self.plan,
            load: &live.ready.load,
            limits: self.limits,
            prime: true,
            control: self.control,
        };
        let program = &live.ready.program;
        live.session.run(&job, pair, &mut || Ok(Box::new(WorkerProcess::start(program)?)), &mut self.stand_by);
        live.around.extend(self.stand_by.surroundings.take_processes());
        if live.session.ending != Ending::Done {
            return Err(Halt::Failed);
        }
        let judged = live.judge(self.plan);
        // Before the other side begins, and whatever the word on it.
        live.session.finish();
        judged?;
        if live.session.ending == Ending::Done { Ok(()) } else { Err(Halt::Failed) }
    }
}

impl Pairs for LivePairs<'_> {
    fn measure(&mut self, pair: usize, first: Side) -> Result<MeasuredPair, Halt> {
        self.began_with.get_or_insert(first);
        self.run(first, pair)?;
        self.run(first.other(), pair)?;
        let (Some(base), Some(head)) = (self.base.latest(), self.head.latest()) else {
            return Err(Halt::Failed);
        };
        let begun = match self.began_with {
            Some(Side::Head) => self.head.earliest(),
            _ => self.base.earliest(),
        };
        let prompts = prompt_differences(&base.samples, &head.samples);
        if prompts.is_empty() {
            return Err(Halt::Failed);
        }
        let sum: f64 = prompts.iter().map(|prompt| prompt.tpot_ln).sum();
        Ok(MeasuredPair {
            difference_ln: sum / prompts.len() as f64,
            spoilt_because: spoilt_because(&base, &head, begun.as_ref()),
        })
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
