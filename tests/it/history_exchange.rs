//! `history export --format`: which records are reported, where to, and that nothing is reported of what has no
//! speed. What each format looks like is tested beside it.

use std::fs;

use arcgauge::record::{Experiment, History};
use serde_json::Value;

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::forged;
use crate::forged_pairs::watched;
use crate::history_index::verified;

fn export(checkout: &Checkout, words: &[&str]) -> Ended {
    checkout.run(["history", "export"].iter().chain(words))
}

/// A verified run of a commit.
fn of_commit(run_id: &str, sha: &str, when_utc: &str) -> Experiment {
    let mut run = verified(run_id);
    when_utc.clone_into(&mut run.when_utc);
    sha.clone_into(&mut run.arms[0].commit.as_mut().unwrap().sha);
    run
}

fn commits(ended: &Ended) -> Vec<String> {
    let rows: Value = serde_json::from_str(&ended.exits(0).stdout).unwrap();
    let mut commits: Vec<String> =
        rows.as_array().unwrap().iter().map(|row| row["build_commit"].as_str().unwrap().to_owned()).collect();
    commits.dedup();
    commits
}

#[test]
fn every_format_goes_to_stdout_or_whole_to_a_file() {
    let checkout = Checkout::new();
    forged::store(&checkout, &verified("00000000000a"));
    for (words, begins) in [
        (&["csv"][..], "time,commit,ttft@1,"),
        (&["csv", "--rows", "commit"], "time,commit,ttft@1,"),
        (&["csv", "--rows", "sample"], "run_id,side,commit,"),
        (&["otava"], "time,commit,ttft@1,"),
        (&["llama-bench"], "[\n  {\n    \"build_commit\": \"555555555555\""),
        (
            &["benchmark-action", "--direction", "smaller"],
            "[\n  {\n    \"name\": \"tiny-gpt-oss/a-cpu/fibonacci ttft@1\"",
        ),
        (
            &["benchmark-action", "--direction", "bigger"],
            "[\n  {\n    \"name\": \"tiny-gpt-oss/a-cpu/fibonacci e2e_th",
        ),
        (&["bmf"], "{\n  \"tiny-gpt-oss/a-cpu/fibonacci\": {"),
        (&["benchstat"], "definition-of-ns/op: tpot@1"),
        (&["junit"], "<?xml version=\"1.0\""),
    ] {
        let words: Vec<&str> = ["--format"].iter().chain(words).copied().collect();
        let reported = export(&checkout, &words);
        assert!(reported.exits(0).stdout.starts_with(begins), "{words:?}: {reported}");
        fs::write(checkout.path("file"), "what was there").unwrap();
        let written = export(&checkout, &[&words[..], &["--output", "file"]].concat());
        assert_eq!((written.exits(0).stdout.as_str(), &written.stderr), ("", &reported.stderr), "{words:?}");
        assert_eq!(fs::read_to_string(checkout.path("file")).unwrap(), reported.stdout, "{words:?}");
    }
}

#[test]
fn an_invalid_run_is_told_with_a_warning_whatever_the_format() {
    let checkout = Checkout::new();
    let mut run = verified("00000000000a");
    watched(&mut run.arms[0].processes[0], 12, true);
    forged::store(&checkout, &run);
    forged::store(&checkout, &of_commit("00000000000b", &"7".repeat(40), "2026-09-02T00:00:00Z"));
    for words in [
        &["csv"][..],
        &["csv", "--rows", "sample"],
        &["otava"],
        &["llama-bench"],
        &["benchmark-action", "--direction", "smaller", "00000000000a"],
        &["bmf", "00000000000a"],
        &["benchstat"],
        &["junit"],
    ] {
        let words: Vec<&str> = ["--format"].iter().chain(words).copied().collect();
        let reported = export(&checkout, &words);
        let warnings = reported.exits(0).stderr.matches("is exported though a guard tripped").count();
        assert_eq!(warnings, 1, "{words:?}: {reported}");
    }
}

