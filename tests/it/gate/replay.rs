//! A stored verdict comes out again bit for bit, or it is said why not.

use std::fs;

use arcgauge::cli::exit_code;
use arcgauge::gate::{Strictness, decide};
use arcgauge::judge::policy::Policy;
use arcgauge::record::{Experiment, Verdict};
use arcgauge::report::decision::{
    Subject, decision_document, decision_json, decision_junit, decision_markdown,
};
use serde_json::{Value, json};

use super::{ab_of, checkout, keep, of, run_of};
use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::forged_pairs::{ab, around, identical, judge_by, policy_text};

fn replay(checkout: &Checkout, record: &Experiment, format: &str) -> Ended {
    let path = keep(checkout, record);
    let ended = checkout.run(["gate", "--replay", path.to_str().unwrap(), "--format", format]);
    fs::remove_file(path).unwrap();
    ended
}

#[test]
fn the_stored_verdict_comes_again_bit_for_bit_in_every_form() {
    let (checkout, sha) = checkout();
    let records = vec![
        ab_of(&sha, 0.0),
        ab_of(&sha, 5.0),
        ab_of(&sha, -5.0),
        of(&sha, ab(&around(2.0, 1.4, 15))),
        of(&sha, ab(&around(0.0, 4.0, 15))),
        of(&sha, identical()),
    ];
    for record in records {
        let stored = record.gate_decision.as_ref().unwrap();
        let code = exit_code::of_verdict(stored.verdict);
        let subject = Subject::of(&record);
        for (format, expected) in [
            ("text", decision_document(subject, Some(stored)).to_text(None)),
            ("json", decision_json(subject, Some(stored), code)),
            ("markdown", decision_markdown(subject, stored)),
            ("junit", decision_junit(subject, stored)),
        ] {
            let ended = replay(&checkout, &record, format);
            assert_eq!(ended.exits(i32::from(code)).stdout, expected, "{format}");
        }
        // What is judged today says the same, but for the day.
        keep(&checkout, &record);
        assert_eq!(checkout.run(["gate"]).stdout, decision_document(subject, Some(stored)).to_text(None));
        fs::remove_dir_all(checkout.path("reports")).unwrap();
    }
}

#[test]
fn a_waiver_that_has_expired_since_still_holds_in_the_verdict_of_then() {
    let (checkout, sha) = checkout();
    let mut record = ab_of(&sha, 5.0);
    let mut policy: Value = serde_json::from_str(&policy_text()).unwrap();
    policy["waivers"] = json!([{
        "metric": "tpot@1", "ceiling_percent": 8.0, "expires": "2020-01-02", "issue": "#1", "reason": "known"
    }]);
    judge_by(&mut record, policy.to_string());
    let mut record = of(&sha, record);
    let policy = Policy::parse(&record.inputs.policy.text, "forged").unwrap();
    record.gate_decision = Some(decide(&record, &policy, "2020-01-02T23:59:59Z", Strictness::Gate));
    replay(&checkout, &record, "text").exits(0).prints("waived until 2020-01-02");
    keep(&checkout, &record);
    checkout.run(["gate"]).exits(10).prints("expired on 2020-01-02");
}

#[test]
fn a_record_that_was_altered_is_refused_by_its_hash() {
    let (checkout, sha) = checkout();
    for (was, is) in [
        (r#"\"regressed_beyond_percent\": 1.0"#, r#"\"regressed_beyond_percent\": 2.0"#),
        (r#""process":0"#, r#""process":1"#),
        (r#""verdict":"regressed""#, r#""verdict":"improved""#),
    ] {
        let path = keep(&checkout, &ab_of(&sha, 5.0));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(was), "{was}");
        fs::write(&path, text.replacen(was, is, 1)).unwrap();
        let path_said = path.to_str().unwrap();
        let ended = checkout.run(["gate", "--replay", path_said]);
        ended.exits(2).says(path_said).says("altered");
        assert_eq!(ended.stdout, "");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_verdict_that_does_not_follow_from_its_record_is_a_failure() {
    let (checkout, sha) = checkout();
    let mut record = ab_of(&sha, 5.0);
    record.gate_decision.as_mut().unwrap().verdict = Verdict::Pass;
    let ended = replay(&checkout, &record, "text");
    ended.exits(20).says("was judged `pass` when it was made, and comes to `regressed` now");
    assert_eq!(ended.stdout, "");
    let mut record = ab_of(&sha, 5.0);
    record.gate_decision.as_mut().unwrap().comparisons[0].ratio += f64::EPSILON;
    replay(&checkout, &record, "json").exits(20).says("comes to `regressed` by other values now");
}

#[test]
fn a_policy_that_is_not_the_one_its_hash_names_is_refused() {
    let (checkout, sha) = checkout();
    let mut record = ab_of(&sha, 5.0);
    record.inputs.policy.text =
        policy_text().replace("\"regressed_beyond_percent\": 1.0", "\"regressed_beyond_percent\": 2.0");
    let said = "the policy in it is not the one that its hash names";
    replay(&checkout, &record, "text").exits(2).says(said);
    keep(&checkout, &record);
    checkout.run(["gate"]).exits(2).says(said);
}

#[test]
fn what_was_never_judged_cannot_be_judged_again() {
    let (checkout, sha) = checkout();
    let mut record = ab_of(&sha, 5.0);
    record.gate_decision = None;
    replay(&checkout, &record, "text").refuses("was never judged", "history show");
    let run = keep(&checkout, &run_of(&sha, 0.0));
    let ended = checkout.run(["gate", "--replay", run.to_str().unwrap()]);
    ended.exits(2).says("is of `bench`, which no gate judges");
    checkout.run(["gate", "--replay", "no-such.json"]).exits(2).says("no-such.json");
    checkout.run(["gate", "--replay", run.to_str().unwrap(), "--head", "HEAD"]).exits(2);
}
