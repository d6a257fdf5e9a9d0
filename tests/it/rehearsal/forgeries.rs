//! What an attacker would send in the place of a verdict, and why it is none.

use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, Outcome, StopReason, sha256_of_bytes};
use serde_json::json;

use super::forged::{HOSTILE, Scene, encoded, zipped};
use crate::forged_pairs::watched;

/// The bytes of an artifact.
pub(super) type Forgery = fn(&Scene) -> Vec<u8>;

/// A forgery, and how the status says why it is none.
pub(super) struct Forged {
    pub(super) name: &'static str,
    pub(super) forge: Forgery,
    pub(super) says: &'static str,
}

pub(super) fn forgeries() -> Vec<Forged> {
    let all = [files(), words(), identities(), contents(), what_was_measured(), without_end()].concat();
    all.into_iter().map(|(name, forge, says)| Forged { name, forge, says }).collect()
}

/// Name, forgery, and what is said of it.
type Row = (&'static str, Forgery, &'static str);

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
fn identities() -> Vec<Row> {
    vec![
        (
            "a record of another head",
            |scene| scene.with(|it| it.arms[1].commit.as_mut().unwrap().sha = "0".repeat(40)),
            "the artifact is refused: its head is",
        ),
        (
            "a record of a tree with changes",
            |scene| scene.with(|it| it.arms[1].commit.as_mut().unwrap().dirty = true),
            "the artifact is refused: its head has changes over",
        ),
        (
            "a record against the head itself",
            |scene| scene.with(|it| it.arms[0].commit = it.arms[1].commit.clone()),
            "the artifact is refused: its base is",
        ),
        (
            "a record against an older base",
            |scene| {
                let older = scene.record.arms[0].commit.as_ref().unwrap().parents[0].clone();
                scene.with(|it| it.arms[0].commit.as_mut().unwrap().sha = older)
            },
            "the artifact is refused: its base is",
        ),
        (
            "another device",
            |scene| scene.with(|it| it.arms[1].device.requested = "GPU".into()),
            "`arms[1].device.requested` is `GPU`",
        ),
        (
            "another device than was requested, and no reason",
            |scene| scene.with(|it| it.arms[1].device.ran = Some(crate::forged::proven("GPU", "a GPU"))),
            "`arms[1].device.ran`",
        ),
        (
            "a measurement that failed",
            |scene| scene.with(|it| it.outcome = Outcome::Failed),
            "`outcome` is `failed`",
        ),
        (
            "a measurement that was stopped",
            |scene| scene.with(|it| it.outcome = Outcome::Interrupted),
            "the artifact is refused: it did not come to its end",
        ),
        (
            "a policy that lets all pass",
            |scene| {
                scene.with(|it| {
                    it.inputs.policy.text = it.inputs.policy.text.replace("99.0", "50.0");
                    it.inputs.policy.sha256 = sha256_of_bytes(it.inputs.policy.text.as_bytes());
                })
            },
            "the artifact is refused: it was judged by another policy",
        ),
        (
            "fewer prompts than there are",
            |scene| {
                scene.with(|it| {
                    it.published.as_mut().unwrap().prompts.truncate(1);
                })
            },
            "the artifact is refused: its published values",
        ),
    ]
}

/// Records that do not say what their samples say.
fn contents() -> Vec<Row> {
    vec![
        (
            "tokens that are not the golden's, and are said to be",
            |scene| {
                scene.with(|it| {
                    for sample in &mut it.arms[1].samples {
                        sample.token_ids[2] ^= 1;
                    }
                })
            },
            "`arms[1].samples[0].token_ids` is",
        ),
        (
            "an answer that is cut short",
            |scene| scene.with(|it| it.arms[1].samples.iter_mut().for_each(|it| it.token_ids.truncate(2))),
            "`arms[1].samples[0].token_ids.length`",
        ),
        (
            "no golden, it says",
            |scene| scene.with(|it| it.arms[1].prompts[0].golden = GoldenResult::None),
            "inconclusive",
        ),
        (
            "a prompt that is not judged",
            |scene| scene.with(|it| it.arms[1].prompts.truncate(2)),
            "`arms[1].prompts.length`",
        ),
        (
            "the same program, it says, and measured it",
            |scene| scene.with(|it| it.stop_reason = Some(StopReason::Identical)),
            "`stop_reason` is `identical`",
        ),
        ("no pair", |scene| scene.with(|it| keep_pairs(it, 0)), "`arms[0].device.ran.grade`"),
    ]
}

