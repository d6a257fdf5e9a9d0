//! What of a record is reported and what may not be, and the rules by which each reader reads.

use std::collections::BTreeSet;

use serde_json::Value;

use super::forged::{ab, edited, entry, judged, named, run, without_speed};
use super::{FORMATS, attributes, elements, json_of, text_of};
use crate::golden::GoldenResult;
use crate::measure::Direction;
use crate::record::{Experiment, Outcome};
use crate::report::exchange::{ExchangeFormat, exchange, otava_csv};

fn of_speed() -> impl Iterator<Item = ExchangeFormat> {
    FORMATS.into_iter().filter(|format| !matches!(format, ExchangeFormat::Junit | ExchangeFormat::Github))
}

#[test]
fn what_is_unverified_wrong_failed_or_interrupted_has_no_speed_in_any_format() {
    for format in of_speed() {
        for (record, reason) in without_speed() {
            let error = exchange(format, std::slice::from_ref(&record)).unwrap_err();
            assert!(error.to_string().contains(reason), "{format:?}: {error}");
            assert!(error.hint_text().is_some(), "{format:?}");
            let mut other = run();
            other.run_id = "ffffffffffff".to_owned();
            let reported = exchange(format, &[record, other]).unwrap();
            assert_eq!(
                reported.text,
                text_of(format, &[edited(|run| run.run_id = "ffffffffffff".to_owned())])
            );
            assert_eq!(reported.warnings.len(), 1, "{format:?}: {:?}", reported.warnings);
            assert!(
                reported.warnings[0].starts_with("record `0123456789ab` is left out: "),
                "{:?}",
                reported.warnings
            );
        }
    }
}

#[test]
fn junit_reports_why_there_is_no_speed() {
    let cases = without_speed().map(|(record, _)| {
        let xml = text_of(ExchangeFormat::Junit, &[record]);
        ["failure", "error", "skipped"].map(|kind| attributes(&xml, kind, "type").join(" "))
    });
    assert_eq!(cases[0], ["", "", "unverified"]);
    assert_eq!(cases[2], ["", "failed", ""]);
    assert_eq!(cases[3], ["", "", "interrupted"]);
    let wrong = edited(|run| {
        run.arms[0].outcome = Outcome::WrongOutput;
        run.arms[0].prompts[0] = judged("fibonacci", GoldenResult::Break);
        run.arms[0].samples.retain(|sample| sample.prompt_id != "fibonacci");
    });
    let xml = text_of(ExchangeFormat::Junit, &[wrong]);
    assert_eq!(attributes(&xml, "failure", "type"), ["wrong-output"]);
    assert_eq!(attributes(&xml, "testsuite", "failures"), ["1"]);
}

#[test]
fn junit_has_no_element_or_attribute_that_jenkins_does_not_know() {
    let records: Vec<Experiment> =
        without_speed().into_iter().map(|(record, _)| record).chain([ab()]).collect();
    let known = [
        "testsuites name tests failures errors",
        "testsuite name tests failures errors skipped timestamp",
        "testcase name classname",
        "testcase name classname time",
        "failure message type",
        "error message type",
        "skipped message type",
        "system-out ",
    ];
    for element in elements(&text_of(ExchangeFormat::Junit, &records)) {
        assert!(known.contains(&element.as_str()), "{element}");
    }
}

#[test]
fn an_ab_is_reported_by_its_head_where_a_file_holds_one_result() {
    let ab = ab();
    let reported = json_of(ExchangeFormat::BenchmarkAction(Direction::Lower), std::slice::from_ref(&ab));
    assert!(
        reported.to_string().contains("commit 555555555555")
            && !reported.to_string().contains("444444444444")
    );
    let rows = json_of(ExchangeFormat::LlamaBench, &[ab]);
    let commits: BTreeSet<&str> =
        rows.as_array().unwrap().iter().filter_map(|row| row["build_commit"].as_str()).collect();
    assert_eq!(commits, ["444444444444", "555555555555"].into());
}

#[test]
fn of_a_name_the_newest_run_is_reported_and_runs_that_are_not_comparable_are_refused() {
    let newer = edited(|run| {
        run.run_id = "ffffffffffff".to_owned();
        run.when_utc = "2027-01-01T00:00:00Z".to_owned();
    });
    let reported = exchange(ExchangeFormat::MetricFormat, &[newer.clone(), run()]).unwrap();
    assert_eq!(reported.text, text_of(ExchangeFormat::MetricFormat, std::slice::from_ref(&newer)));
    assert!(
        reported.warnings[0].contains("run `ffffffffffff` is exported, and 1 older run left out"),
        "{:?}",
        reported.warnings
    );
    let elsewhere = edited(|run| run.machine.sha256 = "9".repeat(64));
    let error = exchange(ExchangeFormat::MetricFormat, &[elsewhere, run()]).unwrap_err();
    assert!(error.to_string().contains("both called `gpt-oss-20b-int4/arc-140v`"), "{error}");
    let error = exchange(ExchangeFormat::MetricFormat, &[named(["a b", "a-b"])]).unwrap_err();
    assert!(error.to_string().contains("would both be called `a-b`"), "{error}");
}

