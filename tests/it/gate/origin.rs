//! Only what was measured here decides, by what it says and not by where it lies; and it is judged by the base
//! commit, not by itself.

use std::fs;
use std::path::{Path, PathBuf};

use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, History, encode, sha256_of_bytes};
use serde_json::Value;

use super::{ab_of, base, checkout, keep, run_of};
use crate::checkout::Checkout;
use crate::forged_pairs::{judge, judge_by, policy_text};

/// A file of a record that came from somewhere.
fn file_of(checkout: &Checkout, record: &Experiment) -> PathBuf {
    let file = checkout.config().with_file_name(format!("{}.json", record.run_id));
    fs::write(&file, encode(record).unwrap()).unwrap();
    file
}

#[test]
fn a_record_that_lies_under_another_commit_than_it_says_is_refused() {
    let (checkout, sha) = checkout();
    let path = keep(&checkout, &ab_of(&"7".repeat(40), 0.0));
    let folder = path.parent().unwrap();
    fs::rename(folder, folder.with_file_name(&sha)).unwrap();
    let ended = checkout.run(["gate"]);
    ended.exits(2).says("belongs at `a-machine/7777");
    assert_eq!(ended.stdout, "", "nothing is judged");
}

#[test]
fn a_record_of_the_commit_that_was_moved_away_is_refused_and_not_passed_over() {
    let (checkout, sha) = checkout();
    let moved = keep(&checkout, &ab_of(&sha, 5.0));
    fs::create_dir_all(checkout.path("reports/history/elsewhere")).unwrap();
    fs::rename(moved, checkout.path("reports/history/elsewhere/a.json")).unwrap();
    let pass = Experiment { run_id: "00000000000b".into(), ..ab_of(&sha, 0.0) };
    keep(&checkout, &pass);
    checkout.run(["gate"]).exits(2).says("elsewhere/a.json` belongs at `a-machine/");
}

#[test]
fn a_name_that_says_a_later_time_than_the_record_makes_none_the_newest() {
    let (checkout, sha) = checkout();
    let pass = keep(&checkout, &ab_of(&sha, 0.0));
    fs::rename(&pass, pass.with_file_name("20991231T000000Z-abababababab.json")).unwrap();
    checkout.run(["gate"]).exits(2).says("belongs at `");
}

#[test]
fn what_was_imported_decides_nothing_and_is_shown() {
    let (checkout, sha) = checkout();
    let file = file_of(&checkout, &ab_of(&sha, 0.0));
    let before = fs::read(&file).unwrap();
    let ended = checkout.run(["history", "import", file.to_str().unwrap()]);
    ended.exits(0).says("decide nothing here: a sha256 is no signature");
    assert_eq!(fs::read(checkout.path(ended.stdout.trim())).unwrap(), before, "its bytes stay as they are");
    let ended = checkout.run(["gate"]);
    ended
        .exits(20)
        .says("nothing was measured of commit")
        .says("1 record of ")
        .says("not measured here (imported)");
    assert_eq!(ended.stdout, "");
    checkout.run(["history", "list"]).exits(0).prints(", imported");
    checkout.run(["history", "list", "--format", "json"]).prints("\"measured_here\": false");
    // A loss measured here is cleared by no stranger.
    let loss = Experiment {
        run_id: "00000000000a".into(),
        when_utc: "2026-11-23T01:00:00Z".into(),
        ..ab_of(&sha, 5.0)
    };
    keep(&checkout, &loss);
    checkout.run(["gate"]).exits(10);
}

#[test]
fn what_was_measured_here_and_comes_again_by_import_still_decides() {
    let (checkout, sha) = checkout();
    let stored = keep(&checkout, &ab_of(&sha, 0.0));
    checkout.run(["history", "import", stored.to_str().unwrap()]).exits(0).says("1 there already");
    checkout.run(["gate"]).exits(0);
}

#[test]
fn a_record_without_an_origin_or_of_another_installation_decides_nothing() {
    let (checkout, sha) = checkout();
    History::at(checkout.path("reports/history")).add(&ab_of(&sha, 0.0)).unwrap();
    checkout.run(["gate"]).exits(20).says("not measured here (unknown)");
    fs::remove_dir_all(checkout.path("reports")).unwrap();

    keep(&checkout, &ab_of(&sha, 0.0));
    checkout.run(["gate"]).exits(0);
    fs::remove_file(checkout.config().join("arcgauge/installation")).unwrap();
    checkout.run(["gate"]).exits(20).says("not measured here (another installation)");
    fs::remove_file(checkout.path("reports/history/origins.jsonl")).unwrap();
    checkout.run(["gate"]).exits(20).says("not measured here (unknown)");
}

#[test]
fn a_file_that_is_written_over_loses_its_origin() {
    let (checkout, sha) = checkout();
    let slow = keep(&checkout, &ab_of(&sha, 5.0));
    checkout.run(["gate"]).exits(10);
    fs::write(&slow, encode(&ab_of(&sha, 0.0)).unwrap()).unwrap();
    checkout.run(["gate"]).exits(20).says("not measured here (unknown)");
}

#[test]
fn a_time_later_than_now_is_not_taken_in_and_never_the_newest() {
    let (checkout, sha) = checkout();
    let later = Experiment { when_utc: "9999-01-01T00:00:00Z".into(), ..ab_of(&sha, 0.0) };
    let file = file_of(&checkout, &later);
    checkout
        .run(["history", "import", file.to_str().unwrap()])
        .exits(2)
        .says("began at `9999-01-01T00:00:00Z`, which is later than now");
    keep(&checkout, &later);
    checkout.run(["gate"]).exits(2).says("later than now").says("set the clock");
    checkout.run(["history", "list"]).prints("(later than now)");
}

