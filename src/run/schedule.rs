//! Runs rounds: every arm once a round, until as many count as were requested, or the sequential test has decided,
//! or the time budget is exhausted, or guards have invalidated too many.

use std::time::Duration;

use fastrand::Rng;

use crate::judge::sequential::{Look, Rule, SequentialOutcome, SequentialResult, sequential};
use crate::record::{Side, StopReason};
use crate::sys::Clock;

/// Who measures rounds.
pub trait Rounds {
    /// Measures one process of each of these arms, one right after the other.
    ///
    /// # Errors
    /// Why there is no round: the experiment ends.
    fn measure(&mut self, round: usize, order: &[usize]) -> Result<MeasuredRound, RoundFailed>;

    /// A round was measured.
    fn on_round(&mut self, report: &RoundReport<'_>);
}

/// A round that was measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeasuredRound {
    /// Of two arms the mean over prompts of ln(head / base) of what the sequential test is of, as `tpot@1`.
    pub difference_ln: Option<f64>,
    /// Each guard that invalidates it, with the readings; empty where it counts.
    pub invalidated_by: Vec<String>,
    /// Arms whose output was found wrong: they are in no further round.
    pub wrong: Vec<usize>,
}

/// Why there is no round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundFailed {
    /// An output is wrong without which there is no comparison.
    WrongOutput,
    /// A process failed, or the user stopped the experiment; whoever measures knows more.
    Process,
}

/// How many rounds are run, and in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// How many arms there are.
    pub arms: usize,
    /// When there are enough.
    pub stopping: StoppingRule,
    /// Invalidated rounds that are made again, at most.
    pub largest_redraws: usize,
    /// Whether a round counts in which a guard tripped.
    pub ignore_guards: bool,
    /// What the order of two arms is drawn from; None for an order that is turned and reversed.
    pub seed: Option<u64>,
    /// No round is begun that would not end within this time.
    pub budget: Option<Duration>,
}

impl Schedule {
    /// Rounds of so many arms in a fixed order, none of which is made again, without a limit of time.
    pub fn new(arms: usize, stopping: StoppingRule) -> Self {
        Self { arms, stopping, largest_redraws: 0, ignore_guards: false, seed: None, budget: None }
    }
}

/// When there are enough rounds.
#[derive(Debug, Clone, PartialEq)]
pub enum StoppingRule {
    /// When so many count.
    Rounds(usize),
    /// When the sequential test of two arms has decided.
    Sequential(Rule),
}

/// A round, as it is reported while the experiment goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundReport<'a> {
    /// Which one, from 0, invalidated ones counted.
    pub round: usize,
    /// The arms in the order in which they ran.
    pub order: &'a [usize],
    /// What came of it.
    pub measured: &'a MeasuredRound,
    /// Whether it counts.
    pub counts: bool,
    /// Rounds that count so far.
    pub counted: usize,
    /// The sequential test so far, where it decides.
    pub so_far: Option<&'a SequentialResult>,
    /// How long it may still take, at the pace so far; None once it is decided.
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

/// What came of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driven {
    /// The order of the arms in each round that was measured whole.
    pub orders: Vec<Vec<usize>>,
    /// How it ended.
    pub ended: Ended,
}

/// How the rounds ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// As many count as were requested, or the looks decided, or the last one could not.
    Complete,
    /// Before that.
    Early(StopReason),
    /// A process failed, or the user stopped the experiment.
    Failed,
}

