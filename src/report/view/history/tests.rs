use serde_json::Value;

use super::example::{entries, published, published_series, setting, timelines_of};
use super::*;
use crate::judge::MeanInterval;
use crate::record::{Entry, Outcome};

fn page(entries: &[Entry]) -> HistoryPage {
    let timelines = timelines_of(entries);
    let (timelines, published, published_series) = (&timelines[..], &published(), &published_series());
    HistoryPage::of(HistorySources { timelines, published, published_series }).unwrap()
}

fn data(page: &HistoryPage) -> Value {
    serde_json::from_str(&page.data).unwrap()
}

fn column(data: &Value) -> Vec<Option<f64>> {
    data.as_array().unwrap().iter().map(Value::as_f64).collect()
}

fn metric<'a>(data: &'a Value, name: &str) -> &'a Value {
    data["timelines"][0]["metrics"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap()
}

/// Whether two values are one, reported with four digits.
fn is_same(one: f64, other: f64) -> bool {
    (one / other - 1.0).abs() <= 5.1e-4
}

#[test]
fn values_come_in_the_order_of_the_page_and_without_those_that_nobody_measured() {
    let data = data(&page(&entries(12)));
    let metrics = data["timelines"][0]["metrics"].as_array().unwrap();
    let names: Vec<&str> = metrics.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["tpot", "ttft", "throughput", "rss", "device-memory", "load-warm"]);
}

#[test]
fn every_value_is_in_the_data_with_four_digits() {
    let entries = entries(50);
    let data = data(&page(&entries));
    let timelines = timelines_of(&entries);
    let (tpot, speed) = (metric(&data, "tpot"), metric(&data, "throughput"));
    let halves = column(&tpot["half"]);
    for (at, point) in timelines[0].points.iter().enumerate() {
        let metric_values = point.metric_values().unwrap();
        assert!(is_same(column(&tpot["mean"])[at].unwrap(), metric_values.tpot_ms));
        assert!(is_same(column(&speed["mean"])[at].unwrap(), metric_values.throughput_tok_s));
        let interval = MeanInterval::of(&metric_values.process_tpot_ms).unwrap();
        assert!(is_same(halves[at].unwrap(), interval.half_width_ln));
        for (place, prompt) in metric_values.prompts.iter().enumerate() {
            let reported = column(&tpot["prompts"][place]["figures"])[at].unwrap();
            assert!(is_same(reported, prompt.tpot_ms), "{}", prompt.id);
        }
    }
}

#[test]
fn only_values_that_are_kept_by_process_have_an_interval_and_a_chart_names_no_other_band() {
    let interval = "95 % interval";
    let page_of_few = page(&entries(12));
    let [few, many] = [&page_of_few, &page(&entries(700))].map(|page| page.view.clone());
    let drawn = |view: &Value, name: &str| {
        let metrics = view["timelines"][0]["metrics"].as_array().unwrap();
        let metric = metrics.iter().find(|it| it["name"] == name).unwrap();
        metric["chart"]["wide"].as_str().unwrap().to_owned()
    };
    for (name, is_stored) in [("tpot", true), ("throughput", true), ("ttft", false), ("rss", false)] {
        assert_eq!(drawn(&few, name).contains(interval), is_stored, "{name}");
        assert_eq!(drawn(&many, name).contains(interval), is_stored, "{name}");
        // Commits that share a column lie apart.
        assert!(drawn(&many, name).contains("the commits of its column"), "{name}");
        assert_eq!(metric(&data(&page_of_few), name)["half"].is_array(), is_stored, "{name}");
    }
    let header = page_of_few.csv_files[0].1.lines().next().unwrap().to_owned();
    assert!(header.contains("(token/s), lower") && !header.contains("ttft (ms), lower"), "{header}");
}

#[test]
fn a_run_of_one_process_has_no_band() {
    let mut entries = entries(12);
    for metric_values in entries.iter_mut().filter_map(|entry| entry.metric_values.as_mut()) {
        metric_values.process_tpot_ms.truncate(1);
        metric_values.process_throughput_tok_s.truncate(1);
    }
    let data = data(&page(&entries));
    assert!(["tpot", "throughput"].iter().all(|name| metric(&data, name)["half"].is_null()));
}

