//! Artifacts that lie: none leads to a green status, and none makes markup in the comment.

use std::fs;

use arcgauge::engine::openvino::DeviceFacts;
use arcgauge::error::ErrorKind;
use arcgauge::measure::Role;
use arcgauge::measure::protocol::InferSpan;
use arcgauge::record::{
    ArchivedFile, Arm, DeviceEvidence, Experiment, Outcome, PlanKind, ProvenDevice, StopReason, Verdict,
    WorkloadRecord, archive, sha256_of_bytes,
};
use pulldown_cmark::{Event, Parser, Tag};
use serde_json::{Value, json};

use crate::altered::alterations;
use crate::forged_pairs::watched;

use super::forgeries::{Altered, artifacts, records};
use super::payloads::{PullRequest, RUN};
use super::stage::{Measured, Stage, publish_in};

pub(super) const HOSTILE: &str =
    "<img src=x onerror=alert(1)> [x](http://evil) ![y](http://evil/y) @everyone #1 ``` \n# x\n::error::x";

/// A head that was measured well, and everything an attacker has of it.
pub(super) struct Scene {
    pub(super) stage: Stage,
    pub(super) pull_request: PullRequest,
    pub(super) record: Experiment,
    pub(super) verdict: Value,
    /// The branch that the pull request goes into.
    into: &'static str,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::of("src/decode.rs", Measured::Slower(0.0))
    }

    fn of(changed: &str, measured: Measured) -> Self {
        let stage = Stage::new();
        let pull_request = stage.open("topic", |author| author.write(changed, "{}\n"));
        let runner = stage.checkout("runner", &pull_request.base);
        stage.measure(&runner, &pull_request.head, measured);
        let record = Stage::record(&runner, &pull_request.head, measured);
        let output = stage.beside("verdict");
        let store = stage.beside("records");
        let flags = ["--event-name", "pull_request", "--output", output.to_str().unwrap()];
        let flags = [&flags[..], &["--store", store.to_str().unwrap()]].concat();
        stage.ci(&runner, "verdict", &pull_request.event("opened"), &flags);
        let verdict = serde_json::from_slice(&fs::read(output.join("verdict.json")).unwrap()).unwrap();
        Self { stage, pull_request, record, verdict, into: "main" }
    }

    /// What the publisher makes of an artifact.
    fn publish(&mut self, zip: &[u8]) -> Reported {
        self.publish_of(zip, &self.pull_request.run_ended("success"))
    }

    fn publish_of(&mut self, zip: &[u8], run: &Value) -> Reported {
        let before = self.stage.github.statuses(&self.pull_request.head).len();
        self.stage.github.has_artifact(RUN, "verdict", zip);
        let mut known = self.pull_request.now();
        known["base"]["ref"] = json!(self.into);
        self.stage.github.answers("pulls/12", known);
        let publisher = self.stage.checkout("publisher", "origin/main");
        let ended = publish_in(&publisher, run, &mut self.stage.github);
        let statuses = self.stage.github.statuses(&self.pull_request.head);
        Reported {
            failed: ended.err().map(|error| error.kind()),
            status: statuses.get(before).cloned().unwrap_or_default(),
            comment: self.stage.github.comments().last().map(|it| it["body"].as_str().unwrap().to_owned()),
        }
    }

    /// Publishes an artifact, which is red, and of which the status says this.
    fn refused(&mut self, zip: &[u8], says: &str, name: &str) -> Reported {
        self.refused_of(zip, &self.pull_request.run_ended("success"), says, name)
    }

    fn refused_of(&mut self, zip: &[u8], run: &Value, says: &str, name: &str) -> Reported {
        let reported = self.publish_of(zip, run);
        assert_eq!(reported.failed, None, "{name}");
        assert_eq!(reported.status["state"], "failure", "{name}: {}", reported.status);
        let description = reported.status["description"].as_str().unwrap();
        assert!(description.contains(says), "{name}: {description}");
        reported
    }

    /// The honest words, with this put in.
    pub(super) fn words(&self, key: &str, value: Value) -> Vec<u8> {
        let mut verdict = self.verdict.clone();
        verdict[key] = value;
        zipped(&[("verdict.json", verdict.to_string().as_bytes()), ("record.json", &encoded(&self.record))])
    }

    /// The honest words, with another record.
    pub(super) fn with(&self, forge: impl FnOnce(&mut Experiment)) -> Vec<u8> {
        let mut record = self.record.clone();
        forge(&mut record);
        self.with_bytes(&encoded(&record))
    }

    pub(super) fn with_bytes(&self, record: &[u8]) -> Vec<u8> {
        zipped(&[("verdict.json", self.verdict.to_string().as_bytes()), ("record.json", record)])
    }
}