/// Runs rounds, and reports each.
///
/// With a seed each of two arms begins one of every two rounds that count, in random order, so that neither a drift
/// of the machine nor being first favours an arm. Without one the order is turned by one place every two rounds, and
/// reversed in every second: over twice as many rounds as arms each has every place twice, and runs before every
/// other as often as after it. A round that is measured again has the order of the invalidated one.
pub fn drive(schedule: &Schedule, clock: &dyn Clock, rounds: &mut dyn Rounds) -> Driven {
    let began_ns = clock.now_ns();
    let elapsed = || Duration::from_nanos(clock.now_ns().saturating_sub(began_ns));
    let mut rng = schedule.seed.map(Rng::with_seed);
    let mut orders: Vec<Vec<usize>> = Vec::new();
    let (mut newest_counted, mut again): (Option<Vec<usize>>, Option<Vec<usize>>) = (None, None);
    let (mut differences_ln, mut wrong) = (Vec::new(), Vec::new());
    let (mut counted, mut invalidated) = (0, 0);
    let ended = loop {
        if matches!(schedule.stopping, StoppingRule::Rounds(wanted) if counted == wanted) {
            break Ended::Complete;
        }
        let one = mean_time(elapsed(), orders.len());
        if schedule.budget.is_some_and(|budget| !orders.is_empty() && elapsed() + one > budget) {
            break Ended::Early(StopReason::Budget);
        }
        let mut order = match (again.take(), &mut rng) {
            (Some(order), _) => order,
            (None, Some(rng)) => drawn_order(rng, counted, newest_counted.as_ref()),
            (None, None) => turned_order(counted, schedule.arms),
        };
        order.retain(|arm| !wrong.contains(arm));
        if order.len() < schedule.arms.min(2) {
            break Ended::Early(StopReason::WrongOutput);
        }
        let measured = match rounds.measure(orders.len(), &order) {
            Ok(measured) => measured,
            Err(RoundFailed::WrongOutput) => break Ended::Early(StopReason::WrongOutput),
            Err(RoundFailed::Process) => break Ended::Failed,
        };
        orders.push(order.clone());
        let counts = schedule.ignore_guards || measured.invalidated_by.is_empty();
        if counts {
            counted += 1;
            newest_counted = Some(order);
            differences_ln.extend(measured.difference_ln);
        } else {
            invalidated += 1;
            again = Some(order);
        }
        let so_far = match &schedule.stopping {
            StoppingRule::Rounds(_) => None,
            // A difference that is no ratio of two times is the fault of who measured.
            StoppingRule::Sequential(rule) => match sequential(&differences_ln, rule) {
                Ok(so_far) => Some(so_far),
                Err(_) => break Ended::Failed,
            },
        };
        let one = mean_time(elapsed(), orders.len());
        rounds.on_round(&RoundReport {
            round: orders.len() - 1,
            order: &orders[orders.len() - 1],
            measured: &measured,
            counts,
            counted,
            so_far: so_far.as_ref(),
            left: time_left(schedule, so_far.as_ref(), counted, one),
        });
        if so_far.is_some_and(|so_far| so_far.is_final()) {
            break Ended::Complete;
        }
        wrong.extend(&measured.wrong);
        if invalidated > schedule.largest_redraws {
            break Ended::Early(StopReason::Guards);
        }
    };
    Driven { orders, ended }
}

fn drawn_order(rng: &mut Rng, round: usize, before: Option<&Vec<usize>>) -> Vec<usize> {
    let (base, head) = (Side::Base.arm(), Side::Head.arm());
    match before {
        Some(before) if !round.is_multiple_of(2) => before.iter().rev().copied().collect(),
        _ if rng.bool() => vec![base, head],
        _ => vec![head, base],
    }
}

fn turned_order(round: usize, arms: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..arms).collect();
    if arms > 0 {
        order.rotate_left((round / 2) % arms);
    }
    if !round.is_multiple_of(2) {
        order.reverse();
    }
    order
}

fn mean_time(elapsed: Duration, rounds: usize) -> Duration {
    u32::try_from(rounds).ok().filter(|rounds| *rounds > 0).map_or(Duration::ZERO, |rounds| elapsed / rounds)
}

