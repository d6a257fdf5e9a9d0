//! Pairs of scripted workers, as `ab` measures pairs of real ones: each process is loaded, generates, is judged
//! and gone before the other side's begins. The clocks are scripted, and so is the noise.

use std::rc::Rc;
use std::time::Duration;

use arcgauge::engine::openvino::DeviceKind;
use arcgauge::engine::scripted::{Script, Slip};
use arcgauge::error::Error;
use arcgauge::golden::{Finding, GoldenResult, GoldenSet};
use arcgauge::judge::policy::Policy;
use arcgauge::judge::{RoundProcess, invalidated_by, prompt_differences};
use arcgauge::measure::guard::GuardLog;
use arcgauge::measure::protocol::{CacheState, DeviceResolvedEvent, LoadCommand, LoadedEvent};
use arcgauge::measure::supervisor::{
    Aim, Control, ExitReason, Job, Limits, Link, ProcessObserver, Purpose, ScriptedWorker, Session,
};
use arcgauge::measure::{Plan, Sample};
use arcgauge::record::{Side, judge_session};
use arcgauge::run::{
    Driven, Ended, MeasuredRound, RoundFailed, RoundReport, Rounds, Schedule, StoppingRule, TimeLeft, drive,
};
use arcgauge::sys::ScriptedClock;
use fastrand::Rng;

use super::script::{goldens, plan, script};
use crate::forged_pairs::{PROMPTS, guard_log, policy_text};

/// What a pair takes.
pub(super) const PAIR: Duration = Duration::from_mins(1);

/// What there is to be measured, and how.
#[derive(Clone)]
pub(super) struct Scene {
    /// The head's time per token, percent more than the base's.
    pub(super) slower_percent: f64,
    /// In this pair, counted from 0, this side says another token.
    pub(super) slips: Option<(usize, Side)>,
    /// In this pair this side's worker fails.
    pub(super) fails: Option<(usize, Side)>,
    /// In these pairs the machine swaps.
    pub(super) invalidated: Vec<usize>,
    pub(super) ignore_guards: bool,
    pub(super) budget: Option<Duration>,
    pub(super) seed: u64,
}

impl Scene {
    pub(super) fn of(slower_percent: f64, seed: u64) -> Self {
        Self {
            slower_percent,
            slips: None,
            fails: None,
            invalidated: Vec::new(),
            ignore_guards: false,
            budget: None,
            seed,
        }
    }

    /// Draws pairs until the driver has enough.
    pub(super) fn drive(self) -> Measured {
        let policy = Policy::parse(&policy_text(), "shipped").unwrap();
        let schedule = Schedule {
            arms: 2,
            stopping: StoppingRule::Sequential(policy.sequential.rule()),
            largest_redraws: policy.noise.largest_redraws,
            ignore_guards: self.ignore_guards,
            seed: Some(self.seed),
            budget: self.budget,
        };
        let clock = ScriptedClock::default();
        let mut pairs = ScriptedPairs {
            rng: Rng::with_seed(!self.seed),
            scene: self,
            plan: plan(),
            goldens: goldens(),
            control: Control::default(),
            base: WorkerSide::default(),
            head: WorkerSide::default(),
            began_with: None,
            clock: clock.clone(),
            reported: Vec::new(),
        };
        let driven = drive(&schedule, &clock, &mut pairs);
        let ScriptedPairs { scene, plan, base, head, reported, .. } = pairs;
        Measured { scene, plan, base, head, reported, driven }
    }
}

/// What came of a scene.
pub(super) struct Measured {
    pub(super) scene: Scene,
    pub(super) plan: Plan,
    pub(super) base: WorkerSide,
    pub(super) head: WorkerSide,
    pub(super) reported: Vec<Reported>,
    pub(super) driven: Driven,
}

impl Measured {
    pub(super) fn ended(&self) -> Ended {
        self.driven.ended
    }
}

/// What was heard of a pair.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reported {
    pub(super) first: Side,
    pub(super) counts: bool,
    pub(super) left: Option<TimeLeft>,
}

/// A side's workers, and what they said.
#[derive(Default)]
pub(super) struct WorkerSide {
    pub(super) session: Session,
    /// The worst word on each prompt.
    pub(super) findings: Vec<Finding>,
    /// What was read of the machine beside each process.
    pub(super) guards: Vec<GuardLog>,
}