struct Reported {
    failed: Option<ErrorKind>,
    status: Value,
    comment: Option<String>,
}

pub(super) fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let files =
        files.iter().map(|(name, bytes)| ArchivedFile { name: (*name).to_owned(), bytes: bytes.to_vec() });
    archive(&files.collect::<Vec<_>>()).unwrap()
}

/// A record in its form, with the hash that fits, whatever it says.
pub(super) fn encoded(record: &Experiment) -> Vec<u8> {
    let payload = serde_json::to_vec(record).unwrap();
    let header = json!({ "arcgauge": "experiment", "schema": { "major": 3, "minor": 0 },
        "payload_sha256": sha256_of_bytes(&payload) });
    [header.to_string().as_bytes(), b"\n", &payload].concat()
}

#[test]
fn no_artifact_that_lies_is_green_and_none_makes_markup() {
    let mut scene = Scene::new();
    let of_records = records().into_iter().map(|(name, says, forge)| (name, scene.with(forge), says));
    let artifacts = artifacts().into_iter().map(|(name, forge, says)| (name, forge(&scene), says));
    for (name, zip, says) in artifacts.chain(of_records).collect::<Vec<_>>() {
        let reported = scene.refused(&zip, says, name);
        no_markup(&reported.comment.unwrap(), name);
    }
    let honest = scene.with(|_| {});
    assert_eq!(scene.publish(&honest).status["state"], "success", "the same, unforged");
}

#[test]
fn no_record_with_one_altered_field_is_green_at_the_publisher() {
    let mut published = 0;
    for (measured, step) in
        [(Measured::Slower(100.0), 197), (Measured::WrongOutput, 97), (Measured::Identical, 17)]
    {
        let mut scene = Scene::of("src/decode.rs", measured);
        let record = serde_json::to_value(&scene.record).unwrap();
        for alteration in alterations(&record).iter().step_by(step) {
            let zip = scene.with_bytes(&alteration.of(&record));
            scene.refused(&zip, "", &format!("{alteration:?}"));
            published += 1;
        }
    }
    assert!(published >= 100, "{published}");
}

/// Several fields of a head that is twice as slow altered together, so that they agree as far as a liar sees.
#[test]
fn no_record_of_a_slow_head_whose_fields_were_altered_together_is_green() {
    let mut scene = Scene::of("src/decode.rs", Measured::Slower(100.0));
    for (name, says, forge) in together() {
        let zip = scene.with(forge);
        scene.refused(&zip, says, name);
    }
    let (record, good) = (encoded(&scene.record), encoded(&Scene::new().record));
    let verdict = scene.verdict.to_string();
    for (first, second) in [(&record, &good), (&good, &record)] {
        // No writer makes an archive with one name twice.
        let files = [("verdict.json", verdict.as_bytes()), ("record.json", first), ("record.jsoN", second)];
        let twice = replaced(zipped(&files), b"record.jsoN", b"record.json");
        scene.refused(&twice, "", "a name twice");
    }
}

fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[expect(clippy::too_many_lines, reason = "a table: one entry a forgery")]
fn together() -> Vec<Altered> {
    fn faster(arm: &mut Arm) {
        for times in arm.samples.iter_mut().filter_map(|sample| sample.times.as_mut()) {
            let start = times.submitted_ns;
            times.token_ns.iter_mut().for_each(|ns| *ns = start + (*ns - start) / 3);
            times.infer_ns.iter_mut().for_each(|ns| *ns /= 3);
        }
    }
    vec![
        ("guards that trip in the slow rounds, most of them", "inconclusive", |it| {
            let last = it.arms[1].processes.len() - 1;
            for process in it.arms[1].processes.iter_mut().take(last) {
                watched(process, 12, true);
            }
        }),
        ("a property that was to differ, which makes it faster", "inconclusive", |it| {
            let runtime = it.arms[1].runtime.as_mut().unwrap();
            runtime.properties_effective.insert("KV_CACHE_PRECISION".into(), "u8".into());
            it.arms[1].differences = vec!["KV_CACHE_PRECISION=u8".into()];
            faster(&mut it.arms[1]);
        }),
        ("an emulated device, whose proof nobody checks", "its base was to run on `GPU`", |it| {
            for arm in &mut it.arms {
                arm.device = crate::forged::an_emulated_arc();
            }
            faster(&mut it.arms[1]);
        }),
        ("a processor that says it is emulated, whose proof nobody checks", "invalid environment", |it| {
            for arm in &mut it.arms {
                let facts =
                    DeviceFacts { emulated_reason: Some("it says so".into()), ..DeviceFacts::default() };
                let evidence = DeviceEvidence {
                    target: "CPU",
                    execution_devices: vec!["CPU"],
                    facts,
                    gpu_counters_grew: None,
                    processor_ns: Some(290_000_000),
                    generation_ns: 294_000_000,
                };
                arm.device.ran = Some(ProvenDevice::establish(evidence).unwrap());
            }
            faster(&mut it.arms[1]);
        }),
        ("a third arm that is fast and has the head's name", "has 3 arms", |it| {
            let mut fast = it.arms[0].clone();
            (fast.label, fast.commit) = (it.arms[1].label.clone(), it.arms[1].commit.clone());
            it.arms.push(fast);
        }),
        ("a fast arm of the head's name before the head", "has 3 arms", |it| {
            let mut fast = it.arms[0].clone();
            (fast.label, fast.commit) = (it.arms[1].label.clone(), it.arms[1].commit.clone());
            it.arms.insert(1, fast);
        }),
        ("engines side by side with the decision of an A/B", "it is of `peers`", |it| {
            it.plan = PlanKind::Peers;
        }),
        ("one prompt of three, on both sides", "its workload is 1 prompts", |it| {
            for arm in &mut it.arms {
                let prompts = vec![arm.workload.prompts[0].clone()];
                arm.samples.retain(|sample| sample.prompt_id == prompts[0].id);
                arm.prompts.truncate(1);
                arm.processes
                    .iter_mut()
                    .for_each(|process| process.prompt_order = vec![prompts[0].id.clone()]);
                arm.workload =
                    WorkloadRecord::new(prompts, arm.workload.runs, arm.workload.new_tokens).unwrap();
            }
            faster(&mut it.arms[1]);
        }),
        (
            "fewer tokens than the base asks for, on both sides",
            "its workload is 3 prompts of 3 tokens",
            |it| {
                for arm in &mut it.arms {
                    let new_tokens = arm.workload.new_tokens - 1;
                    for sample in &mut arm.samples {
                        sample.token_ids.truncate(new_tokens);
                        if let Some(times) = sample.times.as_mut() {
                            times.token_ns.truncate(new_tokens);
                            times.infer_ns.truncate(new_tokens);
                        }
                    }
                    arm.workload =
                        WorkloadRecord::new(arm.workload.prompts.clone(), arm.workload.runs, new_tokens)
                            .unwrap();
                }
                faster(&mut it.arms[1]);
            },
        ),
        ("the same fast prompt three times", "`arms[0].workload.prompts[2].id`", |it| {
            for arm in &mut it.arms {
                let mut prompts = arm.workload.prompts.clone();
                prompts[2] = prompts[1].clone();
                let id = prompts[1].id.clone();
                arm.samples.iter_mut().for_each(|sample| sample.prompt_id.clone_from(&id));
                arm.workload =
                    WorkloadRecord::new(prompts, arm.workload.runs, arm.workload.new_tokens).unwrap();
            }
        }),
        ("steps in which an engine notes no inferences", "regressed", |it| {
            it.arms.iter_mut().for_each(|arm| arm.infer_span = InferSpan::Step);
        }),
        ("times at the end of the clock", "`arms[1].samples[0].times.token_ns[0]`", |it| {
            for times in it.arms[1].samples.iter_mut().filter_map(|sample| sample.times.as_mut()) {
                times.submitted_ns = u64::MAX - 1_000;
                times.token_ns.iter_mut().enumerate().for_each(|(at, ns)| *ns = u64::MAX - 900 + at as u64);
            }
        }),
        (
            "measured generations that were the warm-up, and the other way round",
            "`arms[1].samples[2].process`",
            |it| {
                for sample in &mut it.arms[1].samples {
                    sample.role = if sample.role == Role::Measured { Role::WarmUp } else { Role::Measured };
                }
            },
        ),
        ("both sides of one program, and times all the same", "the head changes `src/decode.rs`", |it| {
            it.arms[1].worker = it.arms[0].worker.clone();
            it.stop_reason = Some(StopReason::Identical);
            it.outcome = Outcome::NotMeasured;
            it.rounds.clear();
            for arm in &mut it.arms {
                (arm.outcome, arm.device.ran) = (Outcome::NotMeasured, None);
                (arm.prompts, arm.samples, arm.processes) = (Vec::new(), Vec::new(), Vec::new());
                arm.workload.runs = 0;
            }
        }),
        ("an end by the budget after one pair, and both decisions", "inconclusive", |it| {
            super::forgeries::keep_pairs(it, 1);
            it.stop_reason = Some(StopReason::Budget);
            it.sampling.budget_s = Some(1);
            for decision in [&mut it.decision, &mut it.gate_decision] {
                let decision = decision.as_mut().unwrap();
                (decision.verdict, decision.status) = (Verdict::Pass, arcgauge::record::Status::Green);
            }
        }),
        (
            "the base and the head in each other's place, and the commits left",
            "`rounds[0]` is `out of order`",
            |it| it.arms.swap(0, 1),
        ),
        ("the base's commit as the merge that was measured", "its head is", |it| {
            it.inputs.merge = it.arms[0].commit.as_ref().map(|commit| commit.sha.clone());
            it.arms[1].commit = it.arms[0].commit.clone();
        }),
        ("other thresholds and looks, in the record alone", "it was judged by another policy", |it| {
            it.inputs.policy.text = it
                .inputs
                .policy
                .text
                .replace("\"regressed_beyond_percent\": 1.0", "\"regressed_beyond_percent\": 2.0");
            it.inputs.policy.sha256 = sha256_of_bytes(it.inputs.policy.text.as_bytes());
            it.inputs.from_commit.clone_from(&it.inputs.merge_base);
            crate::forged_pairs::judge(it);
        }),
    ]
}

