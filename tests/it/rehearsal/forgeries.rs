//! What an attacker would send in the place of a verdict, and why it is none.

use arcgauge::golden::GoldenResult;
use arcgauge::record::{AbRecord, Outcome, Undecided, sha256_of_bytes};
use serde_json::json;

use super::forged::{HOSTILE, Scene, sealed, zipped};
use crate::forged_pairs::guard_log;

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
        ("no words", |scene| zipped(&[("record.json", &sealed(&scene.record))]), "the artifact has no"),
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
            |scene| scene.words("word", json!("green")),
            "`verdict.json` of the artifact cannot",
        ),
        (
            "a reason with markup",
            |scene| {
                let mut verdict = scene.verdict.clone();
                (verdict["word"], verdict["because"]) = (json!("failed"), json!(HOSTILE));
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
                let text = String::from_utf8(sealed(&scene.record)).unwrap();
                scene.with_bytes(text.replacen("\"seed\":1", "\"seed\":2", 1).as_bytes())
            },
            "record `record.json` is altered",
        ),
        (
            "a run's record",
            |scene| scene.with_bytes(&arcgauge::record::seal(&scene.record.head.run).unwrap()),
            "record `record.json` is a `run-record`",
        ),
    ]
}

/// Records of something else.
fn identities() -> Vec<Row> {
    vec![
        (
            "a record of another head",
            |scene| scene.with(|it| it.head.run.commit.as_mut().unwrap().sha = "0".repeat(40)),
            "the artifact is refused: its head is",
        ),
        (
            "a record of a tree with changes",
            |scene| scene.with(|it| it.head.run.commit.as_mut().unwrap().dirty = true),
            "the artifact is refused: its head has changes over",
        ),
        (
            "a record against the head itself",
            |scene| scene.with(|it| it.base.run.commit = it.head.run.commit.clone()),
            "the artifact is refused: its base is",
        ),
        (
            "a record against an older base",
            |scene| {
                let older = scene.record.base.run.commit.as_ref().unwrap().parents[0].clone();
                scene.with(|it| it.base.run.commit.as_mut().unwrap().sha = older)
            },
            "the artifact is refused: its base is",
        ),
        (
            "another device",
            |scene| scene.with(|it| it.head.run.device.requested = "GPU".into()),
            "the artifact is refused: its head was to run on",
        ),
        (
            "another device than was asked for, and no reason",
            |scene| scene.with(|it| it.head.run.device.ran = Some(crate::forged::proven("GPU", "a GPU"))),
            "the artifact is refused: its head ran on `GPU`",
        ),
        (
            "a measurement that failed",
            |scene| scene.with(|it| it.outcome = Outcome::Failed),
            "the artifact is refused: it did not come to its end",
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
                    it.policy.text = it.policy.text.replace("99.0", "50.0");
                    it.policy.sha256 = sha256_of_bytes(it.policy.text.as_bytes());
                })
            },
            "the artifact is refused: it was judged by another policy",
        ),
        (
            "fewer prompts than there are",
            |scene| {
                scene.with(|it| {
                    for side in [&mut it.base, &mut it.head] {
                        side.run.published.as_mut().unwrap().prompts.truncate(1);
                    }
                })
            },
            "the artifact is refused: its published figures",
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
                    for sample in &mut it.head.run.samples {
                        sample.token_ids[2] ^= 1;
                    }
                })
            },
            "the record is not true: `a` has other tokens",
        ),
        (
            "an answer that is cut short",
            |scene| scene.with(|it| it.head.run.samples.iter_mut().for_each(|it| it.token_ids.truncate(2))),
            "the record is not true: `a` has other tokens",
        ),
        (
            "no golden, it says",
            |scene| scene.with(|it| it.head.run.prompts[0].golden = GoldenResult::None),
            "the record is not true: `a` is said to have no golden",
        ),
        (
            "a prompt that is not judged",
            |scene| scene.with(|it| it.head.run.prompts.truncate(2)),
            "the artifact is refused: ",
        ),
        (
            "the same program, it says, and measured it",
            |scene| scene.with(|it| it.undecided = Some(Undecided::Identical)),
            "the artifact is refused: it was not measured",
        ),
        ("no pair", |scene| scene.with(|it| keep_pairs(it, 0)), "`a` was judged and never answered"),
    ]
}

