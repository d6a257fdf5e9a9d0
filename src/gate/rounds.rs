//! Drives rounds of engines side by side: every engine once a round, in an order that is turned and turned
//! round, so that neither a drift of the machine nor whatever comes of being first favours one of them.

use std::time::Duration;

use crate::measure::Clock;

/// Who measures rounds.
pub trait Rounds {
    /// Measures one process of each of these engines, one right after the other.
    ///
    /// # Errors
    /// Why there is no round: the run ends.
    fn measure(&mut self, round: usize, order: &[usize]) -> Result<MeasuredRound, RoundsHalt>;

    /// Hears how far it has come.
    fn hear(&mut self, told: &RoundTold<'_>);
}

/// A round that was measured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeasuredRound {
    /// Each guard that spoilt it, with the readings; empty where it counts.
    pub spoilt_because: Vec<String>,
    /// Engines whose output was found wrong: they are in no further round.
    pub wrong: Vec<usize>,
}

/// Why there is no round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundsHalt {
    /// The output of what all are held against is wrong.
    WrongOutput,
    /// A process failed, or the user stopped the run; whoever measures knows more.
    Failed,
}

/// By which rules rounds are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundPlan {
    /// How many engines there are.
    pub engines: usize,
    /// Rounds that are to count.
    pub rounds: usize,
    /// Spoilt rounds that are made again, at most.
    pub largest_redraws: usize,
    /// Whether a round counts in which a guard tripped.
    pub despite_guards: bool,
    /// No round is begun that would not end within this time.
    pub budget: Option<Duration>,
}

/// A round, as it is told while the run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundTold<'a> {
    /// Which one, from 0, spoilt ones counted.
    pub round: usize,
    /// Rounds that count so far.
    pub counted: usize,
    /// What came of it.
    pub measured: &'a MeasuredRound,
    /// Whether it counts.
    pub counts: bool,
    /// How long the others may take, at the pace so far.
    pub left: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrivenRounds {
    /// The order of the engines in each round that was measured whole.
    pub orders: Vec<Vec<usize>>,
    /// How it ended.
    pub ended: RoundsEnded,
}

/// How the rounds ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundsEnded {
    /// As many count as were asked for.
    Complete,
    /// The time was over.
    Budget,
    /// More were spoilt than may be made again.
    Guards,
    /// The output of what all are held against is wrong, or no other is left to be held against it.
    WrongOutput,
    /// A process failed, or the user stopped the run.
    Failed,
}

/// Measures rounds, and tells each.
pub fn drive_rounds(plan: &RoundPlan, clock: &dyn Clock, rounds: &mut dyn Rounds) -> DrivenRounds {
    let began_ns = clock.now_ns();
    let elapsed = || Duration::from_nanos(clock.now_ns().saturating_sub(began_ns));
    let mut orders: Vec<Vec<usize>> = Vec::new();
    let mut wrong: Vec<usize> = Vec::new();
    let (mut counted, mut spoilt) = (0, 0);
    let ended = loop {
        if counted == plan.rounds {
            break RoundsEnded::Complete;
        }
        let one = mean_time(elapsed(), orders.len());
        if plan.budget.is_some_and(|budget| !orders.is_empty() && elapsed() + one > budget) {
            break RoundsEnded::Budget;
        }
        // A round that is made again has the order of the one that was spoilt.
        let mut order = order_of(counted, plan.engines);
        order.retain(|engine| !wrong.contains(engine));
        if order.len() < 2 {
            break RoundsEnded::WrongOutput;
        }
        let measured = match rounds.measure(orders.len(), &order) {
            Ok(measured) => measured,
            Err(RoundsHalt::WrongOutput) => break RoundsEnded::WrongOutput,
            Err(RoundsHalt::Failed) => break RoundsEnded::Failed,
        };
        orders.push(order);
        let counts = plan.despite_guards || measured.spoilt_because.is_empty();
        if counts {
            counted += 1;
        } else {
            spoilt += 1;
        }
        let one = mean_time(elapsed(), orders.len());
        let left = one.saturating_mul(u32::try_from(plan.rounds - counted).unwrap_or(u32::MAX));
        rounds.hear(&RoundTold { round: orders.len() - 1, counted, measured: &measured, counts, left });
        wrong.extend(&measured.wrong);
        if spoilt > plan.largest_redraws {
            break RoundsEnded::Guards;
        }
    };
    DrivenRounds { orders, ended }
}