#[test]
fn a_head_of_changed_sources_is_not_green_without_a_measurement() {
    let mut scene = Scene::of("src/decode.rs", Measured::Identical);
    let zip = scene.with(|_| {});
    scene.refused(&zip, "it was not measured, and the head changes `src/decode.rs`", "not measured");
    for unused in ["README.md", "docs/decode.md", "examples/decode.rs", "tests/decode.rs"] {
        let mut scene = Scene::of(unused, Measured::Identical);
        let zip = scene.with(|_| {});
        assert_eq!(scene.publish(&zip).status["state"], "success", "{unused}");
    }
}

#[test]
fn a_decision_that_was_rewritten_is_not_read() {
    let mut scene = Scene::of("src/decode.rs", Measured::Slower(20.0));
    let zip = scene.with(|record| {
        for decision in [&mut record.decision, &mut record.gate_decision] {
            let decision = decision.as_mut().unwrap();
            decision.verdict = Verdict::Pass;
            decision.status = arcgauge::record::Status::Green;
            decision.reason = "all is well".into();
        }
    });
    let reported = scene.refused(&zip, "regressed", "rewritten");
    assert!(reported.status["description"].as_str().unwrap().starts_with("regressed"), "{}", reported.status);
}

#[test]
fn a_head_that_edits_its_goldens_cannot_say_that_it_does_not() {
    let mut scene = Scene::of("fixtures/golden/tiny-gpt-oss/more.json", Measured::Slower(0.0));
    let zip = scene.with(|record| record.inputs.changed_by_head.clear());
    scene.refused(&zip, "what it says of what the head changes is not so", "edited goldens");
}

