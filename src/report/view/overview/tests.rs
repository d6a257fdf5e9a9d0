use super::*;
use crate::record::Ancestry;
use crate::report::view::history::example::{entries, published};
use crate::report::view::timelines;

const POLICY: &str = include_str!("../../../../ci/gate.json");

fn view(entries: &[Entry], forge: Option<&Forge>) -> Value {
    let timelines = timelines(entries, &Ancestry::default());
    let sources = OverviewSources {
        entries,
        timelines: &timelines,
        published: &published(),
        policy: &Policy::parse(POLICY, "ci/gate.json").unwrap(),
        subject_of: &|_| Some("a subject".to_owned()),
        damaged: 0,
        along: None,
        forge,
    };
    overview_page(sources).unwrap()
}

/// Sixty commits, of which the later half has another time to the first token.
fn slower_to_start() -> Vec<Entry> {
    let mut entries = entries(60);
    for entry in &mut entries {
        entry.ab = None;
        let day: usize = entry.commit.as_ref().unwrap().author_date_utc[8..10].parse().unwrap();
        let month: usize = entry.commit.as_ref().unwrap().author_date_utc[5..7].parse().unwrap();
        if month * 28 + day > 28 + 30 {
            entry.metric_values.as_mut().unwrap().ttft_ms *= 1.13;
        }
    }
    entries.retain(|entry| entry.plan == crate::record::PlanKind::Bench);
    entries
}

#[test]
fn the_last_values_are_shown_though_every_run_is_invalid() {
    let mut entries = entries(3);
    for entry in &mut entries {
        entry.warning_ids = vec!["guard-cpu-pressure".to_owned()];
    }
    let view = view(&entries, None);
    assert_eq!(view["newest"]["badge"]["word"], "INVALID: cpu-pressure");
    assert!(view["newest"]["values"].as_str().unwrap().contains("token/s, TPOT "), "{view}");
    let speed = &view["lines"][0]["speed"];
    assert_eq!(speed["rejected"]["word"], "INVALID: cpu-pressure");
    assert!(speed["throughput"].as_str().unwrap().ends_with(" token/s"));
    assert_eq!(view["lines"][0]["reason"], "no valid run yet");
}

#[test]
fn wrong_output_has_no_value() {
    let mut entries = entries(1);
    entries[0].golden = Some(crate::golden::GoldenResult::Break);
    let view = view(&entries, None);
    assert!(view["newest"]["values"].is_null() && view["lines"][0]["speed"].is_null(), "{view}");
}

#[test]
fn an_open_regression_names_its_metric_size_commit_and_range_and_its_metric_is_the_chart() {
    let forge = Forge::of_remote("git@github.com:owner/name.git");
    let view = view(&slower_to_start(), forge.as_ref());
    let line = &view["lines"][0];
    assert_eq!(line["answer"]["word"], "TTFT regression");
    assert_eq!(line["answer"]["class"], "warns");
    assert_eq!(line["trend"]["title"], "Time to first token");
    let points = line["trend"]["points"].as_str().unwrap().split(';');
    assert_eq!(points.map(|point| point.split(' ').count()).collect::<Vec<_>>(), [3; 60]);
    assert!(line["trend"]["description"].as_str().unwrap().contains("1 change point"), "{line}");
    assert_eq!(line["since"]["subject"], "a subject");
    let open = &view["open"][0];
    assert!(open["change"].as_str().unwrap().starts_with("+1"), "{open}");
    let range = &open["since"]["range"];
    assert!(range["href"].as_str().unwrap().starts_with("https://github.com/owner/name/compare/"), "{range}");
}
