//! A job, as GitHub's runner passes it to its hook.

use std::process::Command;

use serde_json::{Value, json};

use super::{Machine, SETTINGS};
use crate::ended::Ended;

pub(super) const LIBRARY: &str = "usr/local/lib/arcgauge-runner";
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// What GitHub passes to the hook of a job.
pub(super) struct Job {
    pub(super) event: &'static str,
    pub(super) workflow: &'static str,
    pub(super) workflow_ref: &'static str,
    pub(super) git_ref: &'static str,
    pub(super) repository: &'static str,
    pub(super) payload: Value,
}

impl Job {
    pub(super) fn dispatch() -> Self {
        Self {
            event: "workflow_dispatch",
            workflow: "gate.yml",
            workflow_ref: "refs/heads/main",
            git_ref: "refs/heads/main",
            repository: "owner/arcgauge",
            payload: json!({
                "inputs": { "pull_request": "7", "head": SHA },
                "ref": "refs/heads/main",
                "repository": { "id": 11, "full_name": "owner/arcgauge" },
            }),
        }
    }

    pub(super) fn nightly() -> Self {
        let payload = json!({ "schedule": "17 2 * * *" });
        Self { event: "schedule", workflow: "nightly.yml", payload, ..Self::dispatch() }
    }

    pub(super) fn pull_request() -> Self {
        let repository = json!({ "id": 11, "full_name": "owner/arcgauge" });
        Self {
            event: "pull_request",
            workflow_ref: "refs/pull/7/merge",
            git_ref: "refs/pull/7/merge",
            payload: json!({
                "number": 7,
                "pull_request": {
                    "number": 7,
                    "author_association": "MEMBER",
                    "head": { "ref": "faster", "sha": SHA, "repo": repository },
                    "base": { "ref": "main", "repo": repository },
                },
                "repository": repository,
            }),
            ..Self::dispatch()
        }
    }

    /// The same, with another value at a JSON pointer.
    pub(super) fn with(mut self, pointer: &str, value: Value) -> Self {
        *self.payload.pointer_mut(pointer).unwrap() = value;
        self
    }

    /// As the runner would call the program.
    pub(super) fn report(&self, machine: &Machine, command: &mut Command) -> Ended {
        self.report_of(&self.payload.to_string(), machine, command)
    }

    /// The same, with this text as the payload.
    pub(super) fn report_of(&self, payload: &str, machine: &Machine, command: &mut Command) -> Ended {
        machine.write("event.json", payload);
        let workflow =
            format!("{}/.github/workflows/{}@{}", self.repository, self.workflow, self.workflow_ref);
        command
            .env("GITHUB_EVENT_NAME", self.event)
            .env("GITHUB_WORKFLOW_REF", workflow)
            .env("GITHUB_REF", self.git_ref)
            .env("GITHUB_REPOSITORY", self.repository)
            .env("GITHUB_EVENT_PATH", machine.at("event.json"));
        Ended::of(command.current_dir(machine.root.path()).output().unwrap())
    }

    pub(super) fn word(&self, machine: &Machine) -> Ended {
        self.report(machine, &mut admit(machine))
    }
}

/// The program that knows which job is admitted.
pub(super) fn admit(machine: &Machine) -> Command {
    let mut command = Command::new("python3");
    command.arg("-I").arg(machine.at(LIBRARY).join("admit.py"));
    command.arg("--settings").arg(machine.at(SETTINGS));
    command
}
