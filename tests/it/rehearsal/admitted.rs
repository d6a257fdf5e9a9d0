//! Which events let a head run on the runner: each of these is an honest one with one thing wrong.

use arcgauge::error::ErrorKind;
use arcgauge::gate::ci::{Candidate, GateEvent, candidate_of};
use serde_json::{Value, json};

use super::payloads::{FORK, PullRequest};

const HEAD: &str = "1111111111111111111111111111111111111111";
const BASE: &str = "2222222222222222222222222222222222222222";

pub(super) fn pull_request() -> PullRequest {
    PullRequest {
        number: 12,
        head: HEAD.into(),
        base: BASE.into(),
        branch: "topic".into(),
        title: "Decode with less".into(),
        is_fork: false,
        association: "MEMBER",
    }
}

fn candidate(name: &str, event: &Value) -> arcgauge::error::Result<Candidate> {
    candidate_of(&GateEvent::parse(name, event.to_string().as_bytes())?)
}

/// An event with the value at this path replaced.
fn with(mut event: Value, path: &str, value: Value) -> Value {
    *event.pointer_mut(path).unwrap() = value;
    event
}

fn refused(name: &str, event: &Value, says: &str) {
    let error = candidate(name, event).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input, "{says}");
    assert!(error.to_string().contains(says), "{says}: {error}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[test]
fn a_pull_request_runs_at_once_only_from_the_repository_itself_by_who_may_write() {
    let event = |action: &str| pull_request().event(action);
    for action in ["opened", "synchronize", "reopened"] {
        assert_eq!(candidate("pull_request", &event(action)).unwrap().head, HEAD);
    }
    for association in ["OWNER", "MEMBER", "COLLABORATOR"] {
        let by = PullRequest { association, ..pull_request() };
        assert!(candidate("pull_request", &by.event("opened")).is_ok(), "{association}");
    }
    for action in ["labeled", "edited", "closed", "review_requested", "Opened", ""] {
        refused("pull_request", &event(action), "which brings no new head");
    }
    for association in ["CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", "NONE", "MANNEQUIN", "owner", ""] {
        let by = PullRequest { association, ..pull_request() };
        refused("pull_request", &by.event("opened"), "who may not write");
    }
    let fork = PullRequest { is_fork: true, association: "OWNER", ..pull_request() };
    refused("pull_request", &fork.event("opened"), &format!("its head is of `{FORK}`"));
    let gone = with(event("opened"), "/pull_request/head/repo", Value::Null);
    refused("pull_request", &gone, "the repository of its head is gone");
    let elsewhere = with(event("opened"), "/pull_request/base/ref", json!("release\n::error::x"));
    refused("pull_request", &elsewhere, "it goes into `release\\n::error::x`");
    let silent = with(event("opened"), "/pull_request/author_association", Value::Null);
    assert!(candidate("pull_request", &silent).is_err());
}

#[test]
fn only_two_events_begin_a_gate_whatever_their_payload_says() {
    let event = pull_request().event("opened");
    for name in ["pull_request_target", "push", "issue_comment", "workflow_run", "merge_group", ""] {
        refused(name, &event, "no gate begins by the event");
    }
}

#[test]
fn a_dispatch_is_mains_and_names_one_number_and_one_commit() {
    let event = pull_request().dispatched();
    assert_eq!(candidate("workflow_dispatch", &event).unwrap().pull_request, 12);
    let number = with(event.clone(), "/inputs/pull_request", json!(12));
    assert_eq!(candidate("workflow_dispatch", &number).unwrap().pull_request, 12);
    for reference in ["refs/heads/topic", "refs/tags/main", "main", "refs/heads/main/x", ""] {
        let event = with(event.clone(), "/ref", json!(reference));
        refused("workflow_dispatch", &event, "not on `refs/heads/main`");
    }
    // The publisher reads a run's title, and a number that it cannot read there is a verdict that nobody sees.
    for number in
        ["", "0", "00", "012", "-1", "+1", "1.5", "1e2", "12 ", "12/merge", "１２", "99999999999999"]
    {
        let event = with(event.clone(), "/inputs/pull_request", json!(number));
        refused("workflow_dispatch", &event, "which is no number");
    }
    for head in ["", "main", &HEAD[1..], &format!("{HEAD}1"), &HEAD.replace('1', "A"), "--upload-pack=x"] {
        let event = with(event.clone(), "/inputs/head", json!(head));
        refused("workflow_dispatch", &event, "not the 40 digits of a commit");
    }
    let nobody = with(event, "/sender", Value::Null);
    assert!(candidate("workflow_dispatch", &nobody).is_err());
}

#[test]
fn names_of_a_payload_that_are_none_reach_no_program() {
    let event = pull_request().event("opened");
    for at in ["/pull_request/head/sha", "/pull_request/base/sha", "/pull_request/merge_commit_sha"] {
        for sha in ["--output=x", "HEAD", "../../../etc"] {
            refused("pull_request", &with(event.clone(), at, json!(sha)), "not the 40 digits of a commit");
        }
    }
    for name in ["arcgauge", "a/b/../../other", "../x", "a b/c", "a/b?x=1"] {
        let event = with(event.clone(), "/repository/full_name", json!(name));
        refused(
            "pull_request",
            &with(event, "/pull_request/head/repo/full_name", json!(name)),
            "not `owner/name`",
        );
    }
    let long = with(event, "/pull_request/head/sha", json!(format!("x{}", "y".repeat(100_000))));
    let reported = candidate("pull_request", &long).unwrap_err().to_string();
    assert!(reported.len() < 300, "{} bytes", reported.len());
}
