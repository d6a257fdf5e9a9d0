//! Measures pairs with real workers: each side's process is loaded, measured, judged and gone before the
//! other side's begins.

use crate::cli::ab::progress;
use crate::cli::ab::side::ReadySide;
use crate::cli::assemble;
use crate::cli::measuring::{InTurns, StandBy};
use crate::gate::{Halt, MeasuredPair, PairTold, Pairs};
use crate::judge::{prompt_differences, spoilt_because};
use crate::measure::Plan;
use crate::measure::supervisor::{Control, Job, Limits};
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
    pub(super) measured: InTurns,
}

impl<'a> LiveSide<'a> {
    pub(super) fn new(ready: &'a ReadySide) -> Self {
        Self { ready, measured: InTurns::default() }
    }

    /// Judges the process that has just measured, while it can still be asked.
    fn judge(&mut self, plan: &Plan) -> Result<(), Halt> {
        let (goldens, measured) = (&self.ready.model.goldens, &mut self.measured);
        let samples = measured.latest_samples();
        let epsilon_logit = assemble::epsilon_logit(goldens, &measured.session);
        let Some(witness) = measured.session.witness() else { return Err(Halt::Failed) };
        match judge_session(witness, plan, &samples, goldens, epsilon_logit) {
            Ok(findings) => measured.keep_worst(findings),
            Err(error) => {
                measured.failed = Some(error);
                return Err(Halt::Failed);
            }
        }
        if measured.is_wrong() { Err(Halt::WrongOutput) } else { Ok(()) }
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
        live.measured.run(&job, pair, &live.ready.program, &mut self.stand_by);
        if !live.measured.is_well() {
            return Err(Halt::Failed);
        }
        let judged = live.judge(self.plan);
        // Before the other side begins, and whatever the word on it.
        live.measured.session.finish();
        judged?;
        if live.measured.is_well() { Ok(()) } else { Err(Halt::Failed) }
    }
}

impl Pairs for LivePairs<'_> {
    fn measure(&mut self, pair: usize, first: Side) -> Result<MeasuredPair, Halt> {
        self.began_with.get_or_insert(first);
        self.run(first, pair)?;
        self.run(first.other(), pair)?;
        let (Some(base), Some(head)) = (self.base.measured.process(pair), self.head.measured.process(pair))
        else {
            return Err(Halt::Failed);
        };
        let begun = match self.began_with {
            Some(Side::Head) => self.head.measured.process(0),
            _ => self.base.measured.process(0),
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

    fn hear(&mut self, pair: &PairTold<'_>) {
        self.stand_by.say(&progress::of(pair));
    }
}
