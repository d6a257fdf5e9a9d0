//! Pull requests of every kind, each from its event to its status: resolved, measured by scripted workers,
//! judged, left as an artifact, checked as a stranger's, and reported.

mod admitted;
mod forged;
mod forgeries;
mod github;
mod labels;
mod payloads;
mod real;
mod reported;
mod stage;
mod table;

use std::fs;

use serde_json::Value;

use payloads::{PullRequest, RUN};
use stage::{Measured, Stage};
use table::{Row, Way, rows};

/// What a row came to.
struct Outcome {
    /// How `ci resolve` ended.
    resolved: i32,
    /// How `ci verdict` ended; None where it was not reached.
    verdict: Option<i32>,
    /// The statuses of the head.
    statuses: Vec<Value>,
    /// The comments on the pull request.
    comments: Vec<Value>,
}

fn rehearse(row: &Row) -> (Stage, PullRequest, Outcome) {
    let mut stage = Stage::new();
    let pull_request = (row.open)(&stage);
    let current = (row.meanwhile)(&stage, &pull_request);
    let by_word = matches!(row.way, Way::Dispatch | Way::Label);
    if row.way == Way::Label {
        admit(&mut stage, &pull_request);
    }
    let runner = stage.checkout("runner", if by_word { "origin/main" } else { &pull_request.base });
    let (name, event) = if by_word {
        ("workflow_dispatch", pull_request.dispatched())
    } else {
        ("pull_request", pull_request.event("synchronize"))
    };
    let named = ["--event-name", name];
    let resolved = stage.ci(&runner, "resolve", &event, &named);
    let output = stage.beside("verdict");
    let mut verdict = None;
    if row.way != Way::ForkAtOnce && row.way != Way::Skipped {
        if resolved.code == Some(0)
            && let Some(measured) = row.measured
        {
            stage.measure(&runner, &pull_request.head, measured);
        }
        let store = stage.beside("records");
        let flags = [&named[..], &["--output", output.to_str().unwrap(), "--store", store.to_str().unwrap()]]
            .concat();
        verdict = stage.ci(&runner, "verdict", &event, &flags).code;
    }
    let conclusion = match (row.way, verdict) {
        (Way::ForkAtOnce | Way::Skipped, _) => "skipped",
        (_, Some(0)) => "success",
        _ => "failure",
    };
    match verdict {
        Some(_) => stage.github.has_artifact(RUN, "verdict", &Stage::zip(&output)),
        None => stage.github.has_no_artifact(RUN),
    }
    let ended = if by_word {
        pull_request.dispatched_run_ended(conclusion, &stage.main())
    } else {
        pull_request.run_ended(conclusion)
    };
    stage.github.answers(&format!("pulls/{}", pull_request.number), current.now());
    let pulls = Value::from(vec![current.now()]);
    stage.github.answers(&format!("commits/{}/pulls", pull_request.head), pulls);
    let publisher = stage.checkout("publisher", "origin/main");
    stage.ci(&publisher, "publish", &ended, &["--device", "CPU"]).exits(0);
    let outcome = Outcome {
        resolved: resolved.code.unwrap(),
        verdict,
        statuses: stage.github.statuses(&pull_request.head),
        comments: stage.github.comments(),
    };
    (stage, pull_request, outcome)
}

/// A maintainer's label, which becomes a dispatch of that head.
fn admit(stage: &mut Stage, pull_request: &PullRequest) {
    let permission = serde_json::json!({ "permission": "write", "role_name": "maintain" });
    stage.github.answers("collaborators/a-maintainer/permission", permission);
    let reviews = Value::from(vec![labels::review("a-maintainer", "COMMENTED", &pull_request.head)]);
    stage.github.answers("pulls/12/reviews?per_page=100&page=1", reviews);
    let main = stage.checkout("hosted", "origin/main");
    stage.ci(&main, "admit", &pull_request.labelled("arc-gate", "a-maintainer"), &[]).exits(0);
    let sent = stage.github.sent();
    let dispatched = sent.iter().find(|sent| sent.path.ends_with("actions/workflows/gate.yml/dispatches"));
    let body = &dispatched.unwrap().body;
    assert_eq!(body["ref"], "main");
    assert_eq!(body["inputs"], pull_request.dispatched()["inputs"]);
    assert!(sent.iter().any(|sent| sent.method == "DELETE" && sent.path.ends_with("/labels/arc-gate")));
}

