//! `baseline accept-model`: a verified record of a model made like the published one accepts its files, and
//! no other record does.

use std::fs;
use std::path::PathBuf;

use arcgauge::engine::ModelShape;
use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, ModelFile, Outcome, PublishedReference, SampleTimes, WorkloadRecord};

use crate::checkout::{Checkout, edit_json};
use crate::ended::Ended;
use crate::forged;

const WHY: &str = "the files of the hub, and their answers were read";

/// A checkout with published values of its own.
fn checkout() -> Checkout {
    let checkout = Checkout::new();
    let folder = checkout.path("fixtures/baselines");
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::copy(crate::checkout::repository().join("fixtures/baselines/published.json"), file(&checkout))
        .unwrap();
    checkout
}

fn file(checkout: &Checkout) -> PathBuf {
    checkout.path("fixtures/baselines/published.json")
}

fn text(checkout: &Checkout) -> String {
    fs::read_to_string(file(checkout)).unwrap()
}

/// A verified run of a model made like the published one, on a processor.
fn run() -> Experiment {
    let mut run = forged::record_of_the_shipped_model();
    let order = forged::published().prompts;
    let place = |id: &str| order.iter().position(|known| known == id).unwrap();
    run.arms[0].workload.prompts.sort_by_key(|prompt| place(&prompt.id));
    run.arms[0].workload = WorkloadRecord::new(run.arms[0].workload.prompts.clone(), 1, 200).unwrap();
    run.arms[0].prompts.iter_mut().for_each(|prompt| prompt.golden = GoldenResult::Match);
    for sample in &mut run.arms[0].samples {
        sample.times = Some(SampleTimes {
            submitted_ns: 1,
            token_ns: (1..=200).map(|token| 1 + token * 47_000_000).collect(),
            infer_ns: vec![46_000_000; 200],
        });
    }
    run.arms[0].model.name = "gpt-oss-20b-int4-ov".into();
    run.arms[0].model.sha256 = "a".repeat(64);
    run.arms[0].model.files = vec![ModelFile {
        path: "openvino_model.bin".into(),
        size_bytes: 12_840_000_000,
        sha256: "b".repeat(64),
    }];
    run.arms[0].model.shape = Some(ModelShape {
        layers: Some(24),
        hidden_size: Some(2880),
        experts: Some(32),
        vocabulary_tokens: Some(201_088),
        ..ModelShape::default()
    });
    run
}

fn accept(checkout: &Checkout, record: &str) -> Ended {
    checkout.run(["baseline", "accept-model", record, "--reason", WHY])
}

#[test]
fn a_verified_record_accepts_its_model_and_a_second_one_of_the_same_changes_nothing() {
    let checkout = checkout();
    let run = run();
    let path = forged::store(&checkout, &run);
    let ended = accept(&checkout, path.to_str().unwrap());
    ended.exits(0).says("is accepted as gpt-oss-20b INT4, in ").says("next: commit it");
    let after = text(&checkout);
    let published = PublishedReference::parse(&after).unwrap();
    let [accepted] = &published.model.accepted[..] else { panic!("{after}") };
    assert_eq!((&accepted.sha256, accepted.reason.as_str()), (&run.arms[0].model.sha256, WHY));
    assert_eq!(
        (&accepted.run_id, &accepted.commit),
        (&run.run_id, &run.arms[0].commit.as_ref().unwrap().sha)
    );
    assert!(accepted.accepted_utc.ends_with('Z'), "{accepted:?}");

    accept(&checkout, &run.run_id).exits(0).says("is accepted already, since ").says("nothing was changed");
    assert_eq!(text(&checkout), after);

    // Another build of the same model stands beside it.
    let mut other = self::run();
    (other.run_id, other.arms[0].model.sha256) = ("ba9876543210".into(), "c".repeat(64));
    forged::store(&checkout, &other);
    accept(&checkout, &other.run_id).exits(0);
    let both = PublishedReference::parse(&text(&checkout)).unwrap().model.accepted;
    assert_eq!(both.iter().map(|model| &model.run_id).collect::<Vec<_>>(), [&run.run_id, &other.run_id]);
}

#[test]
fn near_ties_are_verified_and_any_device_shows_a_model() {
    let checkout = checkout();
    let mut run = run();
    run.arms[0].prompts[1].golden = GoldenResult::NearTie;
    run.arms[0].device = forged::arc(Some(true));
    forged::store(&checkout, &run);
    accept(&checkout, "latest").exits(0).says("`latest` is ").says("is accepted as ");
}

/// What is changed about a record, why it is refused, and what its hint says.
type Refusal<'a> = (&'a dyn Fn(&mut Experiment), &'a str, &'a str);

fn untimed(run: &mut Experiment) {
    run.arms[0].samples.iter_mut().for_each(|sample| sample.times = None);
}