#[test]
fn records_are_named_by_file_id_latest_or_a_range_of_commits() {
    let checkout = Checkout::new();
    let git = |words: &[&str]| checkout.git(words).trim().to_owned();
    git(&["init", "--quiet", "--initial-branch", "main"]);
    let shas = ["one", "two", "three"].map(|subject| {
        git(&["commit", "--quiet", "--allow-empty", "--message", subject]);
        git(&["rev-parse", "HEAD"])
    });
    let mut files = Vec::new();
    for (at, sha) in shas.iter().enumerate() {
        let run = of_commit(&format!("00000000000{at}"), sha, &format!("2026-11-23T0{at}:00:00Z"));
        files.push(forged::store(&checkout, &run));
    }
    let reported = |names: &[&str]| {
        let commits = commits(&export(&checkout, &[names, &["--format", "llama-bench"]].concat()));
        commits
            .iter()
            .map(|commit| shas.iter().position(|sha| sha.starts_with(commit)).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(reported(&[]), [0, 1, 2], "oldest first");
    assert_eq!(reported(&["latest"]), [2]);
    assert_eq!(reported(&["000000000001"]), [1]);
    assert_eq!(reported(&["000000000001", "000000000000"]), [1, 0], "in the order named");
    assert_eq!(reported(&[files[0].to_str().unwrap()]), [0]);
    assert_eq!(reported(&["HEAD~2.."]), [1, 2], "without the commit that it begins after");
    assert_eq!(reported(&[&format!("{}..HEAD~1", shas[0])]), [1]);
    let refused = |name: &str, fault: &str, help: &str| {
        export(&checkout, &[name, "--format", "bmf"]).refuses(fault, help);
    };
    refused("00000000000f", "no record of `00000000000f` in `", "history list");
    refused("HEAD..HEAD~1", "is no first parent of", "git log --first-parent");
    refused("HEAD..nothing", "`nothing`", "git");
    refused("not-there.json", "not-there.json", "history list");
}

#[test]
fn nothing_is_told_of_records_without_a_verified_speed() {
    let checkout = Checkout::new();
    forged::store(&checkout, &forged::record());
    for format in ["llama-bench", "bmf", "benchstat"] {
        export(&checkout, &["--format", format])
            .refuses("`0123456789ab` is left out: its output is unverified", "golden bless");
    }
    export(&checkout, &["--format", "csv"]).refuses("none of these records has a row", "--rows sample");
    export(&checkout, &["--format", "github"]).refuses("1 run left out", "cargo xtask ab");
    export(&checkout, &["--format", "junit"]).exits(0).prints("type=\"unverified\"");
    forged::store(&checkout, &verified("00000000000a"));
    let reported = export(&checkout, &["--format", "bmf"]);
    reported.exits(0).prints("\"tpot-1\"").says("warning: record `0123456789ab` is left out: ");
}

#[test]
fn an_ab_is_told_as_markdown_with_annotations_beside_it() {
    let checkout = Checkout::new();
    History::at(checkout.path("reports/history")).add(&forged::ab_record()).unwrap();
    let reported = export(&checkout, &["latest", "--format", "github", "--output", "summary.md"]);
    reported.exits(0).says("::notice title=arcgauge%3A pass::");
    let summary = fs::read_to_string(checkout.path("summary.md")).unwrap();
    assert!(summary.starts_with("### arcgauge: PASS: "), "{summary}");
    export(&checkout, &["abababababab", "--format", "junit"]).exits(0).prints("classname=\"verdict\"");
}

#[test]
fn a_flag_of_another_format_and_a_place_that_cannot_be_written_are_refused() {
    let checkout = Checkout::new();
    forged::store(&checkout, &verified("00000000000a"));
    let refused = |words: &[&str], fault: &str, help: &str| {
        export(&checkout, words).refuses(fault, help);
    };
    refused(
        &["--format", "bmf", "--rows", "sample"],
        "`--rows` is of `--format csv` alone",
        "leave `--rows` out",
    );
    refused(&["--format", "benchmark-action"], "--direction <WHICH>", "Usage");
    refused(&["--format", "otava", "--otava-config", "a.yaml"], "--output <DIR|FILE>", "Usage");
    refused(&["--format", "bmf", "--output", "."], "it is a folder", "name a file");
    let reported = export(&checkout, &["--format", "otava", "--output", "a.csv", "--otava-config", "a.yaml"]);
    reported.exits(0).says("configuration: a.yaml");
    let config = fs::read_to_string(checkout.path("a.yaml")).unwrap();
    assert!(config.contains("file: \"a.csv\"") && config.contains("tpot@1"), "{config}");
    assert_eq!(fs::read_to_string(checkout.path("a.csv")).unwrap().lines().count(), 2);
}
