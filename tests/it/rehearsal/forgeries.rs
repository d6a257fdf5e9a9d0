//! What an attacker would send in the place of a verdict, and why it is none.

use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, Outcome, StopReason, sha256_of_bytes};
use serde_json::json;

use super::forged::{HOSTILE, Scene, encoded, zipped};
use crate::forged_pairs::watched;

/// The bytes of an artifact.
pub(super) type Forgery = fn(&Scene) -> Vec<u8>;

/// A name, the forgery, and how the status says why it is none.
type Row = (&'static str, Forgery, &'static str);
/// A name, what the status says of it, and what is altered in the record.
pub(super) type Altered = (&'static str, &'static str, fn(&mut Experiment));

pub(super) fn artifacts() -> Vec<Row> {
    [files(), words()].concat()
}

pub(super) fn records() -> Vec<Altered> {
    [identities(), contents(), what_was_measured(), without_end()].concat()
}

/// Bytes that are no files of a verdict.
fn files() -> Vec<Row> {
    vec![
        ("no zip", |_| b"{}".to_vec(), "the archive is refused: it is no zip"),
        ("nothing", |_| Vec::new(), "the archive is refused: it is no zip"),
        ("an empty zip", |_| zipped(&[]), "the artifact has no `verdict.json`"),
        (
            "another file",
            |_| zipped(&[("../../verdict.json", b"{}")]),
            "the archive is refused: it has a file",
        ),
        ("no words", |scene| zipped(&[("record.json", &encoded(&scene.record))]), "the artifact has no"),
        (
            "words that are no JSON",
            |_| zipped(&[("verdict.json", b"green")]),
            "`verdict.json` of the artifact cannot",
        ),
        (
            "words as deep as a well",
            |_| zipped(&[("verdict.json", "[".repeat(60_000).as_bytes())]),
            "`verdict.json` of the artifact cannot",
        ),
        (
            "words without end",
            |_| zipped(&[("verdict.json", &vec![b' '; 10 << 20])]),
            "the archive is refused: `verdict.json` is larger than",
        ),
        (
            "a record without end",
            |scene| scene.with_bytes(&vec![b'0'; (64 << 20) + 1]),
            "the archive is refused: `record.json` is larger than",
        ),
    ]
}

/// Words that are not of this run.
fn words() -> Vec<Row> {
    vec![
        (
            "another head",
            |scene| scene.words("head", json!("0".repeat(40))),
            "the artifact is refused: it is of",
        ),
        (
            "a head that is none",
            |scene| scene.words("head", json!(HOSTILE)),
            "the artifact is refused: it is of",
        ),
        (
            "another pull request",
            |scene| scene.words("pull_request", json!(13)),
            "the artifact is refused: it is of another",
        ),
        (
            "another repository",
            |scene| scene.words("repository", json!("a/b")),
            "the artifact is refused: it is of another",
        ),
        ("another schema", |scene| scene.words("schema", json!(HOSTILE)), "the verdict is of schema"),
        (
            "a word that is none",
            |scene| scene.words("end", json!("green")),
            "`verdict.json` of the artifact cannot",
        ),
        (
            "a reason with markup",
            |scene| {
                let mut verdict = scene.verdict.clone();
                (verdict["end"], verdict["reason"]) = (json!("failed"), json!(HOSTILE));
                zipped(&[("verdict.json", verdict.to_string().as_bytes())])
            },
            "the gate failed",
        ),
        (
            "judged, and no record",
            |scene| zipped(&[("verdict.json", scene.verdict.to_string().as_bytes())]),
            "the artifact is refused: it has no record",
        ),
        ("a record that is none", |scene| scene.with_bytes(HOSTILE.as_bytes()), "record `record.json`"),
        (
            "a record that was altered",
            |scene| {
                let text = String::from_utf8(encoded(&scene.record)).unwrap();
                scene.with_bytes(text.replacen("\"seed\":1", "\"seed\":2", 1).as_bytes())
            },
            "record `record.json` is altered",
        ),
        (
            "a run's record",
            |scene| scene.with_bytes(&arcgauge::record::encode(&crate::forged::record()).unwrap()),
            "it is of `bench`, and not of two sides",
        ),
    ]
}

/// Records of something else.
fn identities() -> Vec<Altered> {
    vec![
        ("a record of another head", "the artifact is refused: its head is", |it| {
            it.arms[1].commit.as_mut().unwrap().sha = "0".repeat(40);
        }),
        ("a record of a tree with changes", "the artifact is refused: its head has changes over", |it| {
            it.arms[1].commit.as_mut().unwrap().dirty = true;
        }),
        ("a record against the head itself", "the artifact is refused: its base is", |it| {
            it.arms[0].commit = it.arms[1].commit.clone();
        }),
        ("a record against an older base", "the artifact is refused: its base is", |it| {
            let base = it.arms[0].commit.as_mut().unwrap();
            base.sha = base.parents[0].clone();
        }),
        ("another device", "`arms[1].device.requested` is `GPU`", |it| {
            it.arms[1].device.requested = "GPU".into();
        }),
        ("another device than was requested, and no reason", "`arms[1].device.ran`", |it| {
            it.arms[1].device.ran = Some(crate::forged::proven("GPU", "a GPU"));
        }),
        ("a measurement that failed", "`outcome` is `failed`", |it| it.outcome = Outcome::Failed),
        ("a measurement that was stopped", "the artifact is refused: it did not come to its end", |it| {
            it.outcome = Outcome::Interrupted;
        }),
        ("a policy that lets all pass", "the artifact is refused: it was judged by another policy", |it| {
            it.inputs.policy.text = it.inputs.policy.text.replace("99.0", "50.0");
            it.inputs.policy.sha256 = sha256_of_bytes(it.inputs.policy.text.as_bytes());
        }),
        ("fewer prompts than there are", "the artifact is refused: its published values", |it| {
            it.published.as_mut().unwrap().prompts.truncate(1);
        }),
    ]
}