/// Records that no publisher would come to the end of.
fn without_end() -> Vec<Row> {
    vec![(
        "more samples than any gate draws",
        |scene| {
            scene.with(|it| {
                let sample = it.arms[1].samples[0].clone();
                it.arms[1].samples.extend(vec![
                    arcgauge::record::SampleRecord {
                        role: arcgauge::measure::Role::WarmUp,
                        times: None,
                        ..sample
                    };
                    20_000
                ]);
            })
        },
        "contradicts itself: `arms[1].samples[",
    )]
}

/// Records that do not say what was measured.
fn what_was_measured() -> Vec<Row> {
    vec![
        (
            "the same program, it says, and is not",
            |scene| {
                scene.with(|it| {
                    (it.stop_reason, it.outcome) = (Some(StopReason::Identical), Outcome::NotMeasured);
                    it.arms[1].worker.sha256 = Some("7".repeat(64));
                    it.rounds.clear();
                })
            },
            "`outcome` is `not-measured`",
        ),
        (
            "a model of a name that leads elsewhere",
            |scene| scene.with(|it| it.arms[1].model.name = "../../../etc".into()),
            "`arms[1].model.name`",
        ),
        (
            "one good pair, repeated",
            |scene| {
                scene.with(|it| {
                    let good = it.rounds[0].clone();
                    it.rounds.fill(good);
                })
            },
            "`rounds[1]`",
        ),
        (
            "ended by a wrong output, and none is wrong: no speed would be looked at",
            |scene| scene.with(|it| it.stop_reason = Some(StopReason::WrongOutput)),
            "`stop_reason` is `wrong-output`",
        ),
        (
            "the pairs that suit",
            |scene| scene.with(|it| it.rounds.truncate(it.rounds.len() - 1)),
            "`arms[0].processes.length`",
        ),
        (
            "a prompt that was never run",
            |scene| {
                scene.with(|it| {
                    let sample = &mut it.arms[1].samples[0];
                    (sample.prompt_id, sample.times) = ("z".into(), None);
                })
            },
            "`arms[1].samples[0].prompt_id` is `z`",
        ),
        (
            "a golden of other tokens of the prompt",
            |scene| scene.with(|it| it.arms[1].workload.prompts[0].token_ids[0] ^= 1),
            "`arms[1].workload.sha256`",
        ),
        (
            "tokens that no near-tie explains",
            |scene| {
                scene.with(|it| {
                    it.arms[0].prompts[0].golden = GoldenResult::NearTie;
                    for sample in &mut it.arms[0].samples {
                        sample.token_ids[2] ^= 1;
                    }
                })
            },
            "`arms[0].samples[0].token_ids` is",
        ),
        (
            "the same program, it says, with another model",
            |scene| {
                scene.with(|it| {
                    (it.stop_reason, it.outcome) = (Some(StopReason::Identical), Outcome::NotMeasured);
                    it.arms[1].model.files.clear();
                    it.rounds.clear();
                })
            },
            "`outcome` is `not-measured`",
        ),
        (
            "the same program, it says, and names none",
            |scene| {
                scene.with(|it| {
                    (it.stop_reason, it.outcome) = (Some(StopReason::Identical), Outcome::NotMeasured);
                    (it.arms[0].worker.sha256, it.arms[1].worker.sha256) = (None, None);
                    it.rounds.clear();
                })
            },
            "`outcome` is `not-measured`",
        ),
        ("one pair", |scene| scene.with(|it| keep_pairs(it, 1)), "inconclusive"),
        (
            "pairs that count in spite of a guard",
            |scene| {
                scene.with(|it| {
                    it.sampling.ignore_guards = true;
                    it.arms[1].processes.iter_mut().for_each(|process| watched(process, 12, true));
                })
            },
            "invalid environment",
        ),
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
