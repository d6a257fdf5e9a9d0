use serde_json::{Value, json};

use super::*;
use crate::record::{Experiment, open};

/// A verified run with this name, on what `change` makes of its machine and the like.
fn entry(run_id: &str, when_utc: &str, change: impl FnOnce(&mut Experiment)) -> Entry {
    let text = include_bytes!("../../../../fixtures/records/bench-3.0.json");
    let mut run: Experiment = open(text, "a record").unwrap();
    run.run_id = run_id.to_owned();
    run.when_utc = when_utc.to_owned();
    for prompt in &mut run.arms[0].prompts {
        prompt.golden = GoldenResult::Match;
    }
    change(&mut run);
    Entry::of("a.json".into(), &run)
}

fn named(run_id: &str, when_utc: &str) -> Entry {
    entry(run_id, when_utc, |_| ())
}

fn data(entries: &[Entry]) -> Value {
    serde_json::from_str(&ComparePage::of(entries).unwrap().data.unwrap()).unwrap()
}

#[test]
fn runs_of_one_thing_share_their_setting_and_the_newest_two_come_first() {
    let other = |run: &mut Experiment| run.arms[0].model.sha256 = "9".repeat(64);
    let entries = [
        named("a", "2026-01-01T00:00:00Z"),
        named("b", "2026-01-02T00:00:00Z"),
        entry("c", "2026-01-03T00:00:00Z", other),
    ];
    let page = ComparePage::of(&entries).unwrap();
    assert_eq!(page.view["example"], json!({ "a": "a", "b": "b" }));
    assert_eq!(page.view["shown"], "all 3 verified runs");
    let data = data(&entries);
    let ids: Vec<&str> =
        data["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["c", "b", "a"]);
    assert_eq!((&data["runs"][1]["setting"], &data["runs"][2]["setting"]), (&1.into(), &1.into()));
    assert_eq!(data["settings"].as_array().unwrap().len(), 2);
    assert_eq!(data["first"], json!({ "a": "a", "b": "b" }));
}

#[test]
fn what_differs_is_another_value_of_a_part_and_what_makes_two_things_comes_first() {
    let changed = |run: &mut Experiment| {
        run.machine.kernel = Some("another".into());
        run.machine.sha256 = "9".repeat(64);
        run.arms[0].runtime.as_mut().unwrap().properties_effective.insert("A_PROPERTY".into(), "7".into());
    };
    let data = data(&[named("a", "2026-01-01T00:00:00Z"), entry("b", "2026-01-02T00:00:00Z", changed)]);
    let parts = data["parts"].as_array().unwrap();
    let differs = |part: &usize| data["settings"][0]["values"][part] != data["settings"][1]["values"][part];
    let differing: Vec<usize> = (0..parts.len()).filter(differs).collect();
    let reported = |part: &usize| {
        (parts[*part]["what"].as_str().unwrap(), parts[*part]["is_identity"].as_bool().unwrap())
    };
    let reported: Vec<_> = differing.iter().map(reported).collect();
    assert_eq!(reported, [("machine", true), ("property A_PROPERTY", false), ("kernel", false)]);
    let values = &data["settings"][1]["values"];
    assert_eq!(values[differing[1]], Value::Null, "the first run has none");
    assert_eq!(parts[differing[1]]["absent"], "not set");
    assert_eq!(data["settings"][0]["machine"], data["settings"][1]["machine"], "the name is the same");
    assert_ne!(data["settings"][0]["identity"], data["settings"][1]["identity"]);
}

#[test]
fn values_are_shown_with_four_digits_and_differ_by_seven() {
    let data = data(&[named("a", "2026-01-01T00:00:00Z"), named("b", "2026-01-02T00:00:00Z")]);
    let metric_values = &data["runs"][0]["figures"];
    let lists = ["rows", "reported", "figures"].map(|list| metric_values[list].as_array().unwrap());
    assert!(lists.iter().all(|list| list.len() == lists[0].len() && !list.is_empty()));
    let entry = named("a", "2026-01-01T00:00:00Z");
    let summary_row = entry.metric_values.unwrap();
    assert_eq!(lists[1][0], four_digits(summary_row.tpot_ms));
    assert!((lists[2][0].as_f64().unwrap() / summary_row.tpot_ms - 1.0).abs() < 1e-6);
    let row = |at: usize| &data["rows"][usize::try_from(lists[0][at].as_u64().unwrap()).unwrap()];
    assert_eq!((&row(0)["metric"], &row(0)["prompt"]), (&"tpot@1".into(), &"mean".into()));
    assert_eq!(
        (&row(1)["metric"], &row(1)["prompt"]),
        (&"tpot@1".into(), &summary_row.prompts[0].id.as_str().into())
    );
    let memory = (0..lists[0].len()).find(|at| row(*at)["metric"] == "peak_rss@1").unwrap();
    assert_eq!((&row(memory)["unit"], &row(memory)["is_time"]), (&"MiB".into(), &false.into()));
}

#[test]
fn a_guard_that_tripped_invalidates_the_times_and_one_that_warns_does_not() {
    let warned = |id: &str| {
        let mut entry = named("b", "2026-01-02T00:00:00Z");
        entry.warning_ids = vec![id.to_owned()];
        data(&[named("a", "2026-01-01T00:00:00Z"), entry])["runs"][0]["is_invalid"].as_bool().unwrap()
    };
    assert!(warned("guard-gpu-throttle"));
    assert!(!warned("guard-ac-power") && !warned("preflight-gpu-throttle"));
}

#[test]
fn what_has_no_verified_values_or_no_name_that_can_be_typed_is_not_offered() {
    let unverified = |run: &mut Experiment| run.arms[0].prompts[0].golden = GoldenResult::None;
    let failed = |run: &mut Experiment| run.outcome = Outcome::Failed;
    let when = "2026-01-02T00:00:00Z";
    let entries = [
        named("a", when),
        entry("b", when, unverified),
        entry("c", when, failed),
        named("$(touch x)", when),
        named("--help", when),
    ];
    let page = ComparePage::of(&entries).unwrap();
    assert_eq!(page.view["rows"].as_array().unwrap().len(), 1);
    assert_eq!((&page.view["example"], page.data), (&Value::Null, None));
    assert_eq!(ComparePage::of(&[]).unwrap().view["rows"], json!([]));
}

#[test]
fn the_data_stay_small_however_many_runs_there_are_and_however_long_their_names() {
    let of = |name: &str| {
        let many = (0..400).map(|at| {
            let kernel = format!("{name} {at}");
            let when = format!("2026-01-01T{:02}:{:02}:00Z", at / 60, at % 60);
            entry(&format!("{at:012}"), &when, |run| run.machine.kernel = Some(kernel))
        });
        let page = ComparePage::of(&many.collect::<Vec<_>>()).unwrap();
        assert_eq!(page.view["rows"].as_array().unwrap().len(), 30);
        assert_eq!(page.view["shown"], "the newest 30 of 400 verified runs");
        let data = page.data.unwrap();
        assert!(data.len() <= MOST_BYTES, "{}", data.len());
        serde_json::from_str::<Value>(&data).unwrap()["runs"].as_array().unwrap().len()
    };
    assert_eq!(of("6.1"), MOST_RUNS, "all of a usual history");
    assert!((50..MOST_RUNS).contains(&of(&"<".repeat(400))));
}
