//! How the records are named, and the exit codes.

use std::fs;

use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, History, Outcome};
use serde_json::Value;

use super::{SECOND, one, other, paced, with};
use crate::forged;

#[test]
fn a_record_is_named_by_its_file_its_run_its_commit_or_as_the_latest() {
    let checkout = with(&[one()]);
    let file = forged::store(&checkout, &other());
    for name in ["00000000000b", "5555556", SECOND, "latest", file.to_str().unwrap()] {
        let ended = checkout.run(["compare", "00000000000a", name]);
        ended.exits(0).prints("00000000000b compared with 00000000000a\n").prints("tpot@1 ");
    }
    let latest = checkout.run(["compare", "5555555", "latest"]);
    latest.says("A: the newest complete run of commit 555555555555: 00000000000a of 2026-11-23T04:49:20Z");
    latest.says("B: `latest` is 00000000000b of 2026-11-23T05:00:00Z on a-machine");
    let before = checkout.run(["compare", "latest~1", "latest"]);
    before.exits(0).prints("00000000000b compared with 00000000000a\n");
    checkout.run(["compare", "latest~2", "latest"]).exits(2).says("no record of `latest~2`");
    let json = checkout.run(["compare", "00000000000a", "latest", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.exits(0).stdout).unwrap()["comparability"], "same");
    checkout
        .run(["compare", "00000000000a", "latest", "--format", "markdown"])
        .prints("### 00000000000b compared with ");
}

#[test]
fn of_a_commit_the_newest_complete_run_of_its_clean_tree_is_taken() {
    let at = |record: Experiment, when: &str| Experiment { when_utc: when.into(), ..record };
    let mut dirty = at(paced("00000000000d", SECOND, &[1]), "2026-11-24T05:00:00Z");
    dirty.arms[0].commit.as_mut().unwrap().dirty = true;
    let mut wrong = at(paced("00000000000e", SECOND, &[1]), "2026-11-25T05:00:00Z");
    wrong.outcome = Outcome::WrongOutput;
    wrong.arms[0].prompts[0].golden = GoldenResult::Break;
    wrong.arms[0].samples[0].times = None;
    let newer = at(paced("00000000000c", SECOND, &[49]), "2026-11-23T06:00:00Z");
    let checkout = with(&[one(), other(), newer, dirty, wrong.clone()]);
    checkout
        .run(["compare", "00000000000a", SECOND])
        .exits(0)
        .prints("00000000000c compared with 00000000000a\n");
    let mut alone = wrong;
    alone.arms[0].commit.as_mut().unwrap().sha = "7".repeat(40);
    alone.run_id = "00000000000f".into();
    forged::store(&checkout, &alone);
    let refused = checkout.run(["compare", "00000000000a", "7777"]);
    refused.refuses("none of the 1 runs of commit 777777777777 is complete", "history list");
    let shown = checkout.run(["compare", "00000000000a", "00000000000f"]);
    shown.exits(13).prints("B has no speed: its output is wrong\n").prints("FAIL break");
}

#[test]
fn a_revision_is_one_of_the_checkout() {
    let checkout = with(&[one()]);
    let sha = checkout.commit();
    forged::store(&checkout, &paced("00000000000b", &sha, &[48]));
    checkout
        .run(["compare", "00000000000a", "HEAD"])
        .exits(0)
        .prints("00000000000b compared with 00000000000a\n");
    checkout.run(["compare", "no-branch", "HEAD"]).refuses("A: no record of `no-branch`", "history list");
}

#[test]
fn what_cannot_be_told_apart_or_is_not_there_is_refused() {
    let checkout = with(&[one(), other()]);
    let refuses = |a: &str, b: &str, fault: &str, help: &str| {
        checkout.run(["compare", a, b]).refuses(fault, help);
    };
    refuses(
        "5555",
        "latest",
        "A: `5555` begins the sha of several commits: `555555555555`, `555555666666`",
        "more digits",
    );
    refuses("latest", "00000000000c", "B: no record of `00000000000c`", "history list");
    refuses("latest", "none.json", "B: cannot read `none.json`", "history list");
    refuses("latest", "00000000000b", "`latest` and `00000000000b` are one record", "history list");
    let ab = History::at(checkout.path("reports/history")).add(&forged::ab_record()).unwrap();
    refuses(ab.to_str().unwrap(), "latest", "is an A/B", "cargo xtask history show");
    fs::write(checkout.path("cut.json"), "{\"cut").unwrap();
    refuses("cut.json", "latest", "A: record `cut.json` has no header line", "cargo xtask history list");
    fs::write(checkout.path("passwd"), "root:x:0:0\nother:x:1:1\n").unwrap();
    refuses("passwd", "latest", "A: record `passwd` has a first line that is no header", "it is no record");
    let empty = checkout.run(["compare", "latest", "latest", "--store", "nowhere"]);
    empty.refuses("A: no record of `latest` in `nowhere`: there is no run", "cargo xtask bench");
    assert!(!checkout.path("nowhere").exists());
}

#[test]
fn unlike_things_are_shown_and_end_with_a_code_that_no_script_takes_for_equal() {
    let mut b = other();
    b.arms[0].model.sha256 = "9".repeat(64);
    let checkout = with(&[one(), b]);
    let ended = checkout.run(["compare", "00000000000a", "00000000000b"]);
    ended.exits(13).prints("NOT COMPARABLE: not the same model").prints(" 47.00 ").prints(" 51.00 ");
    assert!(!ended.stdout.contains(" %"), "{ended}");
    ended.prints("cargo xtask ab --base 555555555555 --head 555555666666");
}
