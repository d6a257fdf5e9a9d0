//! The pairs' own word, and what becomes of one that they cannot give.

use arcgauge::gate::Strictness;
use arcgauge::record::{CheckResult, ComparisonResult, Status, StopReason, Verdict};
use serde_json::{Value, json};

use super::{
    CANNOT_BE_TOLD, IMPROVES, INVALID, PASSES, PASSES_WITH_WARNING, REGRESSES, TOLERATED, check, edited,
    fatter, passing, reason, says, slower, with_policy,
};
use crate::forged_pairs::{ab, around, decided};

#[test]
fn pairs_without_anything_else_about_them_are_judged_by_their_times() {
    for (what, changes, word, pairs) in [
        ("no change", around(0.0, 0.3, 5), PASSES, 5),
        ("1.5 % slower, which is tolerated", around(1.5, 0.3, 5), PASSES, 5),
        ("5 % slower", around(5.0, 0.3, 5), REGRESSES, 5),
        ("twice as slow", around(100.0, 0.3, 5), REGRESSES, 5),
        ("5 % faster", around(-5.0, 0.3, 5), IMPROVES, 5),
        ("2 % slower, by all pairs", around(2.0, 1.4, 15), TOLERATED, 15),
    ] {
        let record = ab(&changes);
        says(what, &record, word, word);
        let decision = decided(&record, Strictness::Gate);
        assert_eq!(decision.sensitivity.unwrap().pairs, pairs, "{what}");
        assert_eq!(decision.comparisons[0].pairs, pairs, "{what}");
    }
}

#[test]
fn what_the_pairs_cannot_tell_is_green_only_where_a_large_loss_is_excluded() {
    let in_time =
        |pairs| edited(ab(&around(2.0, 1.0, pairs)), |record| record.stop_reason = Some(StopReason::Budget));
    says("10 % excluded", &in_time(6), TOLERATED, TOLERATED);
    let reported = reason(&in_time(6));
    assert!(
        reported.contains("the time budget was exhausted")
            && reported.ends_with("a slow-down of 10 % is excluded"),
        "{reported}"
    );
    says("10 % not excluded", &in_time(2), CANNOT_BE_TOLD, CANNOT_BE_TOLD);
    assert!(reason(&in_time(2)).ends_with("a slow-down of 10 % is not excluded"));
    for pairs in [0, 1] {
        says("no interval", &in_time(pairs), CANNOT_BE_TOLD, CANNOT_BE_TOLD);
    }
}

#[test]
fn pairs_that_lie_too_far_apart_are_no_ground_for_a_gate() {
    says("slower, noisy", &ab(&around(40.0, 4.0, 5)), INVALID, REGRESSES);
    let faster = ab(&around(-30.0, 4.0, 5));
    says("faster, noisy", &faster, INVALID, (Verdict::Improved, Status::GreenWithWarning));
    assert!(reason(&faster).ends_with("above 2.5 %"), "{}", reason(&faster));
    assert_eq!(check(&decided(&faster, Strictness::Ab), "noise").0, CheckResult::Warns);
}

#[test]
fn values_beside_decoding_are_judged_once_where_the_pairs_ended_be_it_by_the_budget() {
    let early = edited(ab(&around(2.0, 1.0, 6)), |record| {
        fatter(record, 5);
        record.stop_reason = Some(StopReason::Budget);
    });
    says("fatter when the time budget was exhausted", &early, REGRESSES, REGRESSES);
    let under_way = edited(early, |record| record.stop_reason = None);
    assert_eq!(decided(&under_way, Strictness::Gate).comparisons.len(), 1, "more pairs may come");
}

fn waiver(ceiling_percent: f64, expires: &str) -> Value {
    json!({
        "metric": "tpot@1", "ceiling_percent": ceiling_percent, "expires": expires,
        "issue": "#12", "reason": "the driver's own, fixed in its next release"
    })
}

#[test]
fn a_waiver_holds_up_to_its_ceiling_and_through_its_last_day() {
    let by = |ceiling, expires| with_policy(slower(5.0, |_| {}), "waivers", waiver(ceiling, expires));
    let in_force = by(8.0, "2026-11-24");
    says("in force", &in_force, PASSES_WITH_WARNING, PASSES_WITH_WARNING);
    let decision = decided(&in_force, Strictness::Gate);
    assert!(decision.reason.ends_with("waived until 2026-11-24 (#12)"), "{}", decision.reason);
    assert_eq!(decision.comparisons[0].result, ComparisonResult::Waived);
    let above = by(4.0, "2026-12-31");
    says("above its ceiling", &above, REGRESSES, REGRESSES);
    assert!(reason(&above).ends_with("its waiver (#12) ends at 4 %"));
    let expired = by(8.0, "2026-11-23");
    says("expired", &expired, REGRESSES, REGRESSES);
    assert!(reason(&expired).ends_with("its waiver (#12) expired on 2026-11-23"));
    let of_memory = with_policy(passing(|record| fatter(record, 5)), "waivers", waiver(8.0, "2026-12-31"));
    says("of another value", &of_memory, REGRESSES, REGRESSES);
}
