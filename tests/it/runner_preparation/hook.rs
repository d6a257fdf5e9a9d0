//! Which job may run on the machine: every event, and the word it gets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use super::Machine;
use super::job::{Job, LIBRARY, admit};
use crate::ended::Ended;

/// A case's name, the job, and a part of the word that it gets.
type Case = (&'static str, Job, &'static str);

/// Text that wants to be run, or to be taken for a runner's command.
const HOSTILE: &str = "$(touch x)`touch y`\n::error::z";

fn input(name: &str, value: Value) -> Job {
    Job::dispatch().with(&format!("/inputs/{name}"), value)
}

#[track_caller]
fn get_their_words<const N: usize>(cases: [Case; N]) {
    let machine = Machine::ready();
    for (case, job, word) in cases {
        let reported = job.word(&machine);
        assert!(reported.stdout.contains(word), "{case}: {word}\n{reported}");
        let admitted = word.starts_with("admitted: ");
        reported.exits(i32::from(!admitted));
        assert!(admitted || reported.stdout.starts_with("refused: "), "{case}\n{reported}");
        assert_eq!(reported.stdout.lines().count(), 1, "{case}: no text of others\n{reported}");
        assert!(!reported.stdout.contains("touch") && !reported.stdout.contains("::"), "{case}\n{reported}");
    }
    for name in ["x", "y"] {
        assert!(!machine.at(name).exists(), "text was run");
    }
}

#[test]
fn what_was_not_requested_on_main_is_refused() {
    let on = |workflow_ref| Job { workflow_ref, ..Job::dispatch() };
    get_their_words([
        ("a dispatch on main", Job::dispatch(), "admitted: gate of pull request 7 at 0123"),
        ("a dispatch on another branch", on("refs/heads/x"), "not the one of main"),
        (
            "a job on another branch",
            Job { git_ref: "refs/heads/x", ..Job::dispatch() },
            "the job is not on main",
        ),
        ("a tag named like it", on("refs/tags/refs/heads/main"), "not the one of main"),
        ("a dispatch for no full sha", input("head", json!("0123")), "`head` is no full sha"),
        ("a dispatch for no number", input("pull_request", json!("7;")), "is no number"),
        (
            "a dispatch with a typed number",
            input("pull_request", json!(7)),
            "admitted: gate of pull request 7",
        ),
        ("a dispatch with a list", input("pull_request", json!([7])), "is no number"),
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
        (
            "another repository",
            Job { repository: "owner/other", ..Job::dispatch() },
            "job is of another repository",
        ),
        ("a push", Job { event: "push", ..Job::dispatch() }, "for such an event"),
    ]);
}

#[test]
fn a_pull_request_is_admitted_from_the_repository_itself_and_from_those_who_may_write() {
    let own = Job::pull_request;
    let of = |field: &str, value| own().with(&format!("/pull_request/{field}"), value);
    let by = |association| of("author_association", association);
    let fork = json!({ "id": 12, "full_name": "somebody/arcgauge" });
    get_their_words([
        ("a member's own branch", own(), "admitted: gate of pull request 7 at 0123"),
        ("an owner's", by(json!("OWNER")), "admitted: gate"),
        ("a collaborator's", by(json!("COLLABORATOR")), "admitted: gate"),
        ("a contributor's", by(json!("CONTRIBUTOR")), "its author is no owner"),
        ("nobody's", by(json!("NONE")), "its author is no owner"),
        ("two authors", by(json!(["OWNER"])), "another type"),
        ("a fork", of("head/repo", fork), "the head is in another repository"),
        ("a fork that was deleted", of("head/repo", Value::Null), "has no `pull_request.head.repo"),
        ("a fork that lies", of("head/repo/id", json!(12)), "of the same name"),
        ("a fork in other letters", of("head/repo/full_name", json!("Owner/arcgauge")), "another repository"),
        ("another base", of("base/ref", json!("release")), "the base is not main"),
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
        ("pull_request_target", Job { event: "pull_request_target", ..own() }, "for such an event"),
        ("no object", Job { payload: json!([1]), ..own() }, "the payload is no object"),
    ]);
}

#[test]
fn hostile_names_are_text_and_are_not_told() {
    get_their_words([
        ("a dispatch for a hostile sha", input("head", json!(HOSTILE)), "`head` is no full sha"),
        (
            "a hostile workflow",
            Job { workflow: "$(touch x).yml", ..Job::pull_request() },
            "only gate.yml and nightly.yml",
        ),
        (
            "a hostile branch",
            Job::pull_request().with("/pull_request/head/ref", json!(HOSTILE)),
            "admitted: gate",
        ),
        ("a hostile ref", Job { git_ref: "refs/heads/$(touch x)", ..Job::dispatch() }, "not on main"),
    ]);
}

#[test]
fn a_payload_that_cannot_be_read_or_says_a_thing_twice_is_refused() {
    let machine = Machine::ready();
    let job = Job::pull_request();
    let lie = job.payload.to_string().replace("\"number\":7", "\"number\":8,\"number\":7");
    let nested = "[".repeat(200_000);
    for (text, word) in [
        (lie.as_str(), "a name twice"),
        ("{", "cannot be read"),
        ("", "cannot be read"),
        (nested.as_str(), "cannot be read"),
    ] {
        let reported = job.report_of(text, &machine, &mut admit(&machine));
        reported.exits(1);
        assert!(
            reported.stdout.starts_with("refused: ") && reported.stdout.contains(word),
            "{word}\n{reported}"
        );
    }
    let reported = Ended::of(admit(&machine).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap());
    reported.exits(1);
    assert_eq!(reported.stdout, "refused: the job is of another repository\n", "a job without a description");
}

/// A runner's worker: the hook, then a step that runs `always()`. Its name is this file's, as a shell by way
/// of `env` would not have it.
fn worker(machine: &Machine) -> Command {
    let hook = machine.at(LIBRARY).join("job-started.sh");
    let text = format!("#!/bin/bash\nbash -e '{}'\necho ran >step\n", hook.display());
    machine.write("Runner.Worker", &text);
    fs::set_permissions(machine.at("Runner.Worker"), fs::Permissions::from_mode(0o755)).unwrap();
    Command::new(machine.at("Runner.Worker"))
}

#[test]
fn no_step_of_a_refused_job_runs_not_even_one_that_always_does() {
    let machine = Machine::ready();
    let refused = Job { event: "push", ..Job::dispatch() }.report(&machine, &mut worker(&machine));
    assert_eq!(refused.code, None, "the worker was not ended\n{refused}");
    assert!(refused.stdout.contains("refused: "), "{refused}");
    assert!(!machine.at("step").exists());

    Job::dispatch().report(&machine, &mut worker(&machine)).exits(0);
    assert_eq!(machine.read("step"), "ran\n");
}
