//! Which labels are a word: each of these is an honest one with one thing wrong.

use arcgauge::error::Result;
use arcgauge::gate::ci::{Admitted, admit};
use serde_json::{Value, json};

use super::admitted::pull_request;
use super::github::GitHub;

const WHO: &str = "a-maintainer";

const REVIEWS: &str = "pulls/12/reviews?per_page=100&page=1";

/// A review as the forge reports it.
pub(super) fn review(by: &str, state: &str, commit: &str) -> Value {
    json!({ "id": 80, "user": { "login": by }, "body": "", "state": state, "commit_id": commit,
        "submitted_at": "2026-11-24T11:30:00Z" })
}

fn labelled() -> Value {
    pull_request().labelled("arc-gate", WHO)
}

fn with(path: &str, value: Value) -> Value {
    let mut event = labelled();
    *event.pointer_mut(path).unwrap() = value;
    event
}

/// The forge, and what the label came to, by somebody of this permission.
fn admitted(event: &Value, permission: Value) -> (GitHub, Result<Option<Admitted>>) {
    let mut github = GitHub::new();
    github.answers(&format!("collaborators/{WHO}/permission"), permission);
    github.answers(REVIEWS, json!([review(WHO, "APPROVED", &pull_request().head)]));
    let admitted = admit(event.to_string().as_bytes(), &mut github);
    (github, admitted)
}

fn writer() -> Value {
    json!({ "permission": "write", "role_name": "write" })
}

fn refused(event: &Value, permission: Value, says: &str) {
    let (github, admitted) = admitted(event, permission);
    let error = admitted.unwrap_err().to_string();
    assert!(error.contains(says), "{says}: {error}");
    // It has been read: what is pushed later does not find it there.
    let methods: Vec<String> = github.sent().into_iter().map(|sent| sent.method).collect();
    assert_eq!(methods, ["DELETE"], "{says}");
}

#[test]
fn a_label_is_a_word_of_who_may_write_and_of_nobody_else() {
    for role in ["admin", "maintain", "write"] {
        let (github, reported) = admitted(&labelled(), json!({ "permission": role, "role_name": role }));
        assert_eq!(reported.unwrap().unwrap().by, WHO, "{role}");
        assert_eq!(github.sent().len(), 2, "{role}");
    }
    for (permission, role) in
        [("read", "triage"), ("read", "read"), ("none", "none"), ("", ""), ("Write", "x")]
    {
        let permission = json!({ "permission": permission, "role_name": role });
        refused(&labelled(), permission, "who may not write");
    }
    refused(&labelled(), json!({ "message": "Not Found" }), "the permission cannot be read");
    refused(&labelled(), json!("<html>"), "the permission cannot be read");
    for bot in ["a-bot[bot]", "../../x", ""] {
        refused(&with("/sender/login", json!(bot)), writer(), "whose word it cannot be");
    }
}

#[test]
fn a_label_is_a_word_for_the_commit_alone_that_was_reviewed() {
    let head = pull_request().head;
    let admits = |reviews: Value| {
        let mut github = GitHub::new();
        github.answers(&format!("collaborators/{WHO}/permission"), writer());
        github.answers(REVIEWS, reviews);
        let reported = admit(labelled().to_string().as_bytes(), &mut github);
        let dispatched = github.sent().iter().any(|sent| sent.path.ends_with("/dispatches"));
        assert_eq!(reported.is_ok(), dispatched);
        reported.map(|_| ()).map_err(|error| error.to_string())
    };
    let before = "0".repeat(40);
    for reviews in [
        json!([]),
        json!([review(WHO, "APPROVED", &before)]),
        json!([review("somebody-else", "APPROVED", &head)]),
        json!([review(WHO, "CHANGES_REQUESTED", &head)]),
        json!([review(WHO, "DISMISSED", &head), review(WHO, "PENDING", &head)]),
        json!([{ "user": null, "state": "APPROVED", "commit_id": head }]),
        json!([{ "user": { "login": WHO }, "state": "APPROVED", "commit_id": null }]),
    ] {
        let error = admits(reviews.clone()).unwrap_err();
        assert!(error.contains("has no review of"), "{reviews}: {error}");
    }
    for unread in [json!({ "message": "Not Found" }), json!("<html>")] {
        assert!(admits(unread).unwrap_err().contains("the reviews cannot be read"));
    }
    admits(json!([review(WHO, "APPROVED", &before), review(WHO, "COMMENTED", &head)])).unwrap();
}

#[test]
fn a_label_on_what_is_not_gated_is_no_word() {
    for (at, value) in
        [("/pull_request/state", json!("closed")), ("/pull_request/base/ref", json!("release"))]
    {
        refused(&with(at, value), writer(), "is not open, or goes into another branch");
    }
    for (at, value) in [("/action", json!("unlabeled")), ("/label/name", json!("arc-gate-please"))] {
        let (github, admitted) = admitted(&with(at, value), writer());
        assert_eq!(admitted.unwrap(), None, "{at}");
        assert!(github.sent().is_empty(), "{at}: {:?}", github.sent());
    }
    let (github, none) = admitted(&with("/pull_request/head/sha", json!("HEAD")), writer());
    assert!(none.is_err());
    assert!(github.sent().is_empty());
}

#[test]
fn a_label_that_stays_is_told_though_the_gate_was_dispatched() {
    let mut github = Stuck(GitHub::new());
    github.0.answers(&format!("collaborators/{WHO}/permission"), writer());
    github.0.answers(REVIEWS, json!([review(WHO, "COMMENTED", &pull_request().head)]));
    let reported = admit(labelled().to_string().as_bytes(), &mut github);
    assert!(reported.unwrap_err().to_string().contains("cannot be taken off"));
    let sent: Vec<String> = github.0.sent().into_iter().map(|sent| sent.path).collect();
    assert!(sent.iter().any(|path| path.ends_with("/dispatches")), "{sent:?}");
}

/// A forge from which no label can be taken.
struct Stuck(GitHub);

impl arcgauge::gate::ci::Forge for Stuck {
    fn get(&mut self, path: &str, largest_bytes: u64) -> Result<Vec<u8>> {
        self.0.get(path, largest_bytes)
    }

    fn send(&mut self, method: arcgauge::gate::ci::Method, path: &str, body: &Value) -> Result<()> {
        if method == arcgauge::gate::ci::Method::Delete {
            return Err(arcgauge::error::Error::harness("the label cannot be taken off"));
        }
        self.0.send(method, path, body)
    }
}
