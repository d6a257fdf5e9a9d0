//! Measures rounds with real workers: each engine's process is loaded, measured, judged and gone before the next
//! one begins.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::assemble;
use crate::cli::loading::FoundModel;
use crate::cli::measuring::{Around, StandBy};
use crate::cli::peers::ready::ReadyEngine;
use crate::engine::openvino::DeviceKind;
use crate::error::Error;
use crate::gate::{MeasuredRound, RoundTold, Rounds, RoundsHalt};
use crate::golden::{Expected, Finding, GoldenResult};
use crate::judge::PairedProcess;
use crate::judge::peers::{NamedProcess, ProcessFigures, spoilt_because};
use crate::measure::supervisor::{
    Control, Ending, Job, Limits, ProcessFacts, Purpose, Session, WorkerProcess,
};
use crate::measure::{Metric, Plan, Sample};
use crate::record::judge_session;
use crate::workload::TokenId;

/// All engines, and what was measured of them so far.
pub(super) struct LiveRounds<'a> {
    pub(super) plan: &'a Plan,
    pub(super) limits: Limits,
    pub(super) control: &'a Control,
    pub(super) stand_by: StandBy,
    pub(super) model: &'a FoundModel,
    pub(super) engines: Vec<LiveEngine<'a>>,
    /// What each prompt's answer must be, as soon as it is known.
    pub(super) expected: BTreeMap<String, Expected>,
    /// The widest gap that was calibrated as a near-tie for an engine so far, logits.
    pub(super) epsilon_logit: f32,
    /// The engine that the run began with.
    pub(super) began_with: Option<usize>,
    /// As every engine was built on; the first tells it.
    pub(super) openvino_build: String,
}

/// An engine and what was measured of it.
pub(super) struct LiveEngine<'a> {
    pub(super) ready: &'a ReadyEngine,
    pub(super) session: Session,
    pub(super) around: Vec<Around>,
    /// The worst word on each prompt, in the plan's order.
    pub(super) findings: Vec<Finding>,
    /// What failed beside the session, where something did.
    pub(super) failed: Option<Error>,
}

impl<'a> LiveEngine<'a> {
    pub(super) fn new(ready: &'a ReadyEngine) -> Self {
        Self { ready, session: Session::new(), around: Vec::new(), findings: Vec::new(), failed: None }
    }

    /// The measured process of this round.
    fn process(&self, round: usize) -> Option<PairedProcess<'_>> {
        let mut both = self.session.processes.iter().zip(&self.around);
        let is_it = |facts: &ProcessFacts| facts.purpose == Purpose::Measured && facts.index == round;
        both.find(|(facts, _)| is_it(facts)).map(|(facts, around)| paired(facts, around))
    }

    fn latest_samples(&self) -> Vec<Sample> {
        self.session.processes.last().map(|last| last.samples.clone()).unwrap_or_default()
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

    pub(super) fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.result == GoldenResult::Break)
    }
}

