//! The rule on pairs written by hand.

use super::*;
use crate::error::ErrorKind;

use SequentialOutcome::{Improved, Inconclusive, Pass, Regressed, Undecided};

const RULE: Rule = Rule { regressed_beyond_percent: 1.0, passes_within_percent: 3.0 };

fn judged(differences: &[f64]) -> SequentialResult {
    sequential(differences, &RULE).unwrap()
}

/// So many differences around a mean, alternately above and below it by `apart`.
fn around(mean: f64, apart: f64, pairs: usize) -> Vec<f64> {
    (0..pairs).map(|pair| if pair % 2 == 0 { mean + apart } else { mean - apart }).collect()
}

#[test]
fn nothing_is_decided_before_the_first_look() {
    for pairs in 0..5 {
        let result = judged(&vec![1.0; pairs]);
        assert_eq!(result.outcome, Undecided { next_look: 5 });
        assert_eq!(result.interval.map(|interval| interval.pairs), (pairs > 1).then_some(pairs));
        assert!(!result.is_final());
    }
}

#[test]
fn equal_differences_are_decided_at_the_first_look() {
    for (difference, outcome) in [(0.0, Pass), (0.009, Pass), (0.02, Regressed), (-0.001, Improved)] {
        let result = judged(&[difference; 15]);
        assert_eq!((result.outcome, result.interval.unwrap().pairs), (outcome, 5), "{difference}");
        assert!(result.interval.unwrap().sd_ln.abs() < 1e-15);
    }
}

#[test]
fn a_change_known_to_lie_between_the_thresholds_is_a_regression() {
    let interval = judged(&around(0.02, 0.001, 5)).interval.unwrap();
    assert!(
        interval.lower_ln() > RULE.regressed_beyond_ln() && interval.upper_ln() < RULE.passes_within_ln()
    );
    assert_eq!(judged(&around(0.02, 0.001, 5)).outcome, Regressed);
}

#[test]
fn a_bound_has_to_lie_beyond_its_threshold_and_not_on_it() {
    let on = |percent: f64| judged(&[(percent / 100.0).ln_1p(); 5]).outcome;
    let rule = Rule { regressed_beyond_percent: 5.0, ..RULE };
    assert_eq!(on(1.0), Pass);
    let between = sequential(&[RULE.passes_within_ln(); 5], &rule).unwrap();
    assert_eq!(between.outcome, Undecided { next_look: 7 });
    assert_eq!(judged(&[0.0; 5]).outcome, Pass, "what is equal is not improved");
}

#[test]
fn pairs_after_the_look_that_decided_change_nothing() {
    let mut differences = around(0.0, 0.001, 5);
    let first = judged(&differences);
    differences.extend([9.0; 10]);
    assert_eq!(judged(&differences), first);
    assert_eq!(first.outcome, Pass);
}

#[test]
fn noise_is_looked_at_again_and_again_and_then_no_more() {
    let noisy = around(0.02, 0.05, 40);
    for (pairs, next) in [(5, 7), (6, 7), (7, 9), (11, 12), (14, 15)] {
        let result = judged(&noisy[..pairs]);
        assert_eq!(result.outcome, Undecided { next_look: next });
        assert_eq!(result.interval.unwrap().pairs, pairs);
    }
    let last = judged(&noisy[..15]);
    assert_eq!((last.outcome, last.is_final()), (Inconclusive, true));
    assert_eq!(judged(&noisy), last, "there are never more than fifteen");
}

#[test]
fn what_ends_early_is_inconclusive_as_learnt_so_far_and_a_decision_stays() {
    let early = judged(&around(0.0, 0.05, 6));
    assert_eq!(early.ended(), SequentialResult { outcome: Inconclusive, ..early });
    let single = judged(&[0.0]).ended();
    assert_eq!(single, SequentialResult { outcome: Inconclusive, interval: None });
    let decided = judged(&[0.0; 5]);
    assert_eq!(decided.ended(), decided);
}

#[test]
fn a_difference_of_no_ratio_is_refused_with_its_pair() {
    for difference in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
        let refused = sequential(&[0.0, difference], &RULE).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Harness);
        assert!(refused.to_string().starts_with("pair `2` has a difference of"), "{refused}");
    }
}

#[test]
fn a_rule_of_no_number_decides_nothing() {
    let rule = Rule { regressed_beyond_percent: f64::NAN, passes_within_percent: f64::NAN };
    assert_eq!(sequential(&[0.0; 15], &rule).unwrap().outcome, Inconclusive);
}
