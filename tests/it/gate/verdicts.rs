//! What was measured decides the exit code, in every form that is requested.

use arcgauge::record::Experiment;
use roxmltree::Document;
use serde_json::Value;

use super::{ab_of, checkout, keep, of, run_of};
use crate::forged_pairs::{ab, around, identical, judge, wrong};

/// Forges a record of a commit.
type Forge = fn(&str) -> Experiment;

fn wrong_output(sha: &str) -> Experiment {
    let mut record = ab_of(sha, 0.0);
    wrong(&mut record);
    judge(&mut record);
    record
}

#[test]
fn each_verdict_has_its_exit_code_in_every_form() {
    let forgeries: [(Forge, &str, i32); 7] = [
        (|sha| ab_of(sha, 0.0), "pass", 0),
        (|sha| of(sha, identical()), "pass", 0),
        (|sha| ab_of(sha, -5.0), "improved", 0),
        (|sha| ab_of(sha, 5.0), "regressed", 10),
        (wrong_output, "wrong-output", 11),
        (|sha| of(sha, ab(&around(0.0, 4.0, 15))), "invalid-environment", 12),
        (|sha| of(sha, ab(&around(2.0, 1.4, 15))), "inconclusive", 13),
    ];
    for (forge, word, code) in forgeries {
        let (checkout, head) = checkout();
        let record = forge(&head);
        keep(&checkout, &record);
        checkout.run(["gate"]).exits(code).prints(&format!("\n{}", word.replace('-', " ").to_uppercase()));
        let markdown = checkout.run(["gate", "--format", "markdown"]);
        markdown.exits(code).prints(&word.replace('-', " ").to_uppercase());
        let json: Value =
            serde_json::from_str(&checkout.run(["gate", "--format", "json"]).exits(code).stdout).unwrap();
        assert_eq!(json["decision"]["verdict"], word, "{json:#}");
        assert_eq!(json["exit_code"], code);
        let junit = checkout.run(["gate", "--format", "junit"]);
        let document = Document::parse(&junit.exits(code).stdout).unwrap();
        assert!(document.descendants().any(|node| node.attribute("name") == Some("verdict")));
        let failed = document.descendants().any(|node| matches!(node.tag_name().name(), "failure" | "error"));
        assert_eq!(failed, code != 0 && code != 13, "{}", junit.stdout);
    }
}

#[test]
fn the_times_decide_and_not_what_was_once_said_of_them() {
    let (checkout, sha) = checkout();
    let mut record = ab_of(&sha, 5.0);
    record.gate_decision = ab_of(&sha, 0.0).gate_decision;
    record.decision.clone_from(&record.gate_decision);
    keep(&checkout, &record);
    checkout.run(["gate"]).exits(10).prints("REGRESSED: ");
}

#[test]
fn nothing_measured_is_a_failure_and_names_the_command() {
    let (checkout, sha) = checkout();
    let ended = checkout.run(["gate"]);
    ended.exits(20).says(&format!("nothing was measured of commit {}", &sha[..12]));
    ended.says("run `cargo xtask ab --base HEAD~1`");
    assert_eq!(ended.stdout, "");
    let ended = checkout.run(["gate", "--base", "HEAD"]);
    ended.exits(20).says(&format!("run `cargo xtask ab --base {}`", &sha[..12]));
    let flags = ["--head", "HEAD", "--store", "reports/another"];
    let ended = checkout.run([&["gate"][..], &flags].concat());
    let flags = flags.join(" ");
    ended.exits(20).says(&format!("`cargo xtask ab --base HEAD~1 {flags}`, then `cargo xtask gate {flags}`"));
}

#[test]
fn a_bench_alone_is_inconclusive_and_names_the_command() {
    let (checkout, sha) = checkout();
    keep(&checkout, &run_of(&sha, 0.0));
    let ended = checkout.run(["gate"]);
    ended.exits(13).prints("not measured against the base: there is no A/B record");
    ended.prints("cargo xtask ab --base HEAD~1 --device CPU");
    let store = checkout.path("reports/history").display().to_string();
    let ended = checkout.run(["gate", "--store", &store]);
    ended.exits(13).prints(&format!("cargo xtask ab --base HEAD~1 --store {store} --device CPU"));
}

#[test]
fn speeds_of_two_sessions_are_never_compared() {
    let (checkout, base) = checkout();
    let head = super::commit(&checkout, "a-change");
    for (run_id, slower_percent) in [("00000000000c", -90.0), ("00000000000d", 900.0)] {
        for (sha, slower_percent) in [(&base, 0.0), (&head, slower_percent)] {
            keep(&checkout, &Experiment { run_id: run_id.into(), ..run_of(sha, slower_percent) });
        }
        for arguments in [&["gate"][..], &["gate", "--base", &base]] {
            let json = checkout.run(arguments.iter().chain(&["--format", "json"])).exits(13).stdout.clone();
            let json: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(json["comparisons"], Value::Array(Vec::new()), "{json:#}");
            assert!(!json.to_string().contains(&base), "{json:#}");
        }
    }
}
