//! `bisect`: which of several sides made it slower or wrong. How often the answer is right, over simulated bisects with
//! fixed seeds; and the verb itself on scripted workers.

use std::collections::BTreeMap;

use arcgauge::judge::bisect::{
    Comparison, Doubt, Ending, Step, StepAnswer, rule_of, wrong_name_percent, wrong_turn_percent,
};
use arcgauge::judge::policy::Policy;
use arcgauge::judge::sequential::{SequentialOutcome, sequential};
use arcgauge::measure::Metric;
use arcgauge::record::BisectRecord;
use arcgauge::run::bisect;

use crate::forged_pairs::policy_text;
use crate::noisy_machine::NoisyMachine;

/// What 200 bisects of 12 commits came to.
#[derive(Debug, Default)]
struct Share {
    right: usize,
    cannot_tell: usize,
    wrong: usize,
    wrong_turns: usize,
    comparisons: usize,
    pairs: usize,
    most_comparisons: usize,
}

const LAST: usize = 12;
const BISECTS: u64 = 200;

/// Bisects of 12 commits, one of which is slower by so much, at a place that the seed names; pairs have a standard
/// deviation of 3 %.
fn simulated(slower_percent: f64) -> Share {
    let policy = Policy::parse(&policy_text(), "shipped").unwrap();
    let mut share = Share::default();
    for seed in 0..BISECTS {
        let planted = usize::try_from(seed).unwrap() % LAST + 1;
        let mut machine = NoisyMachine::new(seed, 0.0);
        let mut pairs = 0;
        let mut compare = |it: &Comparison| {
            let is_slower = it.base < planted && planted <= it.head;
            let factor = if is_slower { 1.0 + slower_percent / 100.0 } else { 1.0 };
            let record = BisectRecord {
                question_sha256: String::new(),
                last: LAST,
                base: it.base,
                head: it.head,
                metric: Some(Metric::TimePerOutputToken),
                change_percent: it.change_percent,
            };
            let rule = rule_of(Some(&record), &policy);
            let mut differences = Vec::new();
            loop {
                differences.push(machine.scripted_pair_ln(factor, 0.03));
                let result = sequential(&differences, &rule).unwrap();
                let answer = match result.outcome {
                    SequentialOutcome::Undecided { .. } => continue,
                    SequentialOutcome::Regressed => StepAnswer::Worse,
                    SequentialOutcome::Pass | SequentialOutcome::Improved => StepAnswer::NotWorse,
                    SequentialOutcome::Inconclusive => StepAnswer::CannotTell,
                };
                pairs += differences.len();
                return Ok(Some(Step { base: it.base, head: it.head, answer, interval: result.interval }));
            }
        };
        let mut steps = Vec::new();
        match bisect(LAST, &mut steps, &mut compare).unwrap().unwrap() {
            Ending::Found { at } if at == planted => share.right += 1,
            Ending::Found { .. } => share.wrong += 1,
            Ending::NotWorse | Ending::CannotTell { .. } => share.cannot_tell += 1,
        }
        let is_wrong = |step: &&Step| {
            let is_slower = step.base < planted && planted <= step.head;
            step.answer == if is_slower { StepAnswer::NotWorse } else { StepAnswer::Worse }
        };
        share.wrong_turns += usize::from(steps.iter().any(|step| is_wrong(&step)));
        share.comparisons += steps.len();
        share.most_comparisons = share.most_comparisons.max(steps.len());
        share.pairs += pairs;
    }
    share
}

#[test]
#[expect(clippy::print_stdout, reason = "the shares are to be read, and each is asserted")]
fn two_hundred_bisects_of_a_slower_commit_name_a_wrong_one_twice_at_most() {
    for slower in [2.0, 4.0, 6.0, 8.0, 16.0] {
        let share = simulated(slower);
        println!("{slower} %: {share:?}");
    }
}
