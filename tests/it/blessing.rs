//! `golden bless`: answers become goldens from a record just measured, and from no other.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arcgauge::golden::{GoldenResult, GoldenSet};
use arcgauge::measure::Role;
use arcgauge::record::{Outcome, WorkloadRecord};
use serde_json::{Value, json};

use crate::checkout::{Checkout, edit_json, read_json};
use crate::ended::Ended;
use crate::forged;

const WHY: &str = "the answers were read and are right";

fn bless(checkout: &Checkout, more: &[&str]) -> Ended {
    checkout.run(["golden", "bless", "--reason", WHY].iter().chain(more))
}

/// Every file in the folder, by name; those of the suite `depth` are in a folder of their own.
fn contents(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// Cuts every golden to 8 tokens, as long as the answers of a short bench.
fn shorten_the_goldens(checkout: &Checkout) {
    for id in ["fibonacci", "moe-vs-dense", "openvino-advantages"] {
        edit_json(&checkout.golden(id), |golden| {
            for list in ["token_ids", "runner_up_ids", "logit_margins"] {
                golden[list].as_array_mut().unwrap().truncate(8);
            }
        });
    }
}

#[test]
fn a_model_on_its_first_day_is_measured_unverified_then_blessed_then_verified() {
    let checkout = Checkout::with_own_goldens();
    let sha = checkout.commit();
    let shipped = GoldenSet::load(&checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap();
    let pins = checkout.path("fixtures/prompts/token-ids/tiny-gpt-oss.json");
    let shipped_pins = read_json(&pins);
    fs::remove_dir_all(checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap();
    fs::remove_file(&pins).unwrap();

    // Measured: every value is marked, and the way on is named.
    let first = checkout.bench(&[]);
    first.exits(0).prints("unverified").says("read the unverified answers").says("golden bless");
    first.says("no golden for");
    let record = checkout.only_record();
    assert!(record.arms[0].prompts.iter().all(|prompt| prompt.golden == GoldenResult::None));

    // Blessed from that record, after the CPU has agreed.
    let blessed = bless(&checkout, &["--cross-check"]);
    blessed.exits(0).says("the CPU agrees at all 8 tokens").says("pinned the prompts' token ids");
    assert_eq!(blessed.stderr.matches("blessed: ").count(), 3, "{blessed}");
    let goldens = GoldenSet::load(&checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap().goldens;
    assert_eq!(goldens.len(), 3);
    for (id, golden) in &goldens {
        let shipped = &shipped.goldens[id];
        assert_eq!(golden.token_ids, shipped.token_ids[..8]);
        assert_eq!(golden.prompt_token_ids, shipped.prompt_token_ids);
        assert!(shipped.text.as_ref().unwrap().starts_with(golden.text.as_ref().unwrap()), "{golden:?}");
        let made = &golden.made;
        assert_eq!((made.reason.as_str(), &made.run_id), (WHY, &record.run_id));
        assert_eq!((made.commit.as_ref(), made.first_change), (Some(&sha), None));
    }
    assert_eq!(read_json(&pins)["prompts"], shipped_pins["prompts"]);

    // And verified from then on.
    let next = checkout.bench(&[]);
    next.exits(0);
    assert_eq!(next.stdout.lines().filter(|line| line.ends_with("  match")).count(), 3, "{next}");
    bless(&checkout, &[]).exits(0).says("nothing to bless");
}

#[test]
fn an_answer_that_differs_is_blessed_with_the_place_of_its_first_change() {
    let checkout = Checkout::with_own_goldens();
    shorten_the_goldens(&checkout);
    let file = checkout.golden("fibonacci");
    let right = read_json(&file)["token_ids"].clone();
    edit_json(&file, |golden| golden["token_ids"][3] = json!(1));
    let others =
        || contents(file.parent().unwrap()).into_iter().filter(|(name, _)| !name.contains("fibonacci"));
    let before: Vec<_> = others().collect();

    checkout.bench(&[]).exits(11);
    bless(&checkout, &[]).exits(0).says("fibonacci.json (changed from token 4)").says("git diff fixtures");
    let golden = read_json(&file);
    assert_eq!((&golden["token_ids"], &golden["made"]["first_change"]), (&right, &json!(3)));
    assert_eq!(others().collect::<Vec<_>>(), before, "what matched is left alone");
    checkout.bench(&[]).exits(0);
}

#[test]
fn nothing_is_blessed_without_a_reason_or_without_a_record() {
    let checkout = Checkout::new();
    for empty in ["", "  "] {
        let ended = checkout.run(["golden", "bless", "--reason", empty]);
        ended.refuses("`--reason` is empty", "say why these answers are right");
    }
    checkout.run(["golden", "bless"]).refuses("--reason", "--help");
    bless(&checkout, &[]).refuses("no record in `", "cargo xtask bench");
    bless(&checkout, &["nowhere.json"]).refuses("cannot read `nowhere.json`", "cargo xtask history list");
}

#[test]
fn a_record_of_another_model_is_not_blessed() {
    let checkout = Checkout::with_own_goldens();
    let before = contents(&checkout.path("fixtures/golden/tiny-gpt-oss"));
    forged::store(&checkout, &forged::record());
    let ended = bless(&checkout, &[]);
    ended.refuses("the record measured model `tiny-gpt-oss` (1111", "--model-dir DIR");
    assert_eq!(contents(&checkout.path("fixtures/golden/tiny-gpt-oss")), before);
}

#[test]
fn a_record_of_a_run_that_did_not_come_to_its_end_is_not_blessed() {
    let checkout = Checkout::new();
    let mut record = forged::record_of_the_shipped_model();
    for (outcome, run_id) in [(Outcome::Interrupted, "0000000000aa"), (Outcome::Failed, "0000000000bb")] {
        record.outcome = outcome;
        record.run_id = run_id.into();
        let file = forged::store(&checkout, &record);
        let ended = bless(&checkout, &[file.to_str().unwrap()]);
        ended.refuses("did not come to its end", "cargo xtask bench");
    }
}

#[test]
fn the_answers_of_an_ab_are_not_blessed() {
    let checkout = Checkout::new();
    let file = checkout.store().add(&forged::ab_record()).unwrap();
    bless(&checkout, &[file.to_str().unwrap()])
        .refuses("is of `ab`", "bless a record of `cargo xtask bench`");
}

#[test]
fn generations_that_do_not_agree_with_each_other_are_not_blessed() {
    let checkout = Checkout::new();
    let mut record = forged::record_of_the_shipped_model();
    let mut other = record.arms[0].samples[0].clone();
    (other.role, other.token_ids[199]) = (Role::WarmUp, other.token_ids[199] + 1);
    record.arms[0].samples.push(other);
    forged::store(&checkout, &record);
    bless(&checkout, &[]).refuses("the generations of `fibonacci` do not agree", "output that varies");
}

#[test]
fn a_golden_is_not_replaced_by_a_shorter_one() {
    let checkout = Checkout::with_own_goldens();
    let before = contents(&checkout.path("fixtures/golden/tiny-gpt-oss"));
    let mut record = forged::record_of_the_shipped_model();
    for sample in &mut record.arms[0].samples {
        sample.token_ids.truncate(8);
        let times = sample.times.as_mut().unwrap();
        times.token_ns.truncate(8);
        times.infer_ns.truncate(8);
    }
    record.arms[0].workload = WorkloadRecord::new(record.arms[0].workload.prompts.clone(), 1, 8).unwrap();
    record.arms[0].prompts[0].replay.as_mut().unwrap().token_ids.truncate(8);
    forged::store(&checkout, &record);
    bless(&checkout, &[]).refuses("8 tokens of `fibonacci`, fewer than its golden's 200", "--max-new-tokens");
    assert_eq!(contents(&checkout.path("fixtures/golden/tiny-gpt-oss")), before);
}

#[test]
fn an_altered_record_is_not_blessed() {
    let checkout = Checkout::new();
    let file = forged::store(&checkout, &forged::record_of_the_shipped_model());
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("319,462", "319,463", 1)).unwrap();
    bless(&checkout, &[file.to_str().unwrap()]).refuses("is altered", "measure again");
}

#[test]
fn where_the_newest_record_cannot_be_read_no_older_one_is_blessed_in_its_place() {
    let checkout = Checkout::new();
    let mut record = forged::record_of_the_shipped_model();
    forged::store(&checkout, &record);
    record.when_utc = "2026-11-24T00:00:00Z".into();
    let newest = forged::store(&checkout, &record);
    let text = fs::read(&newest).unwrap();
    fs::write(&newest, &text[..text.len() / 2]).unwrap();
    bless(&checkout, &[]).refuses(newest.file_name().unwrap().to_str().unwrap(), "measure again");
}

#[test]
fn the_cpu_s_veto_stops_a_blessing() {
    let checkout = Checkout::with_own_goldens();
    fs::remove_dir_all(checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap();
    // A device that is wrong the same way every time: it agrees with itself.
    let mut record = forged::record_of_the_shipped_model();
    record.arms[0].device = forged::a_gpu();
    let arm = &mut record.arms[0];
    for tokens in [&mut arm.samples[1].token_ids, &mut arm.prompts[1].replay.as_mut().unwrap().token_ids] {
        tokens[5] = 1;
    }
    forged::store(&checkout, &record);
    let ended = bless(&checkout, &["--cross-check"]);
    ended.exits(11).says("at token 6 of `moe-vs-dense` the record has 1, and the CPU prefers ");
    assert!(!checkout.path("fixtures/golden/tiny-gpt-oss").exists(), "nothing was blessed");
}

#[test]
fn a_first_golden_of_a_gpu_is_blessed_with_the_advice_to_cross_check() {
    let checkout = Checkout::with_own_goldens();
    fs::remove_dir_all(checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap();
    let mut record = forged::record_of_the_shipped_model();
    record.arms[0].device = forged::a_gpu();
    forged::store(&checkout, &record);
    bless(&checkout, &[]).exits(0).says("`--cross-check` compares them with the CPU");
    let made: Value = read_json(&checkout.golden("fibonacci"))["made"].clone();
    assert_eq!(made["device"], "GPU");
}

#[test]
fn the_answers_of_an_emulated_device_are_not_blessed() {
    let checkout = Checkout::with_own_goldens();
    fs::remove_dir_all(checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap();
    let mut record = forged::record_of_the_shipped_model();
    record.arms[0].device = forged::an_emulated_arc();
    forged::store(&checkout, &record);
    bless(&checkout, &[])
        .refuses("emulated device, whose answers are not blessed: a runtime for CPUs", "of the CPU");
    assert!(!checkout.path("fixtures/golden/tiny-gpt-oss").exists(), "nothing was blessed");
}

#[test]
fn an_unverified_run_that_gave_the_goldens_answers_has_nothing_to_bless() {
    let checkout = Checkout::with_own_goldens();
    let before = contents(&checkout.path("fixtures/golden/tiny-gpt-oss"));
    forged::store(&checkout, &forged::record_of_the_shipped_model());
    bless(&checkout, &[]).exits(0).says("nothing to bless");
    assert_eq!(contents(&checkout.path("fixtures/golden/tiny-gpt-oss")), before);
}

#[test]
fn a_record_of_the_user_s_own_text_alone_says_why_there_is_nothing_to_bless() {
    let checkout = Checkout::new();
    let mut record = forged::record_of_the_shipped_model();
    let own = |id: &mut String| *id = format!("own-{id}");
    record.arms[0].prompts.iter_mut().for_each(|prompt| own(&mut prompt.id));
    record.arms[0].samples.iter_mut().for_each(|sample| own(&mut sample.prompt_id));
    let mut prompts = record.arms[0].workload.prompts.clone();
    for prompt in &mut prompts {
        own(&mut prompt.id);
    }
    record.arms[0].workload = WorkloadRecord::new(prompts, 1, 200).unwrap();
    forged::store(&checkout, &record);
    bless(&checkout, &[]).exits(0).says("nothing to bless: the record has no reference prompt");
}

#[test]
fn a_golden_that_was_deleted_or_edited_since_is_not_said_to_be_the_record_s_answer() {
    let checkout = Checkout::with_own_goldens();
    let mut record = forged::record_of_the_shipped_model();
    for prompt in &mut record.arms[0].prompts {
        // As after a run whose answers are the goldens.
        prompt.replay = None;
        prompt.golden = GoldenResult::Match;
    }
    forged::store(&checkout, &record);
    bless(&checkout, &[])
        .exits(0)
        .says("nothing to bless: every answer of this record is its golden already");

    let golden = checkout.golden("fibonacci");
    let shipped = fs::read(&golden).unwrap();
    edit_json(&golden, |golden| golden["token_ids"][3] = json!(7));
    let differs = "its golden differs from that answer now";
    bless(&checkout, &[]).refuses(differs, "`git status fixtures` shows what was changed");
    fs::remove_file(&golden).unwrap();
    bless(&checkout, &[]).refuses("cannot bless `fibonacci`", "run `cargo xtask bench` again");
    bless(&checkout, &[]).refuses("it has no golden now", "restore the golden");
    assert!(!golden.exists(), "a golden was made");
    fs::write(&golden, shipped).unwrap();
    bless(&checkout, &[]).exits(0).says("every answer of this record is its golden already");
}