#[test]
fn bencher_gets_no_bounds_of_a_single_process() {
    let one_process = edited(|run| {
        run.arms[0].processes.truncate(1);
        run.arms[0].samples.retain(|sample| sample.process == 0);
    });
    let reported = json_of(ExchangeFormat::MetricFormat, &[one_process]);
    let tpot = &reported["gpt-oss-20b-int4/arc-140v/fibonacci"]["tpot-1"];
    assert_eq!(*tpot, serde_json::json!({ "value": 47.0 }));
}

/// A reader of a line of Go's benchmark text, by the rules of its proposal: the name, the iterations, and values with
/// their units, as in "47 ns/op".
fn measurement(line: &str) -> (&str, u64, Vec<String>) {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [name, iterations, rest @ ..] = &fields[..] else { panic!("{line}") };
    assert!(name["Benchmark".len()..].starts_with(char::is_uppercase), "{line}");
    assert!(rest.len().is_multiple_of(2) && rest.iter().step_by(2).all(|it| it.parse::<f64>().is_ok()));
    (name, iterations.parse().unwrap(), rest.chunks(2).map(|pair| pair.join(" ")).collect())
}

#[test]
fn every_line_for_benchstat_is_a_benchmark_a_unit_a_key_or_a_comment() {
    let text = text_of(ExchangeFormat::Benchstat, &[run()]);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let is_key = line.split_once(": ").is_some_and(|(key, value)| {
            key.starts_with(char::is_lowercase)
                && !value.is_empty()
                && !key
                    .contains(|letter: char| letter.is_whitespace() || letter.is_uppercase() || letter == ':')
        });
        let is_unit = line.strip_prefix("Unit ").is_some_and(|unit| unit.split(' ').count() == 2);
        assert!(is_key || is_unit || line.starts_with("BenchmarkDecode/prompt="), "{line}");
    }
    // What it does not know a reader leaves out.
    let measured: Vec<_> =
        text.lines().filter(|line| line.starts_with("Benchmark")).map(measurement).collect();
    assert_eq!(measured.len(), 4, "a line a generation");
    let (name, iterations, values) = &measured[0];
    assert_eq!((*name, *iterations), ("BenchmarkDecode/prompt=fibonacci", 2));
    assert_eq!(values[0], "47000000 ns/op");
    assert!(values.contains(&"200 ttft@1(ms)".to_owned()), "{values:?}");
    assert!(!measured.iter().any(|it| it.0.ends_with("-1")), "that would be a number of threads");
}

#[test]
fn two_runs_in_two_files_have_one_configuration_and_so_one_table() {
    let keys = |text: &str| -> Vec<String> {
        let keys = text.lines().filter(|line| line.starts_with(char::is_lowercase));
        keys.map(str::to_owned).collect()
    };
    let later = edited(|run| run.arms[0].commit.as_mut().unwrap().sha = "6".repeat(40));
    let (one, other) =
        (text_of(ExchangeFormat::Benchstat, &[run()]), text_of(ExchangeFormat::Benchstat, &[later]));
    assert_eq!(keys(&one), keys(&other));
    assert!(one != other);
}

#[test]
fn otava_gets_times_that_only_grow() {
    let of_commit = |date: &str| {
        let mut run = run();
        date.clone_into(&mut run.arms[0].commit.as_mut().unwrap().author_date_utc);
        entry(&run)
    };
    let dates = [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        "2025-12-31T00:00:00Z",
        "no date",
        "2026-01-02T00:00:00Z",
    ];
    let entries = dates.map(of_commit);
    let series = otava_csv(&entries.iter().collect::<Vec<_>>()).unwrap();
    let times: Vec<&str> = series.csv.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(
        times,
        ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", "2026-01-02T00:00:00Z"]
    );
    assert_eq!(series.since_utc, "2026-01-01T00:00:00Z");
    assert!(series.warnings[0].contains("its commit's date is `no date`"), "{:?}", series.warnings);
    assert!(series.warnings[1].starts_with("2 of the times"), "{:?}", series.warnings);
    assert!(otava_csv(&[]).is_err());
}

#[test]
fn a_series_goes_to_otava_with_every_digit() {
    let fixture = include_str!("../../../../fixtures/change-points/step.json");
    let fixture: Value = serde_json::from_str(fixture).unwrap();
    let values: Vec<f64> =
        fixture["series"].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect();
    let entries: Vec<_> = values
        .iter()
        .map(|tpot_ms| {
            let mut entry = entry(&run());
            entry.metric_values.as_mut().unwrap().tpot_ms = *tpot_ms;
            entry
        })
        .collect();
    let series = otava_csv(&entries.iter().collect::<Vec<_>>()).unwrap();
    let reported = series.csv.lines().skip(1).map(|line| line.split(',').nth(3).unwrap().parse().unwrap());
    assert_eq!(reported.collect::<Vec<f64>>(), values);
}
