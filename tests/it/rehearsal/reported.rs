//! What the forge answers when a verdict is reported, with one thing otherwise.

use std::collections::BTreeMap;

use arcgauge::error::{Error, Result};
use arcgauge::gate::ci::{Forge, Method, Published};
use serde_json::{Value, json};

use super::forged::Scene;
use super::github::REPOSITORY;
use super::payloads::RUN;
use super::stage::publish_in;

/// An honest verdict, and a forge that answers some things in its own way.
struct Reporting {
    scene: Scene,
    zip: Vec<u8>,
    answers: BTreeMap<String, Value>,
    commented: Vec<String>,
}

impl Reporting {
    fn new() -> Self {
        let mut scene = Scene::new();
        let zip = scene.with(|_| {});
        scene.stage.github.has_artifact(RUN, "verdict", &zip);
        scene.stage.github.answers("pulls/12", scene.pull_request.now());
        Self { scene, zip, answers: BTreeMap::new(), commented: Vec::new() }
    }

    fn answers(&mut self, path: &str, answer: Value) {
        self.answers.insert(format!("repos/{REPOSITORY}/{path}"), answer);
    }

    fn artifacts(&mut self, artifacts: &Value) {
        let path = format!("actions/runs/{RUN}/artifacts?per_page=100");
        self.answers(&path, json!({ "artifacts": artifacts }));
    }

    fn earlier(&mut self, statuses: Value) {
        let path = format!("commits/{}/statuses?per_page=100", self.scene.pull_request.head);
        self.answers(&path, statuses);
    }

    fn publish(&mut self) -> Published {
        let publisher = self.scene.stage.checkout("publisher", "origin/main");
        let run = self.scene.pull_request.run_ended("success");
        publish_in(&publisher, &run, self).unwrap()
    }

    fn says(&mut self, says: &str, name: &str) {
        let description = self.publish().status.unwrap().description;
        assert!(description.starts_with(says), "{name}: {description}");
    }
}

impl Forge for Reporting {
    fn get(&mut self, path: &str, largest_bytes: u64) -> Result<Vec<u8>> {
        if path.ends_with("artifacts/55/zip") {
            return Ok(self.zip.clone());
        }
        match self.answers.get(path) {
            Some(Value::Null) => Err(Error::harness("gh: Not Found (HTTP 404)")),
            Some(answer) => Ok(answer.to_string().into_bytes()),
            None => self.scene.stage.github.get(path, largest_bytes),
        }
    }

    fn send(&mut self, _: Method, path: &str, _: &Value) -> Result<()> {
        self.commented.extend(path.contains("comments").then(|| path.to_owned()));
        Ok(())
    }
}

fn artifact(id: u64, name: &str, size_in_bytes: u64) -> Value {
    json!({ "id": id, "name": name, "size_in_bytes": size_in_bytes, "created_at": "2026-11-24T12:39:00Z" })
}

#[test]
fn the_newest_artifact_of_the_right_name_and_size_counts_and_no_other() {
    let mut reporting = Reporting::new();
    reporting.artifacts(&json!([
        artifact(54, "verdict", 9),
        artifact(55, "verdict", 9),
        artifact(56, "other", 9)
    ]));
    reporting.says("pass", "two of one name");
    for (name, artifacts, says) in [
        ("another name", json!([artifact(55, "Verdict", 9)]), "no verdict: the run left no artifact"),
        ("none", json!([]), "no verdict: the run left no artifact"),
        (
            "too large",
            json!([artifact(55, "verdict", 40 << 20)]),
            "no verdict: the artifact is refused: it has",
        ),
        ("no list", Value::from("<html>"), "no verdict: the run's artifacts cannot be read"),
        (
            "no size",
            json!([{ "id": 55, "name": "verdict" }]),
            "no verdict: the run's artifacts cannot be read",
        ),
    ] {
        reporting.artifacts(&artifacts);
        reporting.says(says, name);
    }
}

#[test]
fn a_loss_of_any_kind_stands_if_it_is_our_own_word() {
    let mut reporting = Reporting::new();
    let status = |context: &str, by: &str, description: &str| json!([{ "context": context, "creator": { "login": by }, "description": description }]);
    let ours = "github-actions[bot]";
    for loss in ["wrong-output: `a` at token 3", "regressed: tpot@1", "mixed: peak_rss@1"] {
        reporting.earlier(status("arcgauge/gate", ours, loss));
        reporting.says("no verdict: an earlier run of this commit showed a loss", loss);
    }
    for (context, by, description) in [
        ("arcgauge/gate", "a-stranger", "regressed: tpot@1"),
        ("another/gate", ours, "regressed: tpot@1"),
        ("arcgauge/gate", ours, "inconclusive"),
    ] {
        reporting.earlier(status(context, by, description));
        reporting.says("pass", description);
    }
    for unknown in [Value::Null, json!({ "message": "Server Error" }), Value::from("<html>")] {
        reporting.earlier(unknown.clone());
        reporting.says("no verdict: ", &unknown.to_string());
    }
}

#[test]
fn only_an_open_pull_request_that_still_has_the_head_is_written_to() {
    let mut reporting = Reporting::new();
    assert_eq!(reporting.publish().commented, Some(12));
    for (key, value) in [("/state", json!("closed")), ("/head/sha", json!("3".repeat(40)))] {
        let mut now = reporting.scene.pull_request.now();
        *now.pointer_mut(key).unwrap() = value;
        reporting.answers("pulls/12", now);
        let before = reporting.commented.len();
        let published = reporting.publish();
        assert_eq!((published.commented, reporting.commented.len()), (None, before), "{key}");
        assert!(published.status.is_some(), "{key}: its status is reported all the same");
    }
    reporting.answers("pulls/12", Value::Null);
    reporting.says("no verdict: no pull request of this head is known", "a forge that does not say");
}

#[test]
fn the_comment_that_is_edited_is_ours_and_has_our_mark() {
    let mut reporting = Reporting::new();
    let mark = "<!-- arcgauge: the gate's verdict -->\nx";
    let comment = |id: u64, by: &str, body: &str| json!({ "id": id, "user": { "login": by }, "body": body });
    let ours = "github-actions[bot]";
    let others =
        [comment(7, "a-stranger", mark), comment(8, ours, "of another workflow"), json!({ "id": 9 })];
    let listing = "issues/12/comments?per_page=100&page=1";
    reporting.answers(listing, json!(others));
    reporting.publish();
    reporting.answers(listing, json!([&others[..], &[comment(10, ours, mark)]].concat()));
    reporting.publish();
    let paths = ["issues/12/comments", "issues/comments/10"].map(|path| format!("repos/{REPOSITORY}/{path}"));
    assert_eq!(reporting.commented, paths);
}