#[test]
fn the_base_commit_s_policy_judges_and_not_the_record_s() {
    let (checkout, sha) = checkout();
    let mut record = ab_of(&sha, 5.0);
    let loose =
        policy_text().replace("\"regressed_beyond_percent\": 1.0", "\"regressed_beyond_percent\": 2.0");
    judge_by(&mut record, loose);
    judge(&mut record);
    keep(&checkout, &record);
    let ended = checkout.run(["gate"]);
    ended.exits(2).says(&format!(
        "was measured by another policy than `ci/gate.json` of its base {}",
        &base(&policy_text())[..12]
    ));
    assert_eq!(ended.stdout, "");
}

#[test]
fn the_base_commit_s_reference_prompts_are_requested_and_not_the_record_s() {
    let (checkout, sha) = checkout();
    let mut record = ab_of(&sha, 0.0);
    record.published.as_mut().unwrap().prompts.truncate(1);
    keep(&checkout, &record);
    checkout.run(["gate"]).exits(2).says("other published values or reference prompts than");
}

#[test]
fn no_baseline_and_no_model_is_accepted_from_a_record_of_elsewhere() {
    let (checkout, sha) = checkout();
    let run = Experiment { run_id: "00000000000c".into(), ..run_of(&sha, 0.0) };
    let path = History::at(checkout.path("reports/history")).add(&run).unwrap();
    let path = path.to_str().unwrap();
    let refused = "was not measured here (origin: unknown), and only what was measured here decides";
    checkout.run(["baseline", "pin", path, "--reason", "it is fast"]).refuses(refused, "measure here");
    checkout.run(["golden", "bless", path, "--reason", "it is right"]).refuses(refused, "measure here");
    checkout
        .run(["golden", "bless", "--reason", "it is right"])
        .refuses("was measured here", "cargo xtask bench");
    let mut newer = Experiment { run_id: "00000000000d".into(), ..run_of(&sha, 0.0) };
    newer.arms[0].prompts.iter_mut().for_each(|prompt| prompt.golden = GoldenResult::None);
    keep(&checkout, &newer);
    checkout.run(["golden", "bless", "--reason", "it is right"]).says("00000000000d.json");
}

/// The file of the pass, after two losses.
fn two_losses_and_a_pass(checkout: &Checkout, sha: &str) -> PathBuf {
    let kept = [(5, 5.0), (6, 5.0), (7, 0.0)].map(|(hour, slower_percent)| {
        let when_utc = format!("2026-11-24T0{hour}:00:00Z");
        let run_id = format!("00000000000{hour}");
        keep(checkout, &Experiment { when_utc, run_id, ..ab_of(sha, slower_percent) })
    });
    let [.., pass] = kept;
    pass
}

/// Two losses need two passes: a copy of one is none.
#[test]
fn copies_of_a_pass_under_other_names_clear_no_more_than_the_one() {
    let copies: [&dyn Fn(&Path) -> PathBuf; 4] = [
        &|file| file.with_file_name("20261124T090000Z-00000000000e.json"),
        &|file| file.with_file_name("20261124T070000Z-00000000000c.json"),
        &|file| file.parent().unwrap().join("more").join(file.file_name().unwrap()),
        &|file| {
            let (commit, machine) = (file.parent().unwrap(), file.ancestors().nth(2).unwrap());
            let other = machine.with_file_name("another-machine");
            other.join(commit.file_name().unwrap()).join(file.file_name().unwrap())
        },
    ];
    for (number, copy) in copies.into_iter().enumerate() {
        let (checkout, sha) = checkout();
        let pass = two_losses_and_a_pass(&checkout, &sha);
        let to = copy(&pass);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&pass, &to).unwrap();
        let ended = checkout.run(["gate"]);
        assert_eq!(ended.code, Some(2), "{number}: {ended}");
        ended.says("belongs at");
    }
}

/// What is edited in a line of the index.
type Edit = fn(&mut Value);

#[test]
fn an_index_that_hides_a_loss_is_refused() {
    let edits: [Edit; 4] = [
        |line| line[0][4]["sha"] = "6".repeat(40).into(),
        |line| line[0][1] = "peers".into(),
        |line| line[0][2] = "00000000000f".into(),
        |line| line[2] = "0".repeat(64).into(),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let (checkout, sha) = checkout();
        two_losses_and_a_pass(&checkout, &sha);
        checkout.run(["gate"]).exits(10);
        let file = checkout.path("reports/history/index.json");
        let text = fs::read_to_string(&file).unwrap();
        let (header, payload) = text.split_once('\n').unwrap();
        let edited = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            if line[0][2] == "000000000006" {
                edit(&mut line);
            }
            line.to_string() + "\n"
        };
        let edited: String = payload.lines().map(edited).collect();
        assert_ne!(edited, payload, "the index has a line of the loss");
        let mut header: Value = serde_json::from_str(header).unwrap();
        header["payload_sha256"] = sha256_of_bytes(&edited).into();
        fs::write(&file, [header.to_string().as_bytes(), b"\n", edited.as_bytes()].concat()).unwrap();
        let ended = checkout.run(["gate"]);
        assert!(matches!(ended.code, Some(10 | 20)), "{number}: {ended}");
    }
}
