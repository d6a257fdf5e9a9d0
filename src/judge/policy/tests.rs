//! The shipped policy, and every way in which one can be wrong.

use serde_json::{Value, json};

use super::*;
use crate::engine::openvino::DeviceKind;
use crate::error::ErrorKind;
use crate::judge::sequential::{Interval, Rule};

const SHIPPED: &str = include_str!("../../../ci/gate.json");
const DOCUMENTED: &str = include_str!("../../../ci/gate.md");

fn shipped() -> Policy {
    Policy::parse(SHIPPED, "ci/gate.json").unwrap()
}

/// The shipped policy with one value in another's place; `at` is a JSON pointer to one that is there.
fn changed(at: &str, value: Value) -> String {
    let mut policy = full();
    *policy.pointer_mut(at).unwrap_or_else(|| panic!("nothing at {at}")) = value;
    policy.to_string()
}

/// The shipped policy with an anchor and two waivers.
fn full() -> Value {
    let mut policy: Value = serde_json::from_str(SHIPPED).unwrap();
    policy["drift"] = json!({"metrics": ["mean_kl@1"], "on_exceeded": "warn", "reason": "why"});
    policy["anchors"] = json!([serde_json::to_value(anchor()).unwrap()]);
    policy["waivers"] =
        json!([waiver(None, 4.0, "2026-12-31"), waiver(Some("fibonacci"), 9.0, "2026-11-30")]);
    policy
}

fn anchor() -> PinnedAnchor {
    PinnedAnchor {
        id: "after-fusion".into(),
        metric: Metric::EndToEndThroughput,
        value: 24.5,
        warn_below: 24.25,
        fail_below: 23.25,
        model_sha256: "a".repeat(64),
        machine_sha256: "b".repeat(64),
        device: DeviceKind::Gpu,
        gpu: Some("8086:64a0 x64".into()),
        workload_sha256: "c".repeat(64),
        openvino: Some("2026.1.0".into()),
        run_id: "f1f7242eaa47".into(),
        record_sha256: "0123456789abcdef".repeat(4),
        pinned_utc: "2026-11-24T09:00:00Z".into(),
        who: "A Maintainer".into(),
        reason: "fused attention is in".into(),
    }
}

fn waiver(prompt: Option<&str>, ceiling_percent: f64, expires: &str) -> Value {
    let mut waiver = json!({
        "metric": "tpot@1", "ceiling_percent": ceiling_percent, "expires": expires,
        "issue": "#12", "reason": "the driver's own, fixed in its next release"
    });
    if let Some(prompt) = prompt {
        waiver["prompt"] = json!(prompt);
    }
    waiver
}

#[test]
fn a_policy_with_the_older_name_of_a_reason_is_read_as_ever() {
    let older = SHIPPED.replace("\"reason\":", "\"because\":");
    assert_ne!(older, SHIPPED);
    assert_eq!(Policy::parse(&older, "ci/gate.json").unwrap().sequential.reason, shipped().sequential.reason);
}

#[test]
fn the_shipped_policy_is_read_and_written_back_to_the_byte() {
    assert_eq!(shipped().text().unwrap(), SHIPPED);
    assert!(shipped().anchors.is_empty() && shipped().waivers.is_empty());
}

#[test]
fn a_policy_may_name_the_suite_and_has_the_reference_prompts_without() {
    assert_eq!(shipped().suite, Suite::Reference);
    let named = SHIPPED.replacen("\"schema\": 1,", "\"schema\": 1,\n  \"suite\": \"depth\",", 1);
    let policy = Policy::parse(&named, "a policy").unwrap();
    assert_eq!((policy.suite, policy.text().unwrap()), (Suite::Depth, named));
    let unknown = SHIPPED.replacen("\"schema\": 1,", "\"schema\": 1, \"suite\": \"deep\",", 1);
    assert!(Policy::parse(&unknown, "a policy").unwrap_err().to_string().contains("deep"));
}

