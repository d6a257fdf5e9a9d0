//! From pairs of scripted workers to a verdict: the real protocol, the real driver, the real rules, and a
//! noise of 1 % between the pairs.

mod script;
mod workers;

use std::time::Duration;

use arcgauge::gate::Strictness;
use arcgauge::golden::GoldenResult;
use arcgauge::record::{
    Arm, DecisionRecord, Experiment, Outcome, ProcessRecord, PromptRecord, Round, Side, Status, StopReason,
    Verdict, WorkloadRecord, stored_samples,
};
use arcgauge::run::{Ended, TimeLeft};

use crate::forged_pairs::{decided, judge_by, policy_text};
use crate::{forged, laid_out};
use workers::{Measured, PAIR, Scene, WorkerSide};

const SEEDS: [u64; 6] = [1, 2, 3, 20, 77, 4096];

pub(crate) use script::goldens;

/// The record of a head so much slower.
pub(crate) fn record(slower_percent: f64, seed: u64) -> Experiment {
    record_of(&Scene::of(slower_percent, seed).drive())
}

/// The record of a head that says another token.
pub(crate) fn wrong_record(seed: u64) -> Experiment {
    record_of(&Scene { slips: Some((0, Side::Head)), ..Scene::of(0.0, seed) }.drive())
}

/// What `ab` keeps of it.
fn record_of(measured: &Measured) -> Experiment {
    let mut record = forged::ab_record();
    for (side, run) in [&measured.base, &measured.head].into_iter().zip(&mut record.arms) {
        keep(measured, side, run);
    }
    let (plan, published) = (&measured.plan, record.published.as_mut().unwrap());
    published.prompts = plan.prompts.iter().map(|prompt| prompt.id.clone()).collect();
    published.new_tokens = plan.new_tokens;
    let orders = measured.driven.orders.iter();
    record.rounds = orders.map(|order| Round { order: order.clone() }).collect();
    record.stop_reason = match measured.ended() {
        Ended::Early(why) => Some(why),
        Ended::Complete | Ended::Failed => None,
    };
    if record.stop_reason == Some(StopReason::WrongOutput) {
        record.outcome = Outcome::WrongOutput;
    }
    record.sampling.ignore_guards = measured.scene.ignore_guards;
    (record.sampling.seed, record.decision) = (Some(measured.scene.seed), None);
    judge_by(&mut record, policy_text());
    laid_out::record(&mut record);
    record
}

fn keep(measured: &Measured, side: &WorkerSide, run: &mut Arm) {
    let (plan, samples) = (&measured.plan, side.session.samples());
    let processes = side.session.processes.len();
    run.workload = WorkloadRecord::new(plan.prompts.clone(), processes, plan.new_tokens).unwrap();
    let judged = plan.prompts.iter().zip(&side.findings);
    run.prompts = judged.map(|(prompt, finding)| PromptRecord::of(&prompt.id, finding)).collect();
    run.samples = stored_samples(plan, &samples, &side.findings);
    let guards = side.guards.iter().enumerate();
    run.processes = guards
        .map(|(index, log)| ProcessRecord { index, guards: Some(log.clone()), ..forged::process() })
        .collect();
    let is_wrong = run.prompts.iter().any(|prompt| prompt.golden == GoldenResult::Break);
    run.outcome = if is_wrong { Outcome::WrongOutput } else { Outcome::Complete };
    (run.device.requested, run.device.reason) = ("CPU".into(), None);
}

fn decision(measured: &Measured) -> DecisionRecord {
    decided(&record_of(measured), Strictness::Gate)
}

/// The verdict on a head so much slower, and after how many pairs it fell.
fn verdict(slower_percent: f64, seed: u64) -> (Verdict, usize) {
    let measured = Scene::of(slower_percent, seed).drive();
    assert_eq!(measured.ended(), Ended::Complete);
    (decision(&measured).verdict, measured.driven.orders.len())
}

#[test]
fn a_head_that_is_slower_has_regressed_the_sooner_the_slower_it_is() {
    for seed in SEEDS {
        let (word, pairs) = verdict(5.0, seed);
        assert!(word == Verdict::Regressed && pairs <= 9, "{word:?} after {pairs} pairs, seed {seed}");
        assert_eq!(verdict(20.0, seed), (Verdict::Regressed, 5), "seed {seed}");
        assert_eq!(verdict(100.0, seed), (Verdict::Regressed, 5), "seed {seed}");
    }
}

#[test]
fn a_head_that_is_not_slower_passes_and_one_that_is_faster_has_improved() {
    for seed in SEEDS {
        assert_eq!(verdict(0.0, seed).0, Verdict::Pass, "seed {seed}");
        assert_eq!(verdict(-5.0, seed).0, Verdict::Improved, "seed {seed}");
    }
}

