//! The shipped policy, and policies that cannot be meant.

use super::*;

const SHIPPED: &str = include_str!("../../../ci/gate.json");

fn shipped() -> serde_json::Value {
    serde_json::from_str(SHIPPED).unwrap()
}

fn refused(edit: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut policy = shipped();
    edit(&mut policy);
    let error = Policy::parse(&policy.to_string(), "ci/gate.json").unwrap_err();
    assert!(error.hint_text().unwrap().contains("ci/gate.md"));
    error.to_string()
}

fn waiver(expires: &str) -> serde_json::Value {
    serde_json::json!({
        "metric": "tpot@1", "ceiling_percent": 5.0, "expires": expires, "issue": "#12", "because": "agreed"
    })
}

fn anchor() -> Anchor {
    Anchor {
        id: "best".into(),
        metric: Metric::EndToEndThroughput,
        value: 25.0,
        warn_below: 25.0,
        fail_below: 24.0,
        machine_sha256: "2".repeat(64),
        model_sha256: "1".repeat(64),
        device: "GPU".into(),
        workload_sha256: "3".repeat(64),
        run_id: "0123456789ab".into(),
        commit: "5".repeat(40),
        pinned_utc: "2026-11-24T16:00:00Z".into(),
        who: "A Tester <tester@localhost>".into(),
        because: "the new loop".into(),
    }
}

#[test]
fn the_shipped_policy_is_the_one_that_the_documents_describe() {
    let policy = Policy::parse(SHIPPED, "ci/gate.json").unwrap();
    assert_eq!(policy.rule(), Rule { regressed_beyond_percent: 1.0, passes_within_percent: 3.0 });
    assert!((policy.published_anchor.warn_below - 21.24).abs() < 1e-12);
    assert!((policy.published_anchor.fail_below - 20.18).abs() < 1e-12);
    assert_eq!((policy.noise.largest_redraws, policy.anchors.len(), policy.waivers.len()), (3, 0, 0));
}

/// Every key of an object and of what is in it.
fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                found.push(key.clone());
                keys(value, found);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn every_key_that_a_policy_may_have_is_explained() {
    let page = include_str!("../../../ci/gate.md");
    let mut policy = Policy::parse(SHIPPED, "ci/gate.json").unwrap();
    policy.anchors.push(anchor());
    let mut waiver: Waiver = serde_json::from_value(waiver("2026-12-31")).unwrap();
    waiver.prompt = Some("fibonacci".into());
    policy.waivers.push(waiver);
    let mut found = Vec::new();
    keys(&serde_json::to_value(policy).unwrap(), &mut found);
    for key in found {
        assert!(page.contains(&format!("`{key}`")), "`{key}` is not explained in ci/gate.md");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_and_named() {
    for (edit, says) in [
        ((|it| it["sequentiel"] = 1.into()) as fn(&mut serde_json::Value), "unknown field `sequentiel`"),
        (|it| it["noise"]["typo"] = 1.into(), "unknown field `typo`"),
        (|it| it["schema"] = 2.into(), "`schema` is `2`"),
        (|it| it["sequential"]["regressed_beyond_percent"] = 3.0.into(), "more than `regressed_beyond"),
        (|it| it["sequential"]["regressed_beyond_percent"] = (-1.0).into(), "is `-1`"),
        (|it| it["sequential"]["because"] = " ".into(), "`sequential` has an empty `because`"),
        (|it| it["when_inconclusive"]["tolerated_slowdown_percent"] = 2.0.into(), "less than what passes"),
        (|it| it["metrics"][0]["metric"] = "e2e_throughput@1".into(), "not judged by pairs"),
        (|it| it["metrics"][0]["metric"] = "tpot@2".into(), "unknown variant `tpot@2`"),
        (|it| it["metrics"][1] = it["metrics"][0].clone(), "`tpot@1` twice"),
        (|it| it["metrics"][0]["confidence_percent"] = 100.0.into(), "not in 50 to 100"),
        (|it| it["metrics"][0]["on_regression"] = "ignore".into(), "unknown variant `ignore`"),
        (|it| it["published_anchor"]["fail_below"] = 22.0.into(), "the wrong way round"),
        (|it| it["waivers"] = serde_json::json!([waiver("2026-02-30")]), "`2026-02-30`, which is no date"),
        (|it| it["waivers"] = serde_json::json!([waiver("soon")]), "`soon`, which is no date"),
        (
            |it| it["waivers"] = serde_json::json!([waiver("2026-12-31"), waiver("2027-12-31")]),
            "waived twice",
        ),
        (
            |it| {
                it.as_object_mut().unwrap().remove("noise");
            },
            "missing field `noise`",
        ),
    ] {
        let refusal = refused(edit);
        assert!(refusal.contains(says) && refusal.contains("`ci/gate.json`"), "{says}: {refusal}");
    }
    assert!(Policy::parse("", "x").is_err());
}

#[test]
fn a_waiver_holds_to_the_end_of_its_day_for_its_own_figure_alone() {
    let mut policy = shipped();
    policy["waivers"] = serde_json::json!([waiver("2026-12-31")]);
    let policy = Policy::parse(&policy.to_string(), "ci/gate.json").unwrap();
    let waived = |metric, prompt, today| policy.waiver_for(metric, prompt, today);
    assert!(matches!(waived(Metric::TimePerOutputToken, None, "2026-12-31"), Waived::Until(_)));
    assert!(matches!(waived(Metric::TimePerOutputToken, None, "2027-01-01"), Waived::Expired(_)));
    assert_eq!(waived(Metric::TimePerOutputToken, Some("fibonacci"), "2026-12-31"), Waived::None);
    assert_eq!(waived(Metric::Load, None, "2026-12-31"), Waived::None);
}

#[test]
fn a_pinned_anchor_joins_the_file_and_replaces_one_of_its_name() {
    let policy = Policy::parse(SHIPPED, "ci/gate.json").unwrap();
    let text = policy.with_anchor(anchor()).unwrap();
    let pinned = Policy::parse(&text, "ci/gate.json").unwrap();
    assert_eq!(pinned.anchors, [anchor()]);
    let better = Anchor { value: 26.0, ..anchor() };
    let again = Policy::parse(&pinned.with_anchor(better.clone()).unwrap(), "ci/gate.json").unwrap();
    assert_eq!(again.anchors, [better]);
    let wrong = policy.with_anchor(Anchor { because: String::new(), ..anchor() }).unwrap_err();
    assert!(wrong.to_string().contains("empty `because`"), "{wrong}");
}