/// Records that do not say what their samples say.
fn contents() -> Vec<Altered> {
    vec![
        ("tokens that are not the golden's, and are said to be", "`arms[1].samples[0].token_ids` is", |it| {
            for sample in &mut it.arms[1].samples {
                sample.token_ids[2] ^= 1;
            }
        }),
        ("an answer that is cut short", "`arms[1].samples[0].token_ids.length`", |it| {
            it.arms[1].samples.iter_mut().for_each(|it| it.token_ids.truncate(2));
        }),
        ("no golden, it says", "inconclusive", |it| it.arms[1].prompts[0].golden = GoldenResult::None),
        ("a prompt that is not judged", "`arms[1].prompts.length`", |it| it.arms[1].prompts.truncate(2)),
        ("the same program, it says, and measured it", "`stop_reason` is `identical`", |it| {
            it.stop_reason = Some(StopReason::Identical);
        }),
        ("no pair", "`arms[0].device.ran.grade`", |it| keep_pairs(it, 0)),
    ]
}

/// Records that no publisher would come to the end of.
fn without_end() -> Vec<Altered> {
    vec![("more samples than any gate draws", "contradicts itself: `arms[1].samples[", |it| {
        let sample = it.arms[1].samples[0].clone();
        it.arms[1].samples.extend(vec![
            arcgauge::record::SampleRecord {
                role: arcgauge::measure::Role::WarmUp,
                times: None,
                ..sample
            };
            20_000
        ]);
    })]
}

/// Records that do not say what was measured.
fn what_was_measured() -> Vec<Altered> {
    vec![
        ("the same program, it says, and is not", "`outcome` is `not-measured`", |it| {
            (it.stop_reason, it.outcome) = (Some(StopReason::Identical), Outcome::NotMeasured);
            it.arms[1].worker.sha256 = Some("7".repeat(64));
            it.rounds.clear();
        }),
        ("a model of a name that leads elsewhere", "`arms[1].model.name`", |it| {
            it.arms[1].model.name = "../../../etc".into();
        }),
        ("one good pair, repeated", "`rounds[1]`", |it| {
            let good = it.rounds[0].clone();
            it.rounds.fill(good);
        }),
        (
            "ended by a wrong output, and none is wrong: no speed would be looked at",
            "`stop_reason` is `wrong-output`",
            |it| it.stop_reason = Some(StopReason::WrongOutput),
        ),
        ("the pairs that suit", "`arms[0].processes.length`", |it| it.rounds.truncate(it.rounds.len() - 1)),
        ("a prompt that was never run", "`arms[1].samples[0].prompt_id` is `z`", |it| {
            let sample = &mut it.arms[1].samples[0];
            (sample.prompt_id, sample.times) = ("z".into(), None);
        }),
        ("a golden of other tokens of the prompt", "`arms[1].workload.sha256`", |it| {
            it.arms[1].workload.prompts[0].token_ids[0] ^= 1;
        }),
        ("tokens that no near-tie explains", "`arms[0].samples[0].token_ids` is", |it| {
            it.arms[0].prompts[0].golden = GoldenResult::NearTie;
            for sample in &mut it.arms[0].samples {
                sample.token_ids[2] ^= 1;
            }
        }),
        ("the same program, it says, with another model", "`outcome` is `not-measured`", |it| {
            (it.stop_reason, it.outcome) = (Some(StopReason::Identical), Outcome::NotMeasured);
            it.arms[1].model.files.clear();
            it.rounds.clear();
        }),
        ("the same program, it says, and names none", "`outcome` is `not-measured`", |it| {
            (it.stop_reason, it.outcome) = (Some(StopReason::Identical), Outcome::NotMeasured);
            (it.arms[0].worker.sha256, it.arms[1].worker.sha256) = (None, None);
            it.rounds.clear();
        }),
        ("one pair", "inconclusive", |it| keep_pairs(it, 1)),
        ("pairs that count in spite of a guard", "invalid environment", |it| {
            it.sampling.ignore_guards = true;
            it.arms[1].processes.iter_mut().for_each(|process| watched(process, 12, true));
        }),
    ]
}

pub(super) fn keep_pairs(record: &mut Experiment, pairs: usize) {
    record.rounds.truncate(pairs);
    for run in &mut record.arms {
        run.processes.retain(|process| process.index < pairs);
        run.samples.retain(|sample| sample.process < pairs);
        run.workload.runs = pairs;
    }
}
