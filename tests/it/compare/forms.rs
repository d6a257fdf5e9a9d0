//! What is reported, in each form.

use arcgauge::golden::GoldenResult;
use arcgauge::judge::comparability::TwoRuns;
use arcgauge::record::Experiment;
use arcgauge::report::comparison::{ComparedRecord, OfPage, comparison_document, comparison_json};
use arcgauge::report::document::Document;
use serde_json::Value;

use super::{one, other};

fn compared(a: &Experiment, b: &Experiment) -> Document {
    let record = |run| ComparedRecord { run, file: "a.json" };
    let (a, b) = (a.subject(), b.subject());
    comparison_document(record(a), record(b), &TwoRuns::of(a, b), OfPage::default())
}

#[test]
fn two_runs_of_one_thing() {
    insta::assert_snapshot!(compared(&one(), &other()).to_text(None));
}

#[test]
fn two_runs_on_two_kernels() {
    let mut b = other();
    b.machine.kernel = Some("6.2".into());
    insta::assert_snapshot!(compared(&one(), &b).to_markdown());
}

#[test]
fn two_runs_on_two_machines() {
    let mut b = other();
    b.machine.sha256 = "9".repeat(64);
    b.machine.slug = "another".into();
    insta::assert_snapshot!(compared(&one(), &b).to_text(None));
}

#[test]
fn a_run_without_a_golden_has_no_speed_and_the_text_says_so() {
    let mut b = other();
    b.arms[0].prompts[0].golden = GoldenResult::None;
    let text = compared(&one(), &b).to_text(None);
    assert!(text.contains("B has no speed: its output is unverified: no golden for `fibonacci`\n"), "{text}");
    assert!(text.contains("47.00 ms/token (tpot@1)             no speed"), "{text}");
    assert!(text.contains("fibonacci  ok match  - unverified\n"), "{text}");
    assert!(!text.contains('%'), "nothing is compared: {text}");
}

#[test]
fn json_has_every_value_unrounded_and_the_code_of_the_verb() {
    let (a, b) = (one(), other());
    let record = |run| ComparedRecord { run, file: "a.json" };
    let text =
        comparison_json(record(a.subject()), record(b.subject()), &TwoRuns::of(a.subject(), b.subject()), 0);
    let reported: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&reported["comparability"], &reported["exit_code"]), (&"same".into(), &0.into()));
    let tpot = &reported["figures"][0];
    assert_eq!(
        (&tpot["metric"], &tpot["prompt"], &tpot["a"], &tpot["b"]),
        (&"tpot@1".into(), &Value::Null, &47.0.into(), &51.0.into())
    );
    let ratio = tpot["ratio"].as_f64().unwrap();
    assert!((ratio - 51.0 / 47.0).abs() < 1e-12);
    assert!(tpot["lower"].as_f64().unwrap() < ratio && ratio < tpot["upper"].as_f64().unwrap());
    assert_eq!(reported["differences"][0]["what"], "commit");
    assert_eq!(reported["differences"][0]["breaks"], "nothing");
}
