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
    reported.1.truncate(1);
    reported.0.decision.as_mut().unwrap().checks.drain(1..3);
    let mut value = parsed(&json_of(&reported));
    value["sides"] = json!("below");
    insta::assert_snapshot!(format!("{value:#}"), @r#"
    {
      "checks": [
        {
          "id": "goldens",
          "reason": "every token of both sides is the golden's",
          "result": "holds"
        },
        {
          "id": "speed",
          "reason": "at least 4.0 % slower, and 1 % matters",
          "result": "fails"
        },
        {
          "id": "published-anchor",
          "reason": "another model",
          "result": "not-judged"
        }
      ],
      "comparisons": [
        {
          "better": "lower",
          "change_lower_percent": 4.0000000000000036,
          "change_percent": 5.000000000000004,
          "change_upper_percent": 6.000000000000005,
          "lower": 1.04,
          "metric": "tpot@1",
          "pairs": 5,
          "prompt": null,
          "ratio": 1.05,
          "reason": "it is regressed",
          "result": "regressed",
          "upper": 1.06
        },
        {
          "better": "lower",
          "change_lower_percent": -1.0000000000000009,
          "change_percent": 0.0,
          "change_upper_percent": 1.0000000000000009,
          "lower": 0.99,
          "metric": "ttft@1",
          "pairs": 5,
          "prompt": "fibonacci",
          "ratio": 1.0,
          "reason": "it is unchanged",
          "result": "unchanged",
          "upper": 1.01
        }
      ],
      "decision": {
        "judged_utc": "2026-11-23T05:10:00Z",
        "reason": "the head is slower by at least 4.0 %",
        "status": "red",
        "verdict": "regressed"
      },
      "exit_code": 10,
      "failure": null,
      "ignore_guards": false,
      "inputs": {
        "changed_by_head": [],
        "from_commit": "4444444444444444444444444444444444444444",
        "sha256": "7777777777777777777777777777777777777777777777777777777777777777"
      },
      "kind": "ab",
      "machine": {
        "sha256": "2222222222222222222222222222222222222222222222222222222222222222",
        "slug": "a-machine"
      },
      "outcome": "complete",
      "pairs": [
        {
          "counts_despite": null,
          "difference_percent": 5.0,
          "first": "base",
          "invalidated_by": null,
          "pair": 1
        }
      ],
      "policy_sha256": "8888888888888888888888888888888888888888888888888888888888888888",
      "run_id": "abcdef012345",
      "schema": "arcgauge-decision@2",
      "seed": 7,
      "sensitivity": {
        "excluded_from_percent": 1.7,
        "pair_sd_percent": 1.2,
        "pairs": 5,
        "smallest_seen_percent": 2.13
      },
      "sides": "below",
      "stop_reason": null,
      "warnings": [],
      "when_utc": "2026-11-23T04:49:20Z"
    }
    "#);
}

#[test]
fn a_side_says_what_it_is() {
    let value = parsed(&json_of(&ab(Verdict::Regressed)));
    assert_eq!(value["sides"]["base"]["label"], "main");
    insta::assert_snapshot!(format!("{:#}", value["sides"]["head"]), @r#"
    {
      "commit": {
        "author_date_utc": "2026-11-23T04:00:00Z",
        "branch": "main",
        "dirty": false,
        "parents": [
          "4444444444444444444444444444444444444444"
        ],
        "sha": "5555555555555555555555555555555555555555",
        "subject": "Größer und \"schneller\"",
        "tree": "3333333333333333333333333333333333333333"
      },
      "device": {
        "actual": "CPU",
        "emulated_reason": null,
        "execution_devices": "CPU",
        "gpu": null,
        "name": "A CPU",
        "proof": "property-and-counters",
        "requested": "GPU"
      },
      "differences": [],
      "label": "topic",
      "mean_ms_per_token": {
        "metric": "tpot@1",
        "value": 49.35
      },
      "model": {
        "name": "tiny-gpt-oss",
        "sha256": "1111111111111111111111111111111111111111111111111111111111111111"
      },
      "openvino_build": "2026.4.1-1",
      "openvino_version": "2026.4.1",
      "outcome": "complete",
      "properties_effective": {
        "INFERENCE_PRECISION_HINT": "f32",
        "KV_CACHE_PRECISION": "f32"
      },
      "run_id": "abcdef012345",
      "worker_sha256": "6666666666666666666666666666666666666666666666666666666666666666",
      "workload": {
        "new_tokens": 3,
        "processes": 5,
        "prompts": [
          "fibonacci"
        ],
        "protocol": "bench@2",
        "sha256": "75e0b4d46ec4947d56c491bd4c9cb9fc1e7458cdd60ecf6fd30978e3231619af"
      }
    }
    "#);
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
    let (mut record, pairs) = ab(Verdict::Pass);
    (record.decision, record.outcome) = (None, Outcome::Interrupted);
    let value = parsed(&decision_json(Subject { record: &record, pairs: &pairs }, None, 130));
    assert_eq!((&value["decision"], &value["outcome"]), (&Value::Null, &json!("interrupted")));
    assert_eq!(value["exit_code"], 130);
}

#[test]
fn a_run_that_is_compared_with_no_other_is_the_head() {
    let decision = ab(Verdict::Inconclusive).0.decision.unwrap();
    let value =
        parsed(&decision_json(Subject { record: &forged::record(), pairs: &[] }, Some(&decision), 13));
    assert_eq!(value["kind"], "run");
    assert_eq!(value["sides"].as_object().unwrap().keys().collect::<Vec<_>>(), ["head"]);
    assert_eq!(value["sides"]["head"]["label"], Value::Null);
}