#[test]
fn a_commit_without_verified_values_leaves_a_gap_and_says_why() {
    let mut entries = entries(3);
    entries[1].outcome = Outcome::WrongOutput;
    entries[2].metric_values = None;
    let page = page(&entries);
    let data = data(&page);
    let means = column(&metric(&data, "tpot")["mean"]);
    assert_eq!(means.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
    let timeline = &data["timelines"][0];
    assert_eq!(timeline["standings"], ".ab");
    assert_eq!(timeline["words"][0]["word"], "wrong output");
    assert_eq!(timeline["words"][1]["word"], "no verified output");
    let view = &page.view;
    let rows = &view["timelines"][0]["metrics"][0]["table"]["rows"];
    assert_eq!(rows[0]["standing"]["word"], "no verified output", "the newest is first");
    assert_eq!(rows[2]["standing"], Value::Null);
}

#[test]
fn the_published_values_are_shown_with_throughput_and_only_where_they_apply() {
    let mut entries = entries(4);
    let with = data(&page(&entries));
    let references = &metric(&with, "throughput")["references"];
    assert_eq!(references[0]["reported"], "21.24");
    assert_eq!(references[1]["reported"], "27.00");
    assert_eq!(references.as_array().unwrap().len(), 2);
    assert_eq!(metric(&with, "tpot")["references"], Value::Array(Vec::new()));
    for entry in &mut entries {
        entry.metric_values.as_mut().unwrap().published_tok_s = None;
    }
    let without = data(&page(&entries));
    assert_eq!(metric(&without, "throughput")["references"], Value::Array(Vec::new()));
}

#[test]
fn a_new_runtime_begins_an_epoch_and_can_be_chosen_but_the_timeline_stays_the_same() {
    let mut entries = entries(6);
    let before = data(&page(&entries))["timelines"][0]["id"].clone();
    for entry in &mut entries[4..] {
        entry.setting = setting("2026.4.0", "6.8.0");
    }
    let data = data(&page(&entries));
    let timeline = &data["timelines"][0];
    assert_eq!(timeline["id"], before, "addresses hold");
    assert_eq!(timeline["runtimes"], serde_json::json!(["OpenVINO 2026.1.0", "OpenVINO 2026.4.0"]));
    assert_eq!(timeline["epochs"].as_array().unwrap().len(), 1);
    let text = timeline["epochs"][0]["text"].as_str().unwrap();
    assert_eq!(text, "openvino 2026.1.0 to 2026.4.0");
    assert_eq!(timeline["epochs"][0]["at"], timeline["runtime_starts"][1]["at"]);
}

#[test]
fn a_slower_level_is_found_and_its_direction_is_that_of_the_metric() {
    let mut entries = entries(60);
    let slower = entries[40..].iter_mut().filter_map(|entry| entry.metric_values.as_mut());
    for metric_values in slower {
        metric_values.tpot_ms *= 1.1;
        metric_values.throughput_tok_s /= 1.1;
    }
    let data = data(&page(&entries));
    for (name, up) in [("tpot", true), ("throughput", false)] {
        let changes = metric(&data, name)["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 1, "{name}: {changes:?}");
        assert_eq!(changes[0]["worse"], true, "{name}");
        assert_eq!(changes[0]["percent"].as_f64().unwrap() > 0.0, up, "{name}");
    }
}

#[test]
fn the_whole_values_stand_beside_the_page() {
    let page = page(&entries(150));
    let [(path, text)] = page.csv_files.as_slice() else { panic!("one timeline, one file") };
    assert_eq!(text.lines().count(), 151);
    let header = text.lines().next().unwrap();
    assert!(header.starts_with("author_date_utc,commit,openvino,epoch,verdict,tpot tpot@1 (ms/token)"));
    let view = &page.view;
    let timeline = &view["timelines"][0];
    assert_eq!(timeline["csv_href"], path.to_str().unwrap());
    let table = &timeline["metrics"][0]["table"];
    assert_eq!(table["caption"], "The newest 100 of 150");
    assert_eq!(table["rows"].as_array().unwrap().len(), 100);
}

#[test]
fn only_so_many_timelines_have_charts_without_a_script() {
    let mut all = Vec::new();
    for machine in 0..4 {
        let mut entries = entries(700);
        for entry in &mut entries {
            let mut other = (*entry.setting).clone();
            other.series.machine_sha256 = format!("{machine:064}");
            entry.setting = other.into();
        }
        all.extend(entries);
    }
    let view = page(&all).view;
    let timelines = view["timelines"].as_array().unwrap();
    let charted: Vec<bool> = timelines.iter().map(|it| !it["metrics"][0]["chart"].is_null()).collect();
    assert_eq!(charted, [true, true, false, false]);
    let open: Vec<bool> = timelines.iter().map(|it| it["is_open"].as_bool().unwrap()).collect();
    assert_eq!(open, [true, false, false, false]);
}