#[test]
fn a_token_that_differs_ends_it_before_any_speed_is_known() {
    for seed in SEEDS {
        let scene = Scene { slips: Some((0, Side::Head)), ..Scene::of(-20.0, seed) };
        let measured = scene.drive();
        assert_eq!(measured.ended(), Ended::Early(StopReason::WrongOutput));
        assert_eq!((measured.reported.len(), measured.driven.orders.len()), (0, 0));
        let record = record_of(&measured);
        let decision = decided(&record, Strictness::Gate);
        assert_eq!((decision.verdict, decision.status), (Verdict::WrongOutput, Status::Red));
        assert!(decision.reason.contains("`a` of the head at token 3 (`3` for `7`)"), "{}", decision.reason);
        assert!(decision.comparisons.is_empty());
        let of_prompt = |id: &str| {
            let samples = record.arms[1].samples.iter().filter(move |sample| sample.prompt_id == id);
            samples.map(|sample| sample.times.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(of_prompt("a"), [false, false], "the warm-up asks the same");
        assert_eq!((of_prompt("b"), of_prompt("c")), (vec![true], vec![true]));
    }
}

#[test]
fn a_token_that_differs_later_takes_the_pairs_before_it_too() {
    for side in [Side::Base, Side::Head] {
        let measured = Scene { slips: Some((3, side)), ..Scene::of(0.0, 1) }.drive();
        assert_eq!(measured.ended(), Ended::Early(StopReason::WrongOutput));
        assert_eq!(measured.driven.orders.len(), 3);
        let decision = decision(&measured);
        assert_eq!((decision.verdict, decision.comparisons.len()), (Verdict::WrongOutput, 0));
    }
}

#[test]
fn sides_take_turns_at_random_and_the_same_for_the_same_seed() {
    let order = |seed| Scene::of(0.0, seed).drive().driven.orders;
    for seed in SEEDS {
        assert_eq!(order(seed), order(seed));
    }
    let [one, other] = [order(1), order(2)].map(|order| order[..5].to_vec());
    assert_ne!(one, other);
    let all: Vec<Side> = SEEDS.into_iter().flat_map(order).map(|order| Side::BOTH[order[0]]).collect();
    let base_first = all.iter().filter(|first| **first == Side::Base).count();
    assert!(base_first * 4 > all.len() && base_first * 4 < all.len() * 3, "{base_first} of {}", all.len());
    let measured = Scene::of(0.0, 1).drive();
    let reported: Vec<Side> = measured.reported.iter().map(|reported| reported.first).collect();
    let firsts: Vec<Side> = measured.driven.orders.iter().map(|order| Side::BOTH[order[0]]).collect();
    assert_eq!(reported, firsts);
}

#[test]
fn a_invalidated_pair_is_measured_again_three_times_and_not_a_fourth() {
    let scene = |invalidated: &[usize]| Scene { invalidated: invalidated.to_vec(), ..Scene::of(20.0, 1) };
    let thrice = scene(&[0, 2, 3]).drive();
    assert_eq!((thrice.ended(), thrice.driven.orders.len()), (Ended::Complete, 8));
    let counts: Vec<bool> = thrice.reported.iter().map(|reported| reported.counts).collect();
    assert_eq!(counts, [false, true, false, false, true, true, true, true]);
    let decision_thrice = decision(&thrice);
    assert_eq!(decision_thrice.verdict, Verdict::Regressed);
    assert_eq!(decision_thrice.comparisons[0].pairs, 5);

    let four_times = scene(&[0, 2, 3, 5]).drive();
    assert_eq!(four_times.ended(), Ended::Early(StopReason::Guards));
    assert_eq!(four_times.driven.orders.len(), 6);
    let record = record_of(&four_times);
    for strictness in [Strictness::Gate, Strictness::Ab] {
        let decision = decided(&record, strictness);
        assert_eq!((decision.verdict, decision.status), (Verdict::InvalidEnvironment, Status::Red));
        assert!(decision.reason.starts_with("4 of 6 pairs were invalidated, first by `swap-in`"));
    }
}

#[test]
fn invalidated_pairs_count_where_that_was_requested() {
    let scene = Scene { invalidated: (0..15).collect(), ignore_guards: true, ..Scene::of(20.0, 1) };
    let measured = scene.drive();
    assert_eq!((measured.ended(), measured.driven.orders.len()), (Ended::Complete, 5));
    assert!(measured.reported.iter().all(|reported| reported.counts));
    let record = record_of(&measured);
    assert_eq!(decided(&record, Strictness::Ab).verdict, Verdict::Regressed);
    assert_eq!(decided(&record, Strictness::Gate).verdict, Verdict::InvalidEnvironment);
}

#[test]
fn a_budget_ends_it_with_what_was_learnt_so_far() {
    let within = |budget| Scene { budget: Some(budget), ..Scene::of(2.0, 1) }.drive();
    for (pairs, status) in [(6, Status::GreenWithWarning), (1, Status::Red)] {
        let measured = within(PAIR * pairs);
        assert_eq!(measured.ended(), Ended::Early(StopReason::Budget));
        assert_eq!(measured.driven.orders.len(), pairs as usize, "no pair is begun that would not end in it");
        let decision = decision(&measured);
        assert_eq!((decision.verdict, decision.status), (Verdict::Inconclusive, status), "{decision:#?}");
    }
    let learnt = decision(&within(PAIR * 6));
    assert_eq!(learnt.comparisons[0].pairs, 6);
    assert!(learnt.reason.starts_with("the time budget was exhausted"), "{}", learnt.reason);
    let too_short = within(Duration::from_secs(1));
    assert_eq!(too_short.driven.orders.len(), 1, "how long a pair takes is only known when one has ended");
    assert_eq!(within(PAIR * 60).ended(), Ended::Complete);
}

#[test]
fn the_time_left_is_told_from_the_first_pair_on_until_it_is_decided() {
    let measured = Scene::of(2.0, 1).drive();
    let left = |pair: usize| measured.reported[pair].left;
    let to =
        |at_least: u32, at_most: u32| Some(TimeLeft { at_least: PAIR * at_least, at_most: PAIR * at_most });
    assert_eq!((left(0), left(3), left(4)), (to(4, 14), to(1, 11), to(2, 10)));
    assert_eq!(measured.reported.last().unwrap().left, None);
    assert!(measured.reported.len() > 5);
}

#[test]
fn a_side_that_fails_ends_the_run() {
    for side in [Side::Base, Side::Head] {
        let measured = Scene { fails: Some((2, side)), ..Scene::of(0.0, 1) }.drive();
        assert_eq!(measured.ended(), Ended::Failed);
        assert_eq!((measured.driven.orders.len(), measured.reported.len()), (2, 2));
    }
}
