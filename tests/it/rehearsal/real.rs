//! `ci measure` on the real runtime: the head is fetched, built beside its base, and measured with the shipped
//! model.

use std::fs;
use std::process::{Command, Stdio};

use arcgauge::gate::ci::{GateEnd, VerdictArtifact};
use arcgauge::record::{Experiment, History, Verdict};

use super::github::GitHub;
use super::payloads::{PullRequest, RUN};
use super::stage::{NUMBER, Stage, publish_in};
use crate::ended::Ended;
use crate::git_repository::git_in;
use crate::planted::PLANTED;

/// What the forge made of base and head.
const MERGE: &str = "abababababababababababababababababababab";

/// What came of a branch of the planted repository as a pull request.
struct Reported {
    ended: Ended,
    words: VerdictArtifact,
    record: Option<Experiment>,
    verdict: Option<Verdict>,
    status: serde_json::Value,
    comment: String,
}

fn gate(branch: &str) -> Reported {
    let place = tempfile::tempdir().unwrap();
    let (runner, output) = (place.path().join("runner"), place.path().join("verdict"));
    let from = format!("file://{}", PLANTED.repository.folder().display());
    let (head, base) = (PLANTED.repository.sha(branch), PLANTED.repository.sha("main"));
    // Each pull request has a forge of its own.
    let origin = place.path().join("origin.git");
    git_in(place.path(), &["clone", "--quiet", "--bare", &from, origin.to_str().unwrap()]);
    git_in(&origin, &["update-ref", &format!("refs/pull/{NUMBER}/head"), &head]);
    let from = format!("file://{}", origin.display());
    git_in(place.path(), &["clone", "--quiet", "--branch", "main", &from, runner.to_str().unwrap()]);
    let pull_request = PullRequest {
        number: NUMBER,
        head: head.clone(),
        base,
        branch: branch.to_owned(),
        title: branch.to_owned(),
        is_fork: false,
        association: "OWNER",
    };
    let event = place.path().join("event.json");
    let mut payload = pull_request.event("opened");
    payload["pull_request"]["merge_commit_sha"] = MERGE.into();
    fs::write(&event, payload.to_string()).unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_arcgauge"))
        .args(["ci", "measure", "--event-name", "pull_request", "--device", "CPU", "--settle-limit-s", "0"])
        .arg("--event")
        .arg(&event)
        .arg("--output")
        .arg(&output)
        .arg("--store")
        .arg(place.path().join("store"))
        .arg("--lock")
        .arg(place.path().join("lock"))
        .current_dir(&runner)
        .env("XDG_CONFIG_HOME", place.path())
        .env_remove("OPENVINO_INSTALL_DIR")
        .env_remove("INTEL_OPENVINO_DIR")
        .env_remove("GITHUB_ACTIONS")
        .env_remove("GITHUB_STEP_SUMMARY")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut github = GitHub::new();
    github.has_artifact(RUN, "verdict", &Stage::zip(&output));
    github.answers(&format!("pulls/{NUMBER}"), pull_request.now());
    let conclusion = if ended.status.success() { "success" } else { "failure" };
    let run = pull_request.run_ended(conclusion);
    let published = publish_in(&runner, &run, &mut github).unwrap();
    Reported {
        ended: Ended::of(ended),
        words: serde_json::from_slice(&fs::read(output.join("verdict.json")).unwrap()).unwrap(),
        record: History::read(&output.join("record.json")).ok().map(|stored| stored.record),
        verdict: published.verdict,
        status: github.statuses(&head).remove(0),
        comment: github.comments()[0]["body"].as_str().unwrap().to_owned(),
    }
}

#[test]
#[ignore = "heavy: builds both sides"]
fn a_change_of_documentation_passes_from_its_event_to_its_status() {
    let reported = gate("docs");
    reported.ended.exits(0).prints("byte for byte").says("verdict: ");
    assert_eq!((reported.words.end, reported.words.exit_code), (GateEnd::Judged, 0));
    assert_eq!((reported.verdict, &reported.status["state"]), (Some(Verdict::Pass), &"success".into()));
    assert!(reported.comment.contains("nothing was measured"), "{}", reported.comment);
    let record = reported.record.expect("a record");
    let commits = [&record.arms[0], &record.arms[1]].map(|run| run.commit.as_ref().unwrap().sha.clone());
    assert_eq!(commits, [reported.words.merge_base.clone().unwrap(), reported.words.head.clone()]);
    assert_eq!(record.inputs.merge.as_deref(), Some(MERGE));
    assert_eq!(
        (reported.words.merge.as_deref(), reported.words.base),
        (Some(MERGE), reported.words.merge_base)
    );
}

#[test]
#[ignore = "heavy: builds both sides"]
fn a_wrong_token_is_red_from_its_event_to_its_status() {
    let reported = gate("one-other-token");
    reported.ended.exits(11);
    assert_eq!((reported.words.end, reported.words.exit_code), (GateEnd::Judged, 11));
    assert_eq!(
        (reported.verdict, &reported.status["state"]),
        (Some(Verdict::WrongOutput), &"failure".into())
    );
    assert!(reported.comment.contains("at token 3"), "{}", reported.comment);
}
