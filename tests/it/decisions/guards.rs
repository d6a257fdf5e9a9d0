//! The state of the machine: whose word a gate takes, and whose only somebody at the machine.

use arcgauge::gate::Strictness;
use arcgauge::record::{CheckResult, StopReason};

use super::{INVALID, PASSES, PASSES_WITH_WARNING, check, edited, passing, reason, says, swapping};
use crate::forged_pairs::{ab, around, decided};

#[test]
fn a_machine_that_was_quiet_is_nothing_to_be_told_of() {
    says("quiet", &passing(|record| swapping(record, &[], true)), PASSES, PASSES);
}

#[test]
fn a_pair_that_a_guard_invalidated_does_not_count_and_is_told() {
    // The second pair is twice as slow, and invalidated.
    let mut changes = around(0.0, 0.3, 6);
    changes[1] = 100.0;
    let redrawn = edited(ab(&changes), |record| swapping(record, &[1], true));
    says("one drawn again", &redrawn, PASSES_WITH_WARNING, PASSES_WITH_WARNING);
    let decision = decided(&redrawn, Strictness::Gate);
    assert_eq!(decision.comparisons[0].pairs, 5);
    let (word, reported) = check(&decision, "guards");
    assert_eq!(word, CheckResult::Warns);
    let expected = "1 of 6 pairs were invalidated and do not count, first by `swap-in` on `base`: `12` pages";
    assert!(reported.starts_with(expected), "{reported}");
}

#[test]
fn more_invalidated_pairs_than_may_be_measured_again_are_no_ground_for_anybody() {
    let too_many = edited(ab(&around(0.0, 0.3, 9)), |record| {
        swapping(record, &[0, 1, 2, 3], true);
        record.stop_reason = Some(StopReason::Guards);
    });
    says("too many", &too_many, INVALID, INVALID);
    let reported = reason(&too_many);
    assert!(reported.starts_with("4 of 9 pairs were invalidated, first by `swap-in`"), "{reported}");
}

#[test]
fn pairs_that_count_despite_guards_are_for_people_and_not_for_gates() {
    let despite = passing(|record| {
        swapping(record, &[1], true);
        record.sampling.ignore_guards = true;
    });
    says("despite", &despite, INVALID, PASSES_WITH_WARNING);
    assert_eq!(decided(&despite, Strictness::Ab).comparisons[0].pairs, 5);
    assert!(reason(&despite).contains("are kept although a guard tripped"), "{}", reason(&despite));
}

#[test]
fn no_gate_is_passed_on_windows_where_no_guard_is_observed() {
    let windows = passing(|record| record.machine.os = Some("Windows 11 Pro".to_owned()));
    says("on Windows", &windows, INVALID, PASSES);
    assert!(reason(&windows).contains("guards are not observed on Windows"), "{}", reason(&windows));
}

#[test]
fn a_gate_takes_no_times_of_a_machine_on_battery() {
    let battery = passing(|record| swapping(record, &[], false));
    says("on battery", &battery, INVALID, PASSES);
    assert!(reason(&battery).contains("ran on battery"), "{}", reason(&battery));
}