impl LiveRounds<'_> {
    fn run(&mut self, at: usize, round: usize) -> Result<(), RoundsHalt> {
        let live = &mut self.engines[at];
        let name = format!("round {} {}", round + 1, live.ready.words);
        self.stand_by.expect(name, &live.ready.load.device);
        let job = Job {
            plan: self.plan,
            load: &live.ready.load,
            limits: self.limits,
            prime: true,
            control: self.control,
        };
        let program = &live.ready.program.worker;
        live.session.run(
            &job,
            round,
            &mut || Ok(Box::new(WorkerProcess::start(program)?)),
            &mut self.stand_by,
        );
        live.around.extend(self.stand_by.surroundings.take_processes());
        if live.session.ending != Ending::Done {
            return Err(RoundsHalt::Failed);
        }
        self.check_build(at)?;
        let judged = self.judge(at);
        let live = &mut self.engines[at];
        // Before the next engine begins, and whatever the word on it.
        live.session.finish();
        judged?;
        if live.session.ending == Ending::Done { Ok(()) } else { Err(RoundsHalt::Failed) }
    }

    /// Engines on two builds of OpenVINO are not two loops around one thing.
    fn check_build(&mut self, at: usize) -> Result<(), RoundsHalt> {
        let live = &mut self.engines[at];
        let settled = live.session.processes.last().and_then(|process| process.settled.as_ref());
        let Some(build) = settled.map(|settled| settled.openvino_build.clone()) else { return Ok(()) };
        if build == self.openvino_build {
            return Ok(());
        }
        let words = &live.ready.words;
        live.failed = Some(
            Error::input(format!(
                "engine `{words}` runs OpenVINO `{build}`, and the run is of `{}`",
                self.openvino_build
            ))
            .hint("compare engines on one OpenVINO: leave `--openvino` out, and `cargo xtask setup --peers`"),
        );
        Err(RoundsHalt::Failed)
    }

    /// Judges the process that has just measured. The engine that can be asked is judged as in any run; what
    /// it answered, or the golden, is what the others are held against.
    fn judge(&mut self, at: usize) -> Result<(), RoundsHalt> {
        let (model, plan) = (self.model, self.plan);
        let live = &self.engines[at];
        let samples = live.latest_samples();
        // An engine that does not tell its precisions, or whose own were never calibrated, is held to what
        // counts as a near-tie on the engine that is known best.
        let own = assemble::epsilon_logit(&model.goldens, &live.session);
        self.epsilon_logit = self.epsilon_logit.max(own);
        let epsilon_logit = self.epsilon_logit;
        let live = &mut self.engines[at];
        if live.ready.can_witness() {
            let Some(witness) = live.session.witness() else { return Err(RoundsHalt::Failed) };
            let findings =
                judge_session(witness, plan, &samples, &model.goldens, epsilon_logit).map_err(|error| {
                    live.failed = Some(error);
                    RoundsHalt::Failed
                })?;
            self.expect_answers(&samples, Some(&findings));
            self.hold(at, &samples, epsilon_logit, &findings);
        } else {
            self.expect_answers(&samples, None);
            self.hold(at, &samples, epsilon_logit, &[]);
        }
        Ok(())
    }

    /// Notes what the answers must be, where that is not known yet: the golden, else what this engine said.
    fn expect_answers(&mut self, samples: &[Sample], findings: Option<&[Finding]>) {
        for (at, prompt) in self.plan.prompts.iter().enumerate() {
            if self.expected.contains_key(&prompt.id) {
                continue;
            }
            let golden = self.model.goldens.goldens.get(&prompt.id);
            let golden = golden.filter(|golden| golden.prompt_token_ids == prompt.token_ids);
            let answer = samples.iter().find(|sample| sample.prompt_id == prompt.id);
            let golden = golden.map(|golden| {
                let reaches = Expected::golden(golden);
                answer.map_or(reaches.clone(), |answer| reaches.followed_by(&answer.token_ids))
            });
            let expected = golden.or_else(|| {
                let answer = answer?;
                let finding = findings.and_then(|findings| findings.get(at));
                let choices = finding.and_then(|finding| finding.witness.as_deref()).unwrap_or_default();
                Some(Expected::answer(&answer.token_ids, choices))
            });
            if let Some(expected) = expected {
                self.expected.insert(prompt.id.clone(), expected);
            }
        }
    }

    /// Holds the answers against what they must be; the worse of that and what is known already counts.
    fn hold(&mut self, at: usize, samples: &[Sample], epsilon_logit: f32, known: &[Finding]) {
        let held = |(place, prompt): (usize, &crate::measure::PlannedPrompt)| {
            let of_prompt = samples.iter().filter(|sample| sample.prompt_id == prompt.id);
            let generations: Vec<&[TokenId]> = of_prompt.map(|sample| sample.token_ids.as_slice()).collect();
            let held = self.expected.get(&prompt.id).map(|it| it.judge(&generations, epsilon_logit));
            match (known.get(place).cloned(), held) {
                (Some(known), Some(held)) if held.result > known.result => held,
                (Some(known), _) => known,
                (None, held) => held.unwrap_or(Finding {
                    result: GoldenResult::None,
                    divergence: None,
                    witness: None,
                    gap_drift_logit: None,
                }),
            }
        };
        let findings = self.plan.prompts.iter().enumerate().map(held).collect();
        self.engines[at].keep_worst(findings);
    }

    /// What the process of each engine gave in a round, in a few words.
    fn told(&self, round: usize) -> String {
        let tpot = |live: &LiveEngine<'_>| {
            ProcessFigures::of_samples(&live.process(round)?.samples).of(Metric::TimePerOutputToken)
        };
        let parts = self.engines.iter().filter_map(|live| {
            let words = &live.ready.words;
            if live.is_wrong() {
                return live.process(round).map(|_| format!("{words} wrong output"));
            }
            Some(format!("{words} {:.2}", tpot(live)?))
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl Rounds for LiveRounds<'_> {
    fn measure(&mut self, round: usize, order: &[usize]) -> Result<MeasuredRound, RoundsHalt> {
        let first = *self.began_with.get_or_insert(order.first().copied().unwrap_or_default());
        for engine in order {
            self.run(*engine, round)?;
        }
        let wrong: Vec<usize> =
            order.iter().copied().filter(|engine| self.engines[*engine].is_wrong()).collect();
        if wrong.contains(&0) {
            return Err(RoundsHalt::WrongOutput);
        }
        let names: Vec<String> = order.iter().map(|it| self.engines[*it].ready.words.to_string()).collect();
        let processes: Vec<PairedProcess<'_>> =
            order.iter().filter_map(|engine| self.engines[*engine].process(round)).collect();
        let judged: Vec<NamedProcess<'_>> =
            names.iter().zip(&processes).map(|(name, process)| NamedProcess { name, process }).collect();
        let begun = self.engines[first].process(0);
        Ok(MeasuredRound { spoilt_because: spoilt_because(&judged, begun.as_ref()), wrong })
    }

    fn hear(&mut self, told: &RoundTold<'_>) {
        let spoilt = match (told.measured.spoilt_because.first(), told.counts) {
            (Some(why), false) => format!("; spoilt, and made again: {why}"),
            (Some(why), true) => format!("; counted in spite of {why}"),
            (None, _) => String::new(),
        };
        let figures = self.told(told.round);
        self.stand_by.say(&format!(
            "round {}: TPOT ms {figures}{spoilt}; {} count, {} left",
            told.round + 1,
            told.counted,
            minutes(told.left)
        ));
    }
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=99 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
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