#[test]
fn every_key_of_the_policy_is_documented() {
    fn keys(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, field) in fields {
                    found.push(key.clone());
                    keys(field, found);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    keys(&full(), &mut found);
    assert!(found.len() > 60, "{found:?}");
    for key in found {
        assert!(DOCUMENTED.contains(&format!("`{key}`")), "`{key}` is not in ci/gate.md");
    }
}

#[test]
fn every_judged_value_has_its_numbers() {
    let policy = shipped();
    let prompts = policy.metric(Metric::TimePerOutputToken).unwrap();
    assert_eq!(prompts.on_regression, OnRegression::Fail);
    assert!((prompts.smallest_change_ln() - 1.03_f64.ln()).abs() < 1e-12);
    assert!((prompts.alpha() - 0.01).abs() < 1e-12);
    for metric in [Metric::TimeToFirstToken, Metric::Load, Metric::PeakRss, Metric::PeakDeviceMemory] {
        assert!(policy.metric(metric).is_some(), "{metric:?}");
    }
    assert_eq!(policy.metric(Metric::LogitDrift), None);
}

#[test]
fn what_is_inconclusive_is_tolerated_where_a_large_loss_is_excluded() {
    let policy = shipped();
    let interval = |mean_ln| Interval { pairs: 15, mean_ln, sd_ln: 0.0, t_critical: 3.251 };
    assert!(policy.when_inconclusive.tolerates(Some(&interval(1.0999_f64.ln()))));
    assert!(!policy.when_inconclusive.tolerates(Some(&interval(1.1001_f64.ln()))));
    assert!(!policy.when_inconclusive.tolerates(None));
    assert!(policy.noise.is_exceeded_by(&Interval { sd_ln: 0.026, ..interval(0.0) }));
    assert!(!policy.noise.is_exceeded_by(&Interval { sd_ln: 0.024, ..interval(0.0) }));
    assert_eq!(policy.sequential.rule(), Rule { regressed_beyond_percent: 1.0, passes_within_percent: 3.0 });
}

#[test]
fn a_pinned_anchor_is_added_to_the_text_and_nothing_else_changes() {
    let text = shipped().with_anchor(anchor()).unwrap();
    let pinned = Policy::parse(&text, "a policy").unwrap();
    assert_eq!(pinned.anchors, [anchor()]);
    let (before, after) = text.split_once("\"anchors\": [").unwrap();
    assert!(SHIPPED.starts_with(before));
    assert!(after.ends_with("\n  ],\n  \"waivers\": []\n}\n"), "{after}");
    let taken = pinned.with_anchor(anchor()).unwrap_err();
    assert_eq!(taken.to_string(), "the policy would have `anchors.id` of `after-fusion` twice; keep one");
    let nothing = PinnedAnchor { value: f64::NAN, ..anchor() };
    let refused = shipped().with_anchor(nothing).unwrap_err().to_string();
    assert!(refused.contains("`anchors[after-fusion].value` of `NaN`"), "{refused}");
}

#[test]
fn a_waiver_holds_through_its_last_day_for_its_own_subject() {
    let policy = Policy::parse(&full().to_string(), "a policy").unwrap();
    let day = |text| Day::parse(text).unwrap();
    let tpot = |prompt, today| policy.waiver_for(Metric::TimePerOutputToken, prompt, day(today));
    let [whole, prompt] = &policy.waivers[..] else { panic!("two waivers") };
    assert_eq!(tpot(None, "2026-12-31"), Waived::Until(whole));
    assert_eq!(tpot(None, "2027-01-01"), Waived::Expired(whole));
    assert_eq!(tpot(Some("fibonacci"), "2026-11-30"), Waived::Until(prompt));
    assert_eq!(tpot(Some("fibonacci"), "2026-12-01"), Waived::Expired(prompt), "though the other holds");
    assert_eq!(tpot(Some("moe-vs-dense"), "2026-12-01"), Waived::Until(whole));
    assert_eq!(policy.waiver_for(Metric::Load, None, day("2026-11-24")), Waived::None);
    assert!(whole.covers(1.039) && !whole.covers(1.041) && whole.covers(0.9));
    assert_eq!((whole.subject().as_str(), prompt.subject().as_str()), ("tpot@1", "tpot@1/fibonacci"));
}

#[test]
fn a_policy_that_cannot_stand_is_refused_with_the_key_and_its_value() {
    let tpot_twice = json!([full()["metrics"][0], full()["metrics"][0]]);
    let waived_twice = json!([waiver(None, 4.0, "2026-12-31"), waiver(None, 5.0, "2027-12-31")]);
    for (at, value, message) in [
        ("/schema", json!(2), "schema `2`, and this arcgauge reads 1"),
        ("/sequential/regressed_beyond_percent", json!(0), "`sequential.regressed_beyond_percent` of `0`"),
        ("/sequential/regressed_beyond_percent", json!(3.0), "has to be below `passes_within_percent` of 3"),
        ("/sequential/passes_within_percent", json!(-3), "`sequential.passes_within_percent` of `-3`"),
        ("/sequential/reason", json!(" "), "nothing in `sequential.reason`"),
        ("/when_inconclusive/tolerated_slowdown_percent", json!(2), "of `2`; it may not be below"),
        ("/noise/largest_pair_sd_percent", json!(0), "`noise.largest_pair_sd_percent` of `0`"),
        ("/noise/largest_redraws", json!(-1), "expected usize"),
        ("/metrics/0/metric", json!("tpot@2"), "unknown variant `tpot@2`"),
        ("/metrics/0/metric", json!("e2e_throughput@1"), "only values of which less is better"),
        ("/metrics", tpot_twice, "`metrics.metric` of `tpot@1` twice"),
        ("/metrics/1/smallest_change_percent", json!(0), "`metrics[ttft@1].smallest_change_percent` of `0`"),
        ("/metrics/1/confidence_percent", json!(100), "has to be below certainty of 100"),
        ("/metrics/1/on_regression", json!("ignore"), "unknown variant `ignore`"),
        ("/published_anchor/fail_below", json!(21.25), "has to be below `warn_below` of 21.24"),
        ("/published_anchor/metric", json!("decode_throughput@1"), "fixed values are of `e2e_throughput@1`"),
        ("/published_anchor/reason", json!(""), "nothing in `published_anchor.reason`"),
        ("/anchors/0/id", json!(""), "nothing in `anchors.id`"),
        ("/anchors/0/warn_below", json!(25), "it may not be above `value` of 24.5"),
        ("/anchors/0/device", json!("NPU"), "unknown variant `NPU`"),
        ("/anchors/0/model_sha256", json!("A0"), "`anchors[after-fusion].model_sha256` of `A0`"),
        ("/anchors/0/openvino", json!(""), "nothing in `anchors[after-fusion].openvino`"),
        ("/anchors/0/reason", json!(""), "nothing in `anchors[after-fusion].reason`"),
        ("/waivers/0/expires", json!("2026-02-30"), "`2026-02-30` is no day of the form 2026-11-24"),
        ("/waivers/0/ceiling_percent", json!(0), "`waivers[tpot@1].ceiling_percent` of `0`"),
        ("/waivers/1/issue", json!(""), "nothing in `waivers[tpot@1/fibonacci].issue`"),
        ("/waivers", waived_twice, "`waivers` of `tpot@1` twice"),
        (
            "/drift",
            json!({"metrics": ["tpot@1"], "on_exceeded": "fail", "reason": "why"}),
            "`drift.metrics` of `tpot@1`; it may be `mean_kl@1` or `max_logit_difference@1`",
        ),
        (
            "/drift",
            json!({"metrics": [], "on_exceeded": "fail", "reason": "why"}),
            "`drift.metrics` of nothing; leave `drift` out",
        ),
        ("/waivers/0/metric", json!("logit_drift@1"), "a value that is not in `metrics`"),
    ] {
        let refused = Policy::parse(&changed(at, value), "ci/gate.json of 1a2b3c").unwrap_err();
        let said = refused.to_string();
        assert!(said.starts_with("policy `ci/gate.json of 1a2b3c` "), "{at}: {said}");
        assert!(said.contains(message), "{at}: {said}");
        assert_eq!(refused.kind(), ErrorKind::Input);
        assert!(refused.hint_text().is_some_and(|hint| hint.contains("ci/gate.md")));
    }
}

#[test]
fn a_key_that_is_not_known_or_missing_is_refused_everywhere() {
    let parts = ["", "/sequential", "/when_inconclusive", "/noise", "/metrics/0", "/published_anchor"];
    for part in parts.into_iter().chain(["/anchors/0", "/waivers/0"]) {
        let with = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
            let mut policy = full();
            change(policy.pointer_mut(part).unwrap().as_object_mut().unwrap());
            Policy::parse(&policy.to_string(), "a policy").unwrap_err().to_string()
        };
        let unknown = with(&|fields| drop(fields.insert("treshold".into(), json!(1))));
        assert!(unknown.contains("unknown field `treshold`"), "{part}: {unknown}");
        let missing = with(&|fields| drop(fields.remove(if part.is_empty() { "noise" } else { "reason" })));
        assert!(missing.contains("missing field"), "{part}: {missing}");
    }
    assert!(Policy::parse(&full().to_string(), "a policy").is_ok(), "it is sound but for that");
}

#[test]
fn a_text_that_is_no_policy_is_refused() {
    for text in ["", "[]", "{}", "{\"schema\": 1}", "{\"schema\": \"1\"}", &format!("{SHIPPED}{{}}")] {
        assert!(Policy::parse(text, "a policy").is_err(), "{text}");
    }
}

#[test]
fn a_day_comes_back_as_it_was_written() {
    for text in ["2026-11-24", "2028-02-29", "2000-02-29", "0999-12-31"] {
        assert_eq!(Day::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_is_no_day_is_none() {
    for text in [
        "",
        "2026-11-31",
        "2026-02-29",
        "2100-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "2026-1-01",
        "26-01-01",
        "2026/01/01",
        "2026-01-01T00",
        "+026-01-01",
        "2026-01-0é",
        "20é6-01-1",
    ] {
        assert_eq!(Day::parse(text), None, "{text}");
    }
}

#[test]
fn days_are_in_the_order_of_the_calendar() {
    let day = |text| Day::parse(text).unwrap();
    assert!(day("2026-02-28") < day("2026-03-01") && day("2025-12-31") < day("2026-01-01"));
}
