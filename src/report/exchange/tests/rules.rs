//! What of a record is reported, and what may not be.

use std::collections::BTreeSet;

use super::forged::{ab, edited, judged, named, of, run, without_speed};
use super::{FORMATS, attributes, elements, json_of, text_of};
use crate::golden::GoldenResult;
use crate::measure::Direction;
use crate::record::{Experiment, Outcome};
use crate::report::exchange::{ExchangeFormat, exchange};

/// The formats that tell speed alone.
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
            let reported = exchange(format, &[record, of(other)]).unwrap();
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
fn junit_tells_what_has_no_speed_as_what_it_is() {
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
fn an_ab_is_told_by_its_head_where_a_file_holds_one_result() {
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
fn of_a_name_the_newest_run_is_told_and_runs_that_are_not_comparable_are_refused() {
    let newer = edited(|run| {
        run.run_id = "ffffffffffff".to_owned();
        run.when_utc = "2027-01-01T00:00:00Z".to_owned();
    });
    let reported = exchange(ExchangeFormat::MetricFormat, &[newer.clone(), of(run())]).unwrap();
    assert_eq!(reported.text, text_of(ExchangeFormat::MetricFormat, std::slice::from_ref(&newer)));
    assert!(
        reported.warnings[0].contains("run `ffffffffffff` is told, and 1 older run left out"),
        "{:?}",
        reported.warnings
    );
    let elsewhere = edited(|run| run.machine.sha256 = "9".repeat(64));
    let error = exchange(ExchangeFormat::MetricFormat, &[elsewhere, of(run())]).unwrap_err();
    assert!(error.to_string().contains("both called `gpt-oss-20b-int4/arc-140v`"), "{error}");
    let error = exchange(ExchangeFormat::MetricFormat, &[of(named(["a b", "a-b"]))]).unwrap_err();
    assert!(error.to_string().contains("would both be called `a-b`"), "{error}");
}