/// Records that no publisher would come to the end of.
fn without_end() -> Vec<Row> {
    vec![(
        "more samples than any gate draws",
        |scene| {
            scene.with(|it| {
                let sample = it.head.run.samples[0].clone();
                it.head.run.samples.extend(vec![
                    arcgauge::record::SampleRecord {
                        role: arcgauge::record::SampleRole::WarmUp,
                        times: None,
                        ..sample
                    };
                    20_000
                ]);
            })
        },
        "the artifact is refused: it has more pairs, prompts or samples",
    )]
}

/// Records that do not say what was measured.
fn what_was_measured() -> Vec<Row> {
    vec![
        (
            "the same program, it says, and is not",
            |scene| {
                scene.with(|it| {
                    (it.undecided, it.outcome) = (Some(Undecided::Identical), Outcome::NotMeasured);
                    it.head.run.worker.sha256 = Some("7".repeat(64));
                    it.pairs.clear();
                })
            },
            "the artifact is refused: it was not measured",
        ),
        (
            "a model of a name that leads elsewhere",
            |scene| scene.with(|it| it.head.run.model.name = "../../../etc".into()),
            "the artifact is refused: its model is named",
        ),
        (
            "one good pair, told again and again",
            |scene| {
                scene.with(|it| {
                    let good = it.pairs[0];
                    it.pairs.fill(good);
                })
            },
            "the artifact is refused: pair 2 is not of its own processes",
        ),
        (
            "ended by a wrong output, and none is wrong: no speed would be looked at",
            |scene| scene.with(|it| it.undecided = Some(Undecided::WrongOutput)),
            "the artifact is refused: no output of it is wrong",
        ),
        (
            "the pairs that suit",
            |scene| scene.with(|it| it.pairs.truncate(it.pairs.len() - 1)),
            "the artifact is refused: a process of it is of no pair",
        ),
        (
            "a prompt that was never asked",
            |scene| {
                scene.with(|it| {
                    let sample = &mut it.head.run.samples[0];
                    (sample.prompt_id, sample.times) = ("z".into(), None);
                })
            },
            "the record is not true: `z` was answered and never asked",
        ),
        (
            "a golden of other tokens of the prompt",
            |scene| scene.with(|it| it.head.run.workload.prompts[0].token_ids[0] ^= 1),
            "the record is not true: `a` is said to match a golden",
        ),
        (
            "tokens that no near-tie explains",
            |scene| {
                scene.with(|it| {
                    it.base.run.prompts[0].golden = GoldenResult::NearTie;
                    for sample in &mut it.base.run.samples {
                        sample.token_ids[2] ^= 1;
                    }
                })
            },
            "the record is not true: `a` has other tokens",
        ),
        (
            "the same program, it says, with another model",
            |scene| {
                scene.with(|it| {
                    (it.undecided, it.outcome) = (Some(Undecided::Identical), Outcome::NotMeasured);
                    it.head.run.model.files.clear();
                    it.pairs.clear();
                })
            },
            "the artifact is refused: it was not measured",
        ),
        (
            "the same program, it says, and names none",
            |scene| {
                scene.with(|it| {
                    (it.undecided, it.outcome) = (Some(Undecided::Identical), Outcome::NotMeasured);
                    (it.base.run.worker.sha256, it.head.run.worker.sha256) = (None, None);
                    it.pairs.clear();
                })
            },
            "the artifact is refused: it was not measured",
        ),
        ("one pair", |scene| scene.with(|it| keep_pairs(it, 1)), "inconclusive"),
        (
            "pairs that count in spite of a guard",
            |scene| {
                scene.with(|it| {
                    it.despite_guards = true;
                    for process in &mut it.head.run.processes {
                        process.guards = Some(guard_log(12, true));
                    }
                })
            },
            "invalid-environment",
        ),
    ]
}

fn keep_pairs(record: &mut AbRecord, pairs: usize) {
    record.pairs.truncate(pairs);
    for run in [&mut record.base.run, &mut record.head.run] {
        run.processes.retain(|process| process.index < pairs);
        run.samples.retain(|sample| sample.process < pairs);
        run.workload.runs = pairs;
    }
}
