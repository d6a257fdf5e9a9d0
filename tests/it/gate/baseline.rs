//! A record that was pinned is what later ones are compared with, where it is of their kind.

use std::fs;
use std::path::Path;

use arcgauge::golden::GoldenResult;
use arcgauge::judge::policy::Policy;
use arcgauge::record::{Experiment, Outcome, sha256_of_file};

use super::{checkout, keep, of, run_of};
use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::forged_pairs::{TOKEN_NS, ab_by_prompt, judge_by, policy_text, watched};
use crate::{forged, laid_out};

fn pin(checkout: &Checkout, record: &Path, more: &[&str]) -> Ended {
    let arguments = ["baseline", "pin", record.to_str().unwrap(), "--reason", "the fusion is in"];
    checkout.run(arguments.iter().chain(more))
}

fn policy(checkout: &Checkout) -> String {
    fs::read_to_string(checkout.path("ci/gate.json")).unwrap()
}

#[test]
fn a_record_becomes_an_anchor_and_the_gate_judges_by_it() {
    let (checkout, sha) = checkout();
    let run = run_of(&sha, 0.0);
    let path = keep(&checkout, &run);
    let ended = pin(&checkout, &path, &["--id", "after-fusion"]);
    ended.exits(0).says("anchor `after-fusion`: 21.28 token/s, failing below 20.21").says("next: commit it");
    let text = policy(&checkout);
    let anchors = Policy::parse(&text, "ci/gate.json").unwrap().anchors;
    let [anchor] = &anchors[..] else { panic!("{anchors:?}") };
    assert_eq!((anchor.run_id.as_str(), anchor.reason.as_str()), (run.run_id.as_str(), "the fusion is in"));
    assert_eq!(anchor.record_sha256, sha256_of_file(&path).unwrap());
    assert_eq!(
        (&anchor.machine_sha256, &anchor.model_sha256),
        (&run.machine.sha256, &run.arms[0].model.sha256)
    );
    pin(&checkout, &path, &["--id", "after-fusion"]).refuses("`after-fusion` twice", "ci/gate.md");
    assert_eq!(policy(&checkout), text, "what is refused changes nothing");

    checkout.git(&["add", "--all"]);
    checkout.git(&["commit", "--quiet", "--message", "Pin"]);
    let head = checkout.git(&["rev-parse", "HEAD"]).trim().to_owned();
    for (token_ns, code) in [(TOKEN_NS, 0), (TOKEN_NS * 1.02, 0), (TOKEN_NS * 1.06, 10)] {
        // Neither side is slower than the other; both may be than what was pinned.
        let mut record = ab_by_prompt(&[[0.0; 3]; 5], token_ns);
        judge_by(&mut record, text.clone());
        let stored = keep(&checkout, &of(&head, record));
        let ended = checkout.run(["gate"]);
        ended.exits(code).prints("anchor after-fusion").prints("(pinned)");
        fs::remove_file(stored).unwrap();
    }
    let mut unpinned = ab_by_prompt(&[[0.0; 3]; 5], TOKEN_NS * 1.06);
    judge_by(&mut unpinned, policy_text());
    keep(&checkout, &of(&head, unpinned));
    checkout.run(["gate"]).exits(0);
}

#[test]
fn of_an_ab_the_head_is_pinned() {
    let (checkout, sha) = checkout();
    let record = of(&sha, ab_by_prompt(&[[10.0; 3]; 5], TOKEN_NS));
    let ended = pin(&checkout, &keep(&checkout, &record), &[]);
    ended.exits(0).says(&format!("anchor `{}`: 19.95 token/s", record.run_id));
}

/// Why a record is refused, and what is changed about it for that.
type Refusal<'a> = (&'a str, &'a dyn Fn(&mut Experiment));

#[test]
fn what_cannot_be_believed_is_no_baseline() {
    let refusals: [Refusal<'_>; 9] = [
        ("it is of no clean commit", &|run| run.arms[0].commit.as_mut().unwrap().dirty = true),
        ("it is of no clean commit", &|run| run.arms[0].commit = None),
        ("the output is not verified", &|run| run.arms[0].prompts[0].golden = GoldenResult::None),
        ("the device is emulated", &|run| run.arms[0].device = forged::an_emulated_arc()),
        ("the device is proven as reported by OpenVINO alone", &|run| {
            run.arms[0].device.ran = Some(forged::a_cpu_by_its_word_alone());
            laid_out::record(run);
        }),
        ("a guard tripped while it was measured", &|run| {
            run.arms[0].processes.iter_mut().for_each(|it| watched(it, 12, true));
        }),
        ("it was measured on battery", &|run| {
            run.arms[0].processes.iter_mut().for_each(|it| watched(it, 0, false));
        }),
        ("it has no speed", &|run| {
            run.arms[0].outcome = Outcome::WrongOutput;
            run.arms[0].prompts[0].golden = GoldenResult::Break;
            let wrong = run.arms[0].samples.iter_mut().filter(|sample| sample.prompt_id == "a");
            wrong.for_each(|sample| sample.times = None);
        }),
        ("it has no speed", &|run| {
            run.arms[0].outcome = Outcome::Failed;
            run.arms[0].samples.iter_mut().for_each(|sample| sample.times = None);
        }),
    ];
    for (why, edit) in refusals {
        let (checkout, sha) = checkout();
        let mut run = run_of(&sha, 0.0);
        edit(&mut run);
        run.outcome = run.arms[0].outcome;
        let ended = pin(&checkout, &keep(&checkout, &run), &[]);
        ended.refuses(why, "cargo xtask bench");
        assert_eq!(policy(&checkout), policy_text(), "{why}");
    }
}

#[test]
fn a_reason_has_to_be_given() {
    let (checkout, sha) = checkout();
    let path = keep(&checkout, &run_of(&sha, 0.0));
    let path = path.to_str().unwrap();
    checkout.run(["baseline", "pin", path]).exits(2).says("--reason");
    checkout.run(["baseline", "pin", path, "--reason", " "]).exits(2).says("reason");
    assert_eq!(policy(&checkout), policy_text());
}