#[test]
fn names_of_others_are_text_in_a_comment_that_is_green() {
    let mut scene = Scene::new();
    let zip = scene.with(|record| {
        for side in &mut record.arms {
            let commit = side.commit.as_mut().unwrap();
            (commit.subject, commit.branch) = (HOSTILE.into(), Some(HOSTILE.into()));
            side.label = HOSTILE.into();
            side.device.ran = Some(crate::forged::proven("CPU", HOSTILE));
            side.runtime.as_mut().unwrap().openvino_version = HOSTILE.into();
            side.warnings = vec![arcgauge::record::Warning::new(HOSTILE, HOSTILE, HOSTILE)];
        }
    });
    let reported = scene.publish(&zip);
    assert_eq!(reported.status["state"], "success", "{}", reported.status);
    no_markup(&reported.comment.unwrap(), "hostile names");
}

#[test]
fn a_run_that_is_no_gate_of_ours_is_told_nowhere() {
    let mut scene = Scene::new();
    let honest = scene.with(|_| {});
    let ended = scene.pull_request.run_ended("success");
    let dispatched = scene.pull_request.dispatched_run_ended("success", &scene.stage.main());
    let head = scene.pull_request.head.clone();
    let with = |event: &Value, key: &str, value: Value| {
        let mut event = event.clone();
        event["workflow_run"][key] = value;
        event
    };
    let requested = {
        let mut event = ended.clone();
        event["action"] = json!("requested");
        event
    };
    for (name, event) in [
        ("another workflow", with(&ended, "path", json!(".github/workflows/mine.yml"))),
        ("a push", with(&ended, "event", json!("push"))),
        ("a head that is none", with(&ended, "head_sha", json!("main"))),
        ("not yet ended", requested),
        ("dispatched elsewhere", with(&dispatched, "head_branch", json!("topic"))),
        (
            "a title of another form",
            with(&dispatched, "display_title", json!(format!("gate #12 at {head} "))),
        ),
        ("a title without head", with(&dispatched, "display_title", json!("gate"))),
        (
            "dispatched in another repository",
            with(&dispatched, "head_repository", json!({ "full_name": "a-stranger/arcgauge" })),
        ),
        ("dispatched in none", with(&dispatched, "head_repository", Value::Null)),
    ] {
        let reported = scene.publish_of(&honest, &event);
        assert_eq!(reported.failed, Some(ErrorKind::Input), "{name}");
    }
    assert!(scene.stage.github.sent().is_empty(), "{:?}", scene.stage.github.sent());
}

