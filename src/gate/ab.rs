//! Drives pairs until the judge has decided, the time is over, or too many of them are spoilt.

use std::time::Duration;

use fastrand::Rng;

use crate::judge::sequential::{Look, Rule, SequentialOutcome, SequentialResult, sequential};
use crate::measure::Clock;
use crate::record::{Side, Undecided};

/// Who measures pairs.
pub trait Pairs {
    /// Measures one process of each side, one right after the other; `pair` counts from 0 and turns the
    /// order of the prompts, `first` says which side begins.
    ///
    /// # Errors
    /// Why there is no pair: the run ends.
    fn measure(&mut self, pair: usize, first: Side) -> Result<MeasuredPair, Halt>;

    /// Hears what came of it.
    fn hear(&mut self, pair: &PairTold<'_>);
}

/// A pair that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredPair {
    /// Mean over prompts of ln(head / base) of `tpot@1`.
    pub difference_ln: f64,
    /// Each guard that spoilt it, with the readings; empty where it counts.
    pub spoilt_because: Vec<String>,
}

/// Why there is no pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// A side's output is wrong: there is no speed.
    WrongOutput,
    /// A process failed, or the user stopped the run; whoever measures knows more.
    Failed,
}

/// By which rules pairs are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// When there is a decision.
    pub rule: Rule,
    /// Spoilt pairs that are drawn again, at most.
    pub largest_redraws: usize,
    /// Whether a pair counts in which a guard tripped.
    pub despite_guards: bool,
    /// What the order of the sides is drawn from.
    pub seed: u64,
    /// No pair is begun that would not end within this time.
    pub budget: Option<Duration>,
}

/// A pair, as it is told while the run goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct PairTold<'a> {
    /// Which one, from 0, spoilt ones counted.
    pub pair: usize,
    /// Which side began.
    pub first: Side,
    /// The pair.
    pub measured: &'a MeasuredPair,
    /// Whether it counts.
    pub counts: bool,
    /// What the pairs come to so far.
    pub so_far: &'a SequentialResult,
    /// Until the next look and until the last one, at the pace so far; None once it is decided.
    pub left: Option<TimeLeft>,
}

/// How long it may still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLeft {
    /// Where the next look decides.
    pub at_least: Duration,
    /// Where only the last one does.
    pub at_most: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Driven {
    /// The side that began each pair that was measured, in order.
    pub firsts: Vec<Side>,
    /// How it ended.
    pub ended: Ended,
}

/// How the pairs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The looks decided, or the last one could not.
    Looked,
    /// Before that.
    Undecided(Undecided),
    /// A process failed, or the user stopped the run.
    Failed,
}

/// Measures pairs, and tells each.
///
/// Of every two pairs each side begins one, in random order: neither a drift of the machine nor whatever
/// comes of being first favours a side. The order is drawn from the seed, so that it can be drawn again.
pub fn drive(drawing: &Drawing, clock: &dyn Clock, pairs: &mut dyn Pairs) -> Driven {
    let began_ns = clock.now_ns();
    let mut rng = Rng::with_seed(drawing.seed);
    let mut driven = Driven { firsts: Vec::new(), ended: Ended::Looked };
    let mut differences_ln = Vec::new();
    let mut spoilt = 0;
    loop {
        let elapsed = Duration::from_nanos(clock.now_ns().saturating_sub(began_ns));
        let made = driven.firsts.len();
        if drawing.budget.is_some_and(|budget| elapsed + mean_time(elapsed, made) > budget && made > 0) {
            driven.ended = Ended::Undecided(Undecided::Budget);
            return driven;
        }
        let first = match driven.firsts.last() {
            Some(before) if !made.is_multiple_of(2) => before.other(),
            _ if rng.bool() => Side::Base,
            _ => Side::Head,
        };
        let measured = match pairs.measure(made, first) {
            Ok(measured) => measured,
            Err(halt) => {
                driven.ended = match halt {
                    Halt::WrongOutput => Ended::Undecided(Undecided::WrongOutput),
                    Halt::Failed => Ended::Failed,
                };
                return driven;
            }
        };
        driven.firsts.push(first);
        let counts = drawing.despite_guards || measured.spoilt_because.is_empty();
        if counts {
            differences_ln.push(measured.difference_ln);
        } else {
            spoilt += 1;
        }
        // A difference that is no ratio of two times is the fault of who measured.
        let Ok(so_far) = sequential(&differences_ln, &drawing.rule) else {
            driven.ended = Ended::Failed;
            return driven;
        };
        let elapsed = Duration::from_nanos(clock.now_ns().saturating_sub(began_ns));
        let one = mean_time(elapsed, made + 1);
        let left = time_left(&so_far, differences_ln.len(), one);
        let pair = PairTold { pair: made, first, measured: &measured, counts, so_far: &so_far, left };
        pairs.hear(&pair);
        if so_far.is_final() {
            return driven;
        }
        if spoilt > drawing.largest_redraws {
            driven.ended = Ended::Undecided(Undecided::Guards);
            return driven;
        }
    }
}

fn mean_time(elapsed: Duration, pairs: usize) -> Duration {
    u32::try_from(pairs).ok().filter(|pairs| *pairs > 0).map_or(Duration::ZERO, |pairs| elapsed / pairs)
}

fn time_left(so_far: &SequentialResult, pairs: usize, one: Duration) -> Option<TimeLeft> {
    let SequentialOutcome::Undecided { next_look: next } = so_far.outcome else { return None };
    let last = Look::LAST.pairs;
    let left =
        |until: usize| one.saturating_mul(u32::try_from(until.saturating_sub(pairs)).unwrap_or(u32::MAX));
    Some(TimeLeft { at_least: left(next), at_most: left(last) })
}
