//! The payloads of events, as GitHub documents them, with what differs from one to the other filled in.

use serde_json::{Value, json};

use super::github::REPOSITORY;

/// The run that a gate was.
pub(crate) const RUN: u64 = 19_500_000_001;
/// Somebody else's copy of the repository.
pub(crate) const FORK: &str = "a-stranger/arcgauge";

/// A pull request as events report it.
#[derive(Debug, Clone)]
pub(crate) struct PullRequest {
    pub(crate) number: u64,
    pub(crate) head: String,
    pub(crate) base: String,
    pub(crate) branch: String,
    pub(crate) title: String,
    pub(crate) is_fork: bool,
    pub(crate) association: &'static str,
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

impl PullRequest {
    /// `pull_request`, as the gate's runner gets it.
    pub(crate) fn event(&self, action: &str) -> Value {
        let mut event = read(include_str!("payloads/pull_request.json"));
        event["action"] = json!(action);
        event["number"] = json!(self.number);
        event["pull_request"] = self.reported(event["pull_request"].take());
        event
    }

    /// `pull_request_target` when a label was put on it.
    pub(crate) fn labelled(&self, label: &str, by: &str) -> Value {
        let mut event = self.event("labeled");
        event["label"] = json!({ "id": 9, "name": label, "color": "ededed", "default": false });
        event["sender"]["login"] = json!(by);
        event
    }

    /// As the forge answers when it is requested the pull request.
    pub(crate) fn now(&self) -> Value {
        self.reported(read(include_str!("payloads/pull_request.json"))["pull_request"].take())
    }

    /// `workflow_dispatch`, on main, for its head.
    pub(crate) fn dispatched(&self) -> Value {
        let mut event = read(include_str!("payloads/workflow_dispatch.json"));
        event["inputs"] = json!({ "pull_request": self.number.to_string(), "head": self.head });
        event
    }

    /// `workflow_run` of the gate that its own event began.
    pub(crate) fn run_ended(&self, conclusion: &str) -> Value {
        let mut event = read(include_str!("payloads/workflow_run.json"));
        let run = &mut event["workflow_run"];
        run["conclusion"] = json!(conclusion);
        run["head_sha"] = json!(self.head);
        run["head_branch"] = json!(self.branch);
        run["display_title"] = json!(self.title);
        run["head_commit"]["id"] = json!(self.head);
        if self.is_fork {
            run["head_repository"]["full_name"] = json!(FORK);
            run["head_repository"]["fork"] = json!(true);
        } else {
            let base = json!({ "ref": "main", "sha": self.base });
            let head = json!({ "ref": self.branch, "sha": self.head });
            run["pull_requests"] = json!([{ "id": 1, "number": self.number, "head": head, "base": base }]);
        }
        event
    }

    /// `workflow_run` of the gate that was dispatched for its head.
    pub(crate) fn dispatched_run_ended(&self, conclusion: &str, main: &str) -> Value {
        let mut event = read(include_str!("payloads/workflow_run.json"));
        let run = &mut event["workflow_run"];
        run["event"] = json!("workflow_dispatch");
        run["conclusion"] = json!(conclusion);
        run["head_sha"] = json!(main);
        run["head_branch"] = json!("main");
        run["display_title"] = json!(format!("gate #{} at {}", self.number, self.head));
        event
    }

    fn reported(&self, mut wire: Value) -> Value {
        wire["number"] = json!(self.number);
        wire["title"] = json!(self.title);
        wire["author_association"] = json!(self.association);
        wire["head"]["sha"] = json!(self.head);
        wire["head"]["ref"] = json!(self.branch);
        wire["head"]["label"] = json!(format!("somebody:{}", self.branch));
        let from = if self.is_fork { FORK } else { REPOSITORY };
        wire["head"]["repo"]["full_name"] = json!(from);
        wire["head"]["repo"]["fork"] = json!(self.is_fork);
        wire["base"]["sha"] = json!(self.base);
        wire
    }
}
