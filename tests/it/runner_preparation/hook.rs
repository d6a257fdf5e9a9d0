//! Which job may run on the machine: every event, and the word it gets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use super::Machine;
use crate::ended::Ended;

const LIBRARY: &str = "usr/local/lib/arcgauge-runner";
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// What GitHub tells the hook of a job.
struct Job {
    event: &'static str,
    workflow: &'static str,
    workflow_ref: &'static str,
    git_ref: &'static str,
    repository: &'static str,
    payload: Value,
}

impl Job {
    fn dispatch() -> Self {
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

    fn nightly() -> Self {
        let payload = json!({ "schedule": "17 2 * * *" });
        Self { event: "schedule", workflow: "nightly.yml", payload, ..Self::dispatch() }
    }

    fn pull_request() -> Self {
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
    fn with(mut self, pointer: &str, value: Value) -> Self {
        *self.payload.pointer_mut(pointer).unwrap() = value;
        self
    }

    /// As the runner would call the program.
    fn tell(&self, machine: &Machine, command: &mut Command) -> Ended {
        machine.write("event.json", &self.payload.to_string());
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

    fn word(&self, machine: &Machine) -> Ended {
        let mut command = Command::new("python3");
        command.arg("-I").arg(machine.at(LIBRARY).join("admit.py"));
        command.arg("--settings").arg(machine.at(super::SETTINGS));
        self.tell(machine, &mut command)
    }
}

#[test]
fn every_job_gets_its_word() {
    let fork = json!({ "id": 12, "full_name": "somebody/arcgauge" });
    let own = || Job::pull_request();
    let hostile = "$(touch x)`touch y`\n::error::z";
    let table = [
        ("a dispatch on main", Job::dispatch(), "admitted: gate of pull request 7 at 0123"),
        (
            "a dispatch on another branch",
            Job { workflow_ref: "refs/heads/x", ..Job::dispatch() },
            "not the one of main",
        ),
        (
            "a job on another branch",
            Job { git_ref: "refs/heads/x", ..Job::dispatch() },
            "the job is not on main",
        ),
        (
            "a tag named like it",
            Job { workflow_ref: "refs/tags/refs/heads/main", ..Job::dispatch() },
            "not the one of main",
        ),
        (
            "a dispatch for no full sha",
            Job::dispatch().with("/inputs/head", json!("0123")),
            "`head` is no full sha",
        ),
        (
            "a dispatch for a hostile sha",
            Job::dispatch().with("/inputs/head", json!(hostile)),
            "`head` is no full sha",
        ),
        (
            "a dispatch for no number",
            Job::dispatch().with("/inputs/pull_request", json!("7;")),
            "is no number",
        ),
        (
            "a dispatch with a typed number",
            Job::dispatch().with("/inputs/pull_request", json!(7)),
            "admitted: gate of pull request 7",
        ),
        ("a dispatch with a list", Job::dispatch().with("/inputs/pull_request", json!([7])), "is no number"),
        ("a dispatch without inputs", Job::dispatch().with("/inputs", Value::Null), "has no `inputs.head`"),
        ("the schedule", Job::nightly(), "admitted: nightly, by schedule on main"),
        (
            "the schedule of a branch",
            Job { workflow_ref: "refs/heads/x", ..Job::nightly() },
            "not the one of main",
        ),
        ("the schedule of the gate", Job { workflow: "gate.yml", ..Job::nightly() }, "for such an event"),
        (
            "a dispatch of nightly",
            Job { workflow: "nightly.yml", ..Job::dispatch() },
            "admitted: nightly, by dispatch",
        ),
        ("a member's own branch", own(), "admitted: gate of pull request 7 at 0123"),
        ("an owner's", own().with("/pull_request/author_association", json!("OWNER")), "admitted: gate"),
        (
            "a collaborator's",
            own().with("/pull_request/author_association", json!("COLLABORATOR")),
            "admitted: gate",
        ),
        (
            "a contributor's",
            own().with("/pull_request/author_association", json!("CONTRIBUTOR")),
            "its author is no owner",
        ),
        ("nobody's", own().with("/pull_request/author_association", json!("NONE")), "its author is no owner"),
        ("two authors", own().with("/pull_request/author_association", json!(["OWNER"])), "another type"),
        ("a fork", own().with("/pull_request/head/repo", fork.clone()), "the head is in another repository"),
        (
            "a fork that was deleted",
            own().with("/pull_request/head/repo", Value::Null),
            "has no `pull_request.head.repo",
        ),
        ("a fork that lies", own().with("/pull_request/head/repo/id", json!(12)), "of the same name"),
        (
            "a fork in other letters",
            own().with("/pull_request/head/repo/full_name", json!("Owner/arcgauge")),
            "another repository",
        ),
        ("another base", own().with("/pull_request/base/ref", json!("release")), "the base is not main"),
        ("two numbers", own().with("/number", json!(8)), "names two pull requests"),
        ("a number that is true", own().with("/number", json!(true)), "another type"),
        ("the head's own definition", Job { workflow_ref: "refs/heads/x", ..own() }, "another pull request"),
        (
            "another pull request's",
            Job { workflow_ref: "refs/pull/8/merge", ..own() },
            "another pull request",
        ),
        ("nightly on a pull request", Job { workflow: "nightly.yml", ..own() }, "only gate.yml"),
        ("another workflow", Job { workflow: "evil.yml", ..own() }, "only gate.yml and nightly.yml"),
        (
            "a workflow named like it",
            Job { workflow: "../workflows/gate.yml", ..own() },
            "only gate.yml and nightly.yml",
        ),
        ("a hostile workflow", Job { workflow: "$(touch x).yml", ..own() }, "only gate.yml and nightly.yml"),
        ("a hostile ref", Job { git_ref: "refs/heads/$(touch x)", ..Job::dispatch() }, "not on main"),
        ("a hostile branch", own().with("/pull_request/head/ref", json!(hostile)), "admitted: gate"),
        (
            "another repository",
            Job { repository: "owner/other", ..Job::dispatch() },
            "job is of another repository",
        ),
        ("pull_request_target", Job { event: "pull_request_target", ..own() }, "for such an event"),
        ("a push", Job { event: "push", ..Job::dispatch() }, "for such an event"),
        ("no object", Job { payload: json!([1]), ..own() }, "the payload is no object"),
    ];
    let machine = Machine::ready();
    for (case, job, word) in table {
        let told = job.word(&machine);
        assert!(told.stdout.contains(word), "{case}: {word}\n{told}");
        let admitted = word.starts_with("admitted: ");
        told.exits(if admitted { 0 } else { 1 });
        assert!(admitted || told.stdout.starts_with("refused: "), "{case}\n{told}");
        assert_eq!(told.stdout.lines().count(), 1, "{case}: no text of others\n{told}");
        assert!(!told.stdout.contains("touch") && !told.stdout.contains("::"), "{case}\n{told}");
    }
    for name in ["x", "y"] {
        assert!(!machine.at(name).exists(), "text was run");
    }
}

#[test]
fn a_payload_that_cannot_be_read_or_says_a_thing_twice_is_refused() {
    let machine = Machine::ready();
    let job = Job::pull_request();
    let lie = job.payload.to_string().replace("\"number\":7", "\"number\":8,\"number\":7");
    for (text, word) in [
        (lie.as_str(), "a name twice"),
        ("{", "cannot be read"),
        ("", "cannot be read"),
        (&"[".repeat(200_000), "cannot be read"),
    ] {
        machine.write("event.json", text);
        let mut command = Command::new("python3");
        command.arg("-I").arg(machine.at(LIBRARY).join("admit.py"));
        command.arg("--settings").arg(machine.at(super::SETTINGS));
        command
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_WORKFLOW_REF", "owner/arcgauge/.github/workflows/gate.yml@refs/pull/7/merge")
            .env("GITHUB_REF", "refs/pull/7/merge")
            .env("GITHUB_REPOSITORY", "owner/arcgauge")
            .env("GITHUB_EVENT_PATH", machine.at("event.json"));
        let told = Ended::of(command.output().unwrap());
        told.exits(1);
        assert!(told.stdout.starts_with("refused: ") && told.stdout.contains(word), "{word}\n{told}");
    }
    fs::remove_file(machine.at("event.json")).unwrap();
    fs::create_dir(machine.at("event.json")).unwrap();
    let mut nothing = Command::new("python3");
    nothing.arg("-I").arg(machine.at(LIBRARY).join("admit.py"));
    nothing.arg("--settings").arg(machine.at(super::SETTINGS)).env_clear();
    Ended::of(nothing.env("PATH", "/usr/bin:/bin").output().unwrap()).exits(1);
}

/// A runner's worker: the hook, then a step that runs `always()`.
fn worker(machine: &Machine) -> Command {
    let hook = machine.at(LIBRARY).join("job-started.sh");
    let text = format!("#!/usr/bin/env bash\nbash -e '{}'\necho ran >step\n", hook.display());
    machine.write("Runner.Worker", &text);
    fs::set_permissions(machine.at("Runner.Worker"), fs::Permissions::from_mode(0o755)).unwrap();
    Command::new(machine.at("Runner.Worker"))
}

#[test]
fn no_step_of_a_refused_job_runs_not_even_one_that_always_does() {
    let machine = Machine::ready();
    let refused = Job { event: "push", ..Job::dispatch() }.tell(&machine, &mut worker(&machine));
    assert_eq!(refused.code, None, "the worker was not ended\n{refused}");
    assert!(refused.stdout.contains("refused: "), "{refused}");
    assert!(!machine.at("step").exists());

    Job::dispatch().tell(&machine, &mut worker(&machine)).exits(0);
    assert_eq!(machine.read("step"), "ran\n");
}
