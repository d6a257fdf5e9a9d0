//! On GitHub: a step's summary and its annotations, and that a name is never a command.

use std::fs;
use std::path::Path;

use super::{ab_of, checkout, keep};
use crate::checkout::Checkout;
use crate::ended::Ended;

fn gate_on_github(checkout: &Checkout, summary: &Path) -> Ended {
    let mut command = checkout.command(["gate", "--format", "json"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", summary);
    Ended::of(command.output().unwrap())
}

#[test]
fn the_summary_is_appended_to_and_annotations_are_on_stderr() {
    let (checkout, sha) = checkout();
    keep(&checkout, &ab_of(&sha, 5.0));
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.md");
    fs::write(&summary, "# An earlier step\n").unwrap();
    let ended = gate_on_github(&checkout, &summary);
    ended.exits(10).says("::error title=arcgauge%3A regressed::the mean time per output token grew");
    assert!(serde_json::from_str::<serde_json::Value>(&ended.stdout).is_ok(), "stdout has the form alone");
    let markdown = checkout.run(["gate", "--format", "markdown"]).stdout;
    let written = fs::read_to_string(&summary).unwrap();
    assert!(written.starts_with("# An earlier step\n"), "{written}");
    assert!(written.contains(markdown.trim()), "{written}");
    gate_on_github(&checkout, &summary).exits(10);
    assert!(fs::read_to_string(&summary).unwrap().len() > written.len());
}

#[test]
fn elsewhere_there_is_neither() {
    let (checkout, sha) = checkout();
    keep(&checkout, &ab_of(&sha, 5.0));
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.md");
    let mut command = checkout.command(["gate"]);
    let ended = Ended::of(command.env("GITHUB_STEP_SUMMARY", &summary).output().unwrap());
    assert!(!ended.exits(10).stderr.contains("::error"), "{ended}");
    assert!(!summary.exists());
}

#[test]
fn a_summary_that_cannot_be_written_is_told_and_changes_no_verdict() {
    let (checkout, sha) = checkout();
    keep(&checkout, &ab_of(&sha, 0.0));
    let nowhere = checkout.path("no/such/folder");
    gate_on_github(&checkout, &nowhere).exits(0).says("cannot be written");
}

#[test]
fn a_branch_of_any_name_makes_no_command_and_no_file() {
    for name in ["$(touch${IFS}x)", "`touch${IFS}x`", "::error::x", "\n::error::x", "a\r\n::warning::x"] {
        let (checkout, sha) = checkout();
        if !name.contains(':') {
            checkout.git(&["update-ref", &format!("refs/heads/{name}"), &sha]);
            checkout.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{name}")]);
        }
        let mut record = ab_of(&sha, 5.0);
        for side in &mut record.arms {
            name.clone_into(&mut side.label);
            let commit = side.commit.as_mut().unwrap();
            (commit.subject, commit.branch) = (name.to_owned(), Some(name.to_owned()));
        }
        keep(&checkout, &record);
        let folder = tempfile::tempdir().unwrap();
        let summary = folder.path().join("summary.md");
        let ended = gate_on_github(&checkout, &summary);
        let commands: Vec<&str> =
            ended.exits(10).stderr.split(['\n', '\r']).filter(|line| line.contains("::")).collect();
        assert!(!commands.is_empty());
        for command in commands {
            let ours = ["::error title=arcgauge", "::warning title=arcgauge", "::notice title=arcgauge"];
            assert!(ours.iter().any(|ours| command.starts_with(ours)), "{command:?}");
        }
        let summary = fs::read_to_string(&summary).unwrap();
        assert!(!summary.lines().any(|line| line.starts_with("::")), "{summary}");
        assert!(!checkout.path("x").exists() && !folder.path().join("x").exists());
    }
}