#[test]
fn what_is_not_verified_or_not_made_like_the_published_model_accepts_nothing() {
    let refusals: [Refusal<'_>; 13] = [
        (&|run| run.arms[0].prompts[0].golden = GoldenResult::None, "is unverified", "golden bless"),
        (
            &|run| {
                run.outcome = Outcome::WrongOutput;
                run.arms[0].prompts[0].golden = GoldenResult::Break;
                untimed(run);
            },
            "its output is wrong",
            "cargo xtask bench",
        ),
        (
            &|run| {
                run.outcome = Outcome::Failed;
                untimed(run);
            },
            "it failed",
            "cargo xtask bench",
        ),
        (
            &|run| {
                run.outcome = Outcome::Interrupted;
                untimed(run);
            },
            "it was interrupted",
            "cargo xtask bench",
        ),
        (&|run| run.arms[0].model.shape = None, "does not say what the model is made of", "model fetch"),
        (
            &|run| run.arms[0].model.shape.as_mut().unwrap().hidden_size = Some(64),
            "its hidden size: `64`, the published model's: 2880",
            "model fetch",
        ),
        (
            &|run| run.arms[0].model.shape.as_mut().unwrap().vocabulary_tokens = None,
            "its tokens of the vocabulary: `unknown`",
            "model fetch",
        ),
        (&|run| run.arms[0].model.files[0].size_bytes = 21_000_000_000, "`21000000000` bytes", "model fetch"),
        (
            &|run| {
                run.arms[0].workload.prompts.swap(0, 1);
                run.arms[0].workload =
                    WorkloadRecord::new(run.arms[0].workload.prompts.clone(), 1, 200).unwrap();
            },
            "not of the published prompts",
            "at the defaults",
        ),
        (
            &|run| run.arms[0].commit.as_mut().unwrap().dirty = true,
            "of no clean commit",
            "commit the goldens",
        ),
        (&|run| run.arms[0].commit = None, "of no clean commit", "commit the goldens"),
        (&|run| untimed(run), "`arms[0].samples[0].times` is `null`", "cargo xtask bench"),
        (
            &|run| {
                let mut arc = serde_json::to_value(forged::arc(Some(true))).unwrap();
                arc["ran"]["emulated_reason"] = "the OpenCL device is a processor".into();
                run.arms[0].device = serde_json::from_value(arc).unwrap();
            },
            "its device is emulated: the OpenCL device is a processor",
            "on the CPU or on a GPU that is there",
        ),
    ];
    for (edit, why, hint) in refusals {
        let checkout = checkout();
        let before = text(&checkout);
        let mut run = run();
        edit(&mut run);
        let path = forged::store(&checkout, &run);
        accept(&checkout, path.to_str().unwrap()).refuses(why, hint);
        assert_eq!(text(&checkout), before, "{why}");
    }
}

#[test]
fn a_measured_record_of_the_shipped_model_is_refused_for_what_it_is_made_of() {
    let checkout = checkout();
    checkout.commit();
    checkout.bench(&[]).exits(0);
    accept(&checkout, "latest").refuses("its hidden size: `64`, the published model's: 2880", "model fetch");
}

#[test]
fn a_reason_has_to_be_given_and_the_record_has_to_be_there() {
    let checkout = checkout();
    forged::store(&checkout, &run());
    checkout.run(["baseline", "accept-model", "latest"]).refuses("--reason", "--help");
    checkout
        .run(["baseline", "accept-model", "latest", "--reason", " "])
        .refuses("`--reason` is empty", "say why");
    accept(&checkout, "nowhere.json").refuses("cannot read `nowhere.json`", "cargo xtask history list");
}

#[test]
fn a_file_with_a_bad_hash_is_refused_with_its_path_by_whoever_reads_it() {
    for bad in ["", "abc", &"A".repeat(64), &"a".repeat(63)] {
        let checkout = checkout();
        let path = forged::store(&checkout, &run());
        accept(&checkout, path.to_str().unwrap()).exits(0);
        edit_json(&file(&checkout), |published| published["model"]["accepted"][0]["sha256"] = bad.into());
        let before = text(&checkout);
        let at = file(&checkout);
        let fault = format!("published.json` accepts a model of sha256 `{bad}`");
        for arguments in [
            &["baseline", "accept-model", path.to_str().unwrap(), "--reason", WHY][..],
            &["bench", "--device", "CPU"],
            &["report"],
        ] {
            let ended = checkout.run(arguments);
            ended.refuses(&fault, "baseline accept-model").says(checkout.path("fixtures").to_str().unwrap());
        }
        checkout.run(["doctor", "--device", "CPU"]).exits(20).prints("FAIL  published value");
        assert_eq!(fs::read_to_string(at).unwrap(), before);
    }
}

#[test]
fn what_the_file_says_that_is_not_known_here_is_not_lost_in_silence() {
    let checkout = checkout();
    edit_json(&file(&checkout), |published| published["note"] = "by hand".into());
    let before = text(&checkout);
    forged::store(&checkout, &run());
    accept(&checkout, "latest").refuses("unknown field `note`", "git checkout");
    assert_eq!(text(&checkout), before);
}

#[test]
fn doctor_says_that_the_published_value_is_not_judged_here_and_why() {
    let checkout = Checkout::new();
    let ended = checkout.run(["doctor", "--device", "CPU"]);
    let line = "skip  published value    21.24 tok/s is not judged here: ";
    ended.exits(0).prints(&format!("{line}no files are accepted as gpt-oss-20b INT4 yet\n      hint: "));
    ended.prints(&format!("{line}`CPU` is no Intel Arc 140V GPU\n      hint: "));
}