impl WorkerSide {
    fn process(&self, side: Side, index: usize) -> RoundProcess<'_> {
        RoundProcess {
            name: side.as_str(),
            samples: self.session.processes[index].samples.clone(),
            guards: self.guards.get(index),
            device: DeviceKind::Cpu,
        }
    }

    /// Judges the last process, and lets it go.
    fn judge(&mut self, plan: &Plan, goldens: &GoldenSet) -> Result<(), RoundFailed> {
        let samples: Vec<Sample> = self.session.processes.last().unwrap().samples.clone();
        let findings = judge_session(self.session.replay().unwrap(), plan, &samples, goldens, 0.5).unwrap();
        self.session.finish();
        assert_eq!(self.session.exit_reason, ExitReason::Done);
        let is_wrong = findings.iter().any(|finding| finding.result == GoldenResult::Break);
        // Whatever is not wrong is equal here.
        if self.findings.is_empty() || is_wrong {
            self.findings = findings;
        }
        if is_wrong { Err(RoundFailed::WrongOutput) } else { Ok(()) }
    }
}

struct ScriptedPairs {
    scene: Scene,
    plan: Plan,
    goldens: GoldenSet,
    control: Control,
    base: WorkerSide,
    head: WorkerSide,
    began_with: Option<Side>,
    rng: Rng,
    clock: ScriptedClock,
    reported: Vec<Reported>,
}

impl ScriptedPairs {
    fn run(&mut self, side: Side, pair: usize) -> Result<(), RoundFailed> {
        let is = |scripted: Option<(usize, Side)>| scripted == Some((pair, side));
        let slower_percent = if side == Side::Head { self.scene.slower_percent } else { 0.0 };
        let script = Script {
            // The warm-up is generation 0, and asks what the first generation after it does.
            slips: is(self.scene.slips)
                .then_some(Slip { generation: 1, step: 2, token: 3 })
                .into_iter()
                .collect(),
            fails_at_infer: is(self.scene.fails).then_some(6),
            ..script(slower_percent, &mut self.rng)
        };
        let load = LoadCommand { device: "CPU".into(), ..LoadCommand::default() };
        let job = Job {
            plan: &self.plan,
            load: &load,
            limits: Limits::default(),
            prime: true,
            times_states: false,
            soak: None,
            control: &self.control,
        };
        let live = match side {
            Side::Base => &mut self.base,
            Side::Head => &mut self.head,
        };
        let mut start = || -> Result<Box<dyn Link>, Error> {
            Ok(Box::new(ScriptedWorker::start(script.clone(), CacheState::Off)?))
        };
        live.session.run(&job, pair, &mut start, &mut Idle);
        let pages = if self.scene.invalidated.contains(&pair) { 12 } else { 0 };
        live.guards.push(guard_log(pages, true));
        if live.session.exit_reason != ExitReason::Done {
            return Err(RoundFailed::Process);
        }
        live.judge(&self.plan, &self.goldens)
    }
}

impl Rounds for ScriptedPairs {
    fn measure(&mut self, pair: usize, order: &[usize]) -> Result<MeasuredRound, RoundFailed> {
        let first = if order[0] == Side::Base.arm() { Side::Base } else { Side::Head };
        self.began_with.get_or_insert(first);
        self.run(first, pair)?;
        self.run(first.other(), pair)?;
        let hand = self.clock.hand();
        Rc::clone(&hand).set(hand.get() + u64::try_from(PAIR.as_nanos()).unwrap());
        let (base, head) = (self.base.process(Side::Base, pair), self.head.process(Side::Head, pair));
        let begun = match self.began_with {
            Some(Side::Head) => self.head.process(Side::Head, 0),
            _ => self.base.process(Side::Base, 0),
        };
        let prompts = prompt_differences(&base.samples, &head.samples);
        assert_eq!(prompts.len(), PROMPTS.len());
        let sum: f64 = prompts.iter().map(|prompt| prompt.tpot_ln).sum();
        Ok(MeasuredRound {
            difference_ln: Some(sum / prompts.len() as f64),
            invalidated_by: invalidated_by(&[base, head], Some(&begun)),
            wrong: Vec::new(),
        })
    }

    fn on_round(&mut self, pair: &RoundReport<'_>) {
        assert_eq!(pair.round, self.reported.len(), "every pair is reported, in order");
        self.reported.push(Reported {
            first: Side::BOTH[pair.order[0]],
            counts: pair.counts,
            left: pair.left,
        });
    }
}

/// Nobody stands by.
struct Idle;

impl ProcessObserver for Idle {
    fn before_process(&mut self, _: usize) -> Result<(), ExitReason> {
        Ok(())
    }
    fn started(&mut self, _: Option<u32>) {}
    fn resolved(&mut self, _: &DeviceResolvedEvent, purpose: Purpose) {
        assert_eq!(purpose, Purpose::Measured, "a scripted worker compiles nothing");
    }
    fn loaded(&mut self, _: &DeviceResolvedEvent, _: &LoadedEvent) {}
    fn aims(&mut self, _: Aim<'_>) {}
    fn measured(&mut self) {}
}