#[test]
fn a_run_that_did_not_end_well_is_red_whatever_it_left() {
    let mut scene = Scene::new();
    let honest = scene.with(|_| {});
    for conclusion in ["cancelled", "timed_out", "stale", "action_required", "startup_failure", ""] {
        let event = scene.pull_request.run_ended(conclusion);
        scene.refused_of(&honest, &event, "", conclusion);
    }
    let mut fork = scene.pull_request.run_ended("success");
    fork["workflow_run"]["head_repository"]["full_name"] = json!("a-stranger/arcgauge");
    scene.refused_of(&honest, &fork, "", "a fork's own run");
    let mut again = scene.pull_request.run_ended("success");
    again["workflow_run"]["run_started_at"] = json!("2026-11-24T12:39:01Z");
    scene.refused_of(&honest, &again, "left no artifact", "of an earlier attempt");
}

#[test]
fn a_dispatch_by_a_definition_that_is_not_on_main_is_no_word() {
    let mut scene = Scene::new();
    let honest = scene.with(|_| {});
    // A tag of the name `main` is reported as a branch of that name would be, and may hold any workflow.
    let tagged = scene.pull_request.dispatched_run_ended("success", &scene.pull_request.head);
    scene.refused_of(&honest, &tagged, "a workflow that is not on main", "a tag");
    let main = scene.stage.main();
    let ours = scene.pull_request.dispatched_run_ended("success", &main);
    assert_eq!(scene.publish_of(&honest, &ours).status["state"], "success");
}

#[test]
fn a_pull_request_into_another_branch_is_red() {
    let mut scene = Scene::new();
    let honest = scene.with(|_| {});
    scene.into = "release";
    scene.refused(&honest, "goes into `release`", "another branch");
}

#[test]
fn an_attempt_of_no_known_beginning_has_no_artifact() {
    let mut scene = Scene::new();
    let honest = scene.with(|_| {});
    for moment in [Value::Null, json!(1_795_521_481), json!("")] {
        let mut ended = scene.pull_request.run_ended("success");
        ended["workflow_run"]["run_started_at"] = moment.clone();
        scene.refused_of(&honest, &ended, "left no artifact", &moment.to_string());
    }
}

#[test]
fn a_forge_that_takes_no_comment_has_the_status_first_and_the_failure_is_told() {
    let mut scene = Scene::new();
    let honest = scene.with(|_| {});
    scene.stage.github.has_artifact(RUN, "verdict", &honest);
    scene.stage.github.answers("pulls/12", scene.pull_request.now());
    let publisher = scene.stage.checkout("publisher", "origin/main");
    let ended = scene.pull_request.run_ended("success");
    let publish = |stage: &Stage| stage.ci(&publisher, "publish", &ended, &["--device", "CPU"]);
    scene.stage.github.refuses("comments");
    publish(&scene.stage).exits(20).says("`gh api").says("gh auth status");
    assert_eq!(scene.stage.github.statuses(&scene.pull_request.head)[0]["state"], "success");
    scene.stage.github.refuses("statuses");
    publish(&scene.stage).exits(20);
    assert_eq!(scene.stage.github.statuses(&scene.pull_request.head).len(), 1);
}

/// The comment has one mark of ours, one link of ours, and nothing else that is not text.
fn no_markup(comment: &str, name: &str) {
    let (mark, reported) = comment.split_once('\n').unwrap();
    assert_eq!(mark, "<!-- arcgauge: the gate's verdict -->", "{name}");
    for event in Parser::new(reported) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => panic!("{name}: `{html}` in\n{reported}"),
            Event::Start(Tag::Image { .. }) => panic!("{name}: an image in\n{reported}"),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let ours = "https://github.com/arcgauge/arcgauge/actions/runs/19500000001";
                assert_eq!(&*dest_url, ours, "{name}");
            }
            _ => {}
        }
    }
    assert!(!reported.contains("@everyone"), "{name}: {reported}");
    assert!(reported.lines().all(|line| !line.starts_with("::")), "{name}: {reported}");
}