/// Turned by one place every two rounds, and every second one backwards: over twice as many rounds as engines
/// each has every place twice, and runs before every other as often as after it.
fn order_of(round: usize, engines: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..engines).collect();
    if engines > 0 {
        order.rotate_left((round / 2) % engines);
    }
    if !round.is_multiple_of(2) {
        order.reverse();
    }
    order
}

fn mean_time(elapsed: Duration, rounds: usize) -> Duration {
    u32::try_from(rounds).ok().filter(|rounds| *rounds > 0).map_or(Duration::ZERO, |rounds| elapsed / rounds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::ScriptedClock;

    /// Rounds of ten seconds, of which some are spoilt and one finds an engine wrong.
    struct Scripted {
        clock: ScriptedClock,
        spoilt: Vec<usize>,
        wrong: Option<(usize, usize)>,
        told: Vec<(usize, bool, u64)>,
    }

    impl Rounds for Scripted {
        fn measure(&mut self, round: usize, _order: &[usize]) -> Result<MeasuredRound, RoundsHalt> {
            let hand = self.clock.hand();
            hand.set(hand.get() + 10_000_000_000);
            Ok(MeasuredRound {
                spoilt_because: self.spoilt.iter().filter(|it| **it == round).map(|_| "hot".into()).collect(),
                wrong: self.wrong.iter().filter(|it| it.0 == round).map(|it| it.1).collect(),
            })
        }

        fn hear(&mut self, told: &RoundTold<'_>) {
            self.told.push((told.counted, told.counts, told.left.as_secs()));
        }
    }

    fn plan() -> RoundPlan {
        RoundPlan { engines: 3, rounds: 6, largest_redraws: 1, despite_guards: false, budget: None }
    }

    fn drive(plan: &RoundPlan, spoilt: &[usize], wrong: Option<(usize, usize)>) -> (DrivenRounds, Scripted) {
        let clock = ScriptedClock::default();
        let mut rounds = Scripted { clock: clock.clone(), spoilt: spoilt.to_vec(), wrong, told: Vec::new() };
        (drive_rounds(plan, &clock, &mut rounds), rounds)
    }

    #[test]
    fn every_engine_has_every_place_and_runs_before_every_other_as_often_as_after() {
        let (driven, _) = drive(&plan(), &[], None);
        assert_eq!(driven.ended, RoundsEnded::Complete);
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
    fn a_spoilt_round_is_made_again_and_too_many_end_it() {
        let (driven, rounds) = drive(&plan(), &[1], None);
        assert_eq!((driven.ended, driven.orders.len()), (RoundsEnded::Complete, 7));
        assert_eq!(rounds.told[1], (1, false, 50));
        assert_eq!(driven.orders[1], driven.orders[2], "in the same order, lest places are no longer even");
        let (driven, _) = drive(&plan(), &[1, 2], None);
        assert_eq!((driven.ended, driven.orders.len()), (RoundsEnded::Guards, 3));
        let (driven, _) = drive(&RoundPlan { despite_guards: true, ..plan() }, &[1, 2, 3], None);
        assert_eq!((driven.ended, driven.orders.len()), (RoundsEnded::Complete, 6));
    }

    #[test]
    fn no_round_is_begun_that_would_not_end_in_time() {
        let (driven, _) = drive(&RoundPlan { budget: Some(Duration::from_secs(35)), ..plan() }, &[], None);
        assert_eq!((driven.ended, driven.orders.len()), (RoundsEnded::Budget, 3));
    }

    #[test]
    fn an_engine_with_a_wrong_answer_is_in_no_further_round_and_one_alone_is_no_comparison() {
        let (driven, _) = drive(&plan(), &[], Some((0, 1)));
        assert_eq!(driven.ended, RoundsEnded::Complete);
        assert!(driven.orders[1..].iter().all(|order| order.len() == 2 && !order.contains(&1)));
        let (driven, _) = drive(&RoundPlan { engines: 2, ..plan() }, &[], Some((0, 1)));
        assert_eq!((driven.ended, driven.orders.len()), (RoundsEnded::WrongOutput, 1));
    }
}
