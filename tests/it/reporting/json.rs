//! For programs.

use arcgauge::record::{Outcome, Verdict};
use arcgauge::report::decision::{Subject, decision_json};
use serde_json::{Value, json};

use super::{ab, identical, json_of};
use crate::forged;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_regression_with_all_that_was_decided() {
    let mut reported = ab(Verdict::Regressed);
    reported.rounds.truncate(1);
    reported.decision.as_mut().unwrap().checks.drain(1..3);
    let mut value = parsed(&json_of(&reported));
    value["sides"] = json!("below");
    let difference = &mut value["pairs"][0]["difference_percent"];
    *difference = json!(difference.as_f64().unwrap().round());
    insta::assert_snapshot!(format!("{value:#}"));
}

#[test]
fn a_side_says_what_it_is() {
    let value = parsed(&json_of(&ab(Verdict::Regressed)));
    assert_eq!(value["sides"]["base"]["label"], "main");
    insta::assert_snapshot!(format!("{:#}", value["sides"]["head"]));
}

#[test]
fn every_verdict_has_its_word_status_and_exit_code() {
    let reported = Verdict::ALL.map(|verdict| parsed(&json_of(&ab(verdict))));
    let lines = reported.iter().map(|value| {
        let decision = &value["decision"];
        format!("{} {} {}", decision["verdict"], decision["status"], value["exit_code"])
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    "pass" "green" 0
    "improved" "green" 0
    "regressed" "red" 10
    "mixed" "red" 10
    "inconclusive" "green-with-warning" 13
    "invalid-environment" "red" 12
    "wrong-output" "red" 11
    "#);
}

#[test]
fn a_wrong_output_has_no_speed() {
    let value = parsed(&json_of(&ab(Verdict::WrongOutput)));
    assert_eq!(value["comparisons"], json!([]));
    assert_eq!(value["sensitivity"], Value::Null);
    assert_eq!(value["sides"]["head"]["mean_ms_per_token"]["value"], Value::Null);
}

#[test]
fn an_invalid_environment_names_the_pairs_that_it_invalidated() {
    let value = parsed(&json_of(&ab(Verdict::InvalidEnvironment)));
    let invalidated = value["pairs"].as_array().unwrap().iter();
    assert_eq!(invalidated.filter(|pair| pair["invalidated_by"].is_string()).count(), 4);
    assert_eq!(value["stop_reason"], "guards");
}

#[test]
fn identical_sides_have_no_pairs() {
    let value = parsed(&json_of(&identical()));
    assert_eq!((&value["stop_reason"], &value["pairs"]), (&json!("identical"), &json!([])));
    assert_eq!(value["outcome"], "not-measured");
}

#[test]
fn an_ab_that_did_not_come_to_its_end_has_no_decision() {
    let mut record = ab(Verdict::Pass);
    (record.decision, record.outcome) = (None, Outcome::Interrupted);
    let value = parsed(&decision_json(Subject::of(&record), None, 130));
    assert_eq!((&value["decision"], &value["outcome"]), (&Value::Null, &json!("interrupted")));
    assert_eq!(value["exit_code"], 130);
}

#[test]
fn a_run_that_is_compared_with_no_other_is_the_head() {
    let decision = ab(Verdict::Inconclusive).decision.unwrap();
    let value = parsed(&decision_json(Subject::of(&forged::record()), Some(&decision), 13));
    assert_eq!(value["kind"], "run");
    assert_eq!(value["sides"].as_object().unwrap().keys().collect::<Vec<_>>(), ["head"]);
    assert_eq!(value["sides"]["head"]["label"], Value::Null);
}