fn time_left(
    schedule: &Schedule,
    so_far: Option<&SequentialResult>,
    counted: usize,
    one: Duration,
) -> Option<TimeLeft> {
    let until =
        |rounds: usize| one.saturating_mul(u32::try_from(rounds.saturating_sub(counted)).unwrap_or(u32::MAX));
    match (&schedule.stopping, so_far.map(|so_far| so_far.outcome)) {
        (StoppingRule::Rounds(wanted), _) => {
            Some(TimeLeft { at_least: until(*wanted), at_most: until(*wanted) })
        }
        (_, Some(SequentialOutcome::Undecided { next_look })) => {
            Some(TimeLeft { at_least: until(next_look), at_most: until(Look::LAST.pairs) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::ScriptedClock;

    /// Rounds of ten seconds, of which some are invalidated and one finds an engine wrong.
    struct Scripted {
        clock: ScriptedClock,
        invalidated: Vec<usize>,
        wrong: Option<(usize, usize)>,
        reported: Vec<(usize, bool, u64)>,
    }

    impl Rounds for Scripted {
        fn measure(&mut self, round: usize, _order: &[usize]) -> Result<MeasuredRound, RoundFailed> {
            let hand = self.clock.hand();
            hand.set(hand.get() + 10_000_000_000);
            Ok(MeasuredRound {
                invalidated_by: self
                    .invalidated
                    .iter()
                    .filter(|it| **it == round)
                    .map(|_| "hot".into())
                    .collect(),
                difference_ln: None,
                wrong: self.wrong.iter().filter(|it| it.0 == round).map(|it| it.1).collect(),
            })
        }

        fn on_round(&mut self, reported: &RoundReport<'_>) {
            self.reported.push((
                reported.counted,
                reported.counts,
                reported.left.unwrap().at_least.as_secs(),
            ));
        }
    }

    fn plan() -> Schedule {
        Schedule {
            arms: 3,
            stopping: StoppingRule::Rounds(6),
            largest_redraws: 1,
            ignore_guards: false,
            seed: None,
            budget: None,
        }
    }

    fn run(plan: &Schedule, invalidated: &[usize], wrong: Option<(usize, usize)>) -> (Driven, Scripted) {
        let clock = ScriptedClock::default();
        let mut rounds =
            Scripted { clock: clock.clone(), invalidated: invalidated.to_vec(), wrong, reported: Vec::new() };
        (drive(plan, &clock, &mut rounds), rounds)
    }

    #[test]
    fn every_engine_has_every_place_and_runs_before_every_other_as_often_as_after() {
        let (driven, _) = run(&plan(), &[], None);
        assert_eq!(driven.ended, Ended::Complete);
        let orders = &driven.orders;
        assert_eq!(orders[..2], [vec![0, 1, 2], vec![2, 1, 0]]);
        for engine in 0..3 {
            for place in 0..3 {
                assert_eq!(orders.iter().filter(|order| order[place] == engine).count(), 2, "{orders:?}");
            }
            for other in (0..3).filter(|other| *other != engine) {
                let place = |order: &Vec<usize>, of| order.iter().position(|it| *it == of);
                let before = orders.iter().filter(|order| place(order, engine) < place(order, other)).count();
                assert_eq!(before, 3);
            }
        }
    }

    #[test]
    fn a_invalidated_round_is_made_again_and_too_many_end_it() {
        let (driven, rounds) = run(&plan(), &[1], None);
        assert_eq!((driven.ended, driven.orders.len()), (Ended::Complete, 7));
        assert_eq!(rounds.reported[1], (1, false, 50));
        assert_eq!(driven.orders[1], driven.orders[2], "in the same order");
        let (driven, _) = run(&plan(), &[1, 2], None);
        assert_eq!((driven.ended, driven.orders.len()), (Ended::Early(StopReason::Guards), 3));
        let (driven, _) = run(&Schedule { ignore_guards: true, ..plan() }, &[1, 2, 3], None);
        assert_eq!((driven.ended, driven.orders.len()), (Ended::Complete, 6));
    }

    #[test]
    fn each_side_begins_one_of_every_two_pairs_that_count_whichever_are_invalidated() {
        for (seed, invalidated) in (0..20).flat_map(|seed| [(seed, [1, 2]), (seed, [0, 4]), (seed, [3, 5])]) {
            let schedule = Schedule { arms: 2, seed: Some(seed), largest_redraws: 2, ..plan() };
            let (driven, rounds) = run(&schedule, &invalidated, None);
            let counted = driven.orders.iter().zip(&rounds.reported).filter(|(_, reported)| reported.1);
            let first: Vec<usize> = counted.map(|(order, _)| order[0]).collect();
            assert_eq!(first.len(), 6);
            for two in first.chunks(2) {
                assert_ne!(two[0], two[1], "seed {seed}, {invalidated:?} invalidated: {first:?}");
            }
        }
    }

    #[test]
    fn no_round_is_begun_that_would_not_end_in_time() {
        let (driven, _) = run(&Schedule { budget: Some(Duration::from_secs(35)), ..plan() }, &[], None);
        assert_eq!((driven.ended, driven.orders.len()), (Ended::Early(StopReason::Budget), 3));
    }

    #[test]
    fn an_engine_with_a_wrong_answer_is_in_no_further_round_and_one_alone_is_no_comparison() {
        let (driven, _) = run(&plan(), &[], Some((0, 1)));
        assert_eq!(driven.ended, Ended::Complete);
        assert!(driven.orders[1..].iter().all(|order| order.len() == 2 && !order.contains(&1)));
        let (driven, _) = run(&Schedule { arms: 2, ..plan() }, &[], Some((0, 1)));
        assert_eq!((driven.ended, driven.orders.len()), (Ended::Early(StopReason::WrongOutput), 1));
    }
}