#[test]
fn every_kind_of_pull_request_ends_as_the_table_says() {
    for row in rows() {
        let (_, _, outcome) = rehearse(&row);
        let name = row.name;
        assert_eq!(outcome.resolved, row.resolves, "{name}: ci resolve");
        assert_eq!(outcome.verdict, row.verdict, "{name}: ci verdict");
        let [status] = &outcome.statuses[..] else {
            panic!("{name}: {} statuses", outcome.statuses.len());
        };
        let state = if row.is_green { "success" } else { "failure" };
        assert_eq!(status["state"], state, "{name}: {status}");
        assert_eq!(status["context"], "arcgauge/gate", "{name}");
        let description = status["description"].as_str().unwrap();
        assert!(description.starts_with(row.says), "{name}: {description}");
        assert!(description.chars().count() <= 140, "{name}: {description}");
        let comments: Vec<&str> =
            outcome.comments.iter().map(|comment| comment["body"].as_str().unwrap()).collect();
        match row.comments {
            Some(said) => {
                let [comment] = comments[..] else { panic!("{name}: {} comments", comments.len()) };
                assert!(comment.to_lowercase().contains(said), "{name}: {comment}");
            }
            None => assert!(comments.is_empty(), "{name}: {comments:?}"),
        }
    }
}

#[test]
fn a_second_verdict_edits_the_comment_of_the_first_and_nobody_elses() {
    let row = rows().into_iter().find(|row| row.name == "harmless").unwrap();
    let (stage, pull_request, outcome) = rehearse(&row);
    let ours = outcome.comments[0]["body"].as_str().unwrap().to_owned();
    stage.github.has_comment(7, "a-stranger", &ours);
    let runner = stage.beside("runner");
    let later = Stage::record(&runner, &pull_request.head, Measured::Slower(20.0));
    stage
        .records()
        .add(&arcgauge::record::Experiment {
            run_id: "fedcba987654".into(),
            when_utc: "2026-11-25T04:49:20Z".into(),
            ..later
        })
        .unwrap();
    let (output, store) = (stage.beside("later"), stage.beside("records"));
    let flags = ["--event-name", "pull_request", "--output", output.to_str().unwrap()];
    let flags = [&flags[..], &["--store", store.to_str().unwrap()]].concat();
    stage.ci(&runner, "verdict", &pull_request.event("reopened"), &flags).exits(10);
    let zip = stage.beside("later.zip");
    fs::write(&zip, Stage::zip(&output)).unwrap();
    let flags = ["--device", "CPU", "--artifact", zip.to_str().unwrap()];
    stage.ci(&stage.beside("publisher"), "publish", &pull_request.run_ended("failure"), &flags).exits(0);
    let comments = stage.github.comments();
    assert_eq!(comments.len(), 2);
    assert!(comments[0]["body"].as_str().unwrap().contains("regressed"), "{}", comments[0]);
    assert_eq!(comments[1]["body"], Value::from(ours), "a stranger's comment stays as it is");
    let statuses = stage.github.statuses(&pull_request.head);
    let states: Vec<&Value> = statuses.iter().map(|status| &status["state"]).collect();
    assert_eq!(states, ["success", "failure"]);
}

/// Publishes again, with another verdict on the same head.
fn publish_again(stage: &mut Stage, pull_request: &PullRequest, measured: Measured) -> Vec<Value> {
    let record = Stage::record(&stage.beside("runner"), &pull_request.head, measured);
    let folder = stage.beside("again");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("record.json"), arcgauge::record::encode(&record).unwrap()).unwrap();
    fs::copy(stage.beside("verdict/verdict.json"), folder.join("verdict.json")).unwrap();
    stage.github.has_artifact(RUN, "verdict", &Stage::zip(&folder));
    let ended = pull_request.run_ended("success");
    stage.ci(&stage.beside("publisher"), "publish", &ended, &["--device", "CPU"]).exits(0);
    stage.github.statuses(&pull_request.head)
}

#[test]
fn a_loss_that_was_shown_stands_however_often_the_same_head_is_measured() {
    let row = rows().into_iter().find(|row| row.name == "slower").unwrap();
    let (mut stage, pull_request, _) = rehearse(&row);
    let statuses = publish_again(&mut stage, &pull_request, Measured::Slower(0.0));
    let last = statuses.last().unwrap();
    assert_eq!((statuses.len(), &last["state"]), (2, &Value::from("failure")));
    let description = last["description"].as_str().unwrap();
    assert!(description.contains("showed a loss, and that stands: regressed: tpot@1"), "{description}");
}

#[test]
fn a_run_that_measured_nothing_takes_no_verdict_away() {
    let row = rows().into_iter().find(|row| row.name == "a fork's, dispatched").unwrap();
    let (stage, pull_request, outcome) = rehearse(&row);
    for conclusion in ["skipped", "cancelled"] {
        let ended = stage.ci(
            &stage.beside("publisher"),
            "publish",
            &pull_request.run_ended(conclusion),
            &["--device", "CPU"],
        );
        ended.exits(0).says("has a verdict, and this run has none");
    }
    assert_eq!(stage.github.statuses(&pull_request.head), outcome.statuses);
    assert_eq!(stage.github.comments(), outcome.comments);
}
