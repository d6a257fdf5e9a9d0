//! The verbs of `history`: what they print, what they refuse, and that they leave everything else alone.

use std::fs;
use std::path::{Path, PathBuf};

use arcgauge::record::{Experiment, History, encode};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::checkout::{Checkout, repository};
use crate::forged;
use crate::history_index::verified;

fn import(checkout: &Checkout, files: &[&Path]) -> crate::ended::Ended {
    let words = ["history", "import"].map(PathBuf::from);
    checkout.run(words.iter().map(PathBuf::as_path).chain(files.iter().copied()))
}

/// A record file whose payload was edited and given a new sha256, as by a later arcgauge.
pub(crate) fn edited(record: &Experiment, edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let encoded = encode(record).unwrap();
    let text = String::from_utf8(encoded).unwrap();
    let (header, payload) = text.split_once('\n').unwrap();
    let mut payload: Value = serde_json::from_str(payload).unwrap();
    edit(&mut payload);
    let payload = payload.to_string() + "\n";
    let mut header: Value = serde_json::from_str(header).unwrap();
    let digest = Sha256::digest(payload.as_bytes());
    header["payload_sha256"] =
        digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")).into();
    format!("{header}\n{payload}").into_bytes()
}

#[test]
fn a_list_has_a_line_a_record_and_filters_that_leave_some_out() {
    let checkout = Checkout::new();
    checkout.run(["history", "list"]).exits(0).says("no such record in `");
    forged::store(&checkout, &verified("00000000000a"));
    History::at(checkout.path("reports/history")).add(&forged::ab_record()).unwrap();
    let list = checkout.run(["history", "list"]);
    list.exits(0)
        .prints("00000000000a  555555555555  2026-11-23T04:49  10.20       -  valid\n")
        .prints("ab: pass");
    let list = checkout.run(["history", "list", "--wide"]);
    list.exits(0).prints("commit").prints("TPOT ms");
    let line = |kind: &str| list.stdout.lines().find(|line| line.contains(kind)).unwrap().to_owned();
    for cell in ["555555555555", "2026-11-23T04:49", "a-machine", "CPU", "10.20", "47.00", "match"] {
        assert!(line(" bench ").contains(cell), "{list}");
    }
    assert!(line(" ab ").contains("pass"), "{list}");
    let count = |more: &[&str]| {
        let words = ["history", "list", "--format", "json"].iter().chain(more);
        let listed: Value = serde_json::from_str(&checkout.run(words).exits(0).stdout).unwrap();
        listed["records"].as_array().unwrap().len()
    };
    assert_eq!([count(&[]), count(&["--limit", "1"])], [2, 1]);
    assert_eq!([count(&["--commit", "5555"]), count(&["--commit", "4444"])], [2, 0]);
    assert_eq!([count(&["--machine", "a-mach"]), count(&["--machine", "other"])], [2, 0]);
    checkout.run(["history", "list", "--commit", "HEAD"]).refuses("`HEAD` does not begin", "git rev-parse");
}

#[test]
fn every_damaged_record_is_named_with_its_reason_and_fails_the_verification() {
    let checkout = Checkout::new();
    let path = forged::store(&checkout, &forged::record());
    checkout.run(["history", "verify"]).exits(0).prints("1 intact, 0 damaged in `");
    fs::write(path.with_file_name("cut.json"), "{\"cut o").unwrap();
    let ended = checkout.run(["history", "verify"]);
    ended.exits(20).prints("cut.json` has no header line").prints("1 intact, 1 damaged in `");
    checkout.run(["history", "list"]).exits(0).prints("a-machine").says("cut.json` has no header line");
}

#[test]
fn a_record_is_taken_byte_for_byte_fields_of_a_later_arcgauge_among_them_and_once() {
    let checkout = Checkout::new();
    let later = edited(&forged::record(), |payload| payload["noise_floor"] = 0.25.into());
    let later = String::from_utf8(later).unwrap().replacen(r#""minor":0"#, r#""minor":1"#, 1).into_bytes();
    let file = checkout.path("anything");
    fs::write(&file, &later).unwrap();
    let ended = import(&checkout, &[&file]);
    ended.exits(0).says("1 added, 0 there already, 0 refused");
    let stored = checkout.path(ended.stdout.trim());
    assert_eq!(fs::read(&stored).unwrap(), later);
    import(&checkout, &[&file]).exits(0).says("0 added, 1 there already, 0 refused");

    fs::write(&file, encode(&forged::record()).unwrap()).unwrap();
    import(&checkout, &[&file]).exits(2).says("has the same id and says something else");
    assert_eq!(fs::read(&stored).unwrap(), later, "what is there stays");
}

#[test]
fn a_record_of_every_schema_that_was_released_can_be_taken_and_listed() {
    let checkout = Checkout::new();
    let records = repository().join("fixtures/records");
    import(&checkout, &[&records]).exits(0).says("2 added, 0 there already, 0 refused");
    checkout.run(["history", "verify"]).exits(0).prints("2 intact, 0 damaged");
    let list = checkout.run(["history", "list"]);
    assert!(list.stdout.contains("f1f7242eaa47 ") && list.stdout.contains("abababababab "), "{list}");
}

#[test]
fn what_is_damaged_or_leads_out_of_the_store_is_refused_and_the_others_are_taken() {
    let checkout = Checkout::new();
    let folder = checkout.path("theirs");
    fs::create_dir(&folder).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    let hostile = |edit: fn(&mut Value)| edited(&verified("00000000000c"), edit);
    write("whole.json", &encode(&verified("00000000000a")).unwrap());
    write("cut.json", &encode(&verified("00000000000b")).unwrap()[..900]);
    write("slug.json", &hostile(|it| it["machine"]["slug"] = "../../out".into()));
    write("sha.json", &hostile(|it| it["arms"][0]["commit"]["sha"] = "../../../out".into()));
    write("id.json", &hostile(|it| it["run_id"] = "../../../../out".into()));
    let ended = import(&checkout, &[&folder]);
    ended.exits(2).says("1 added, 0 there already, 4 refused").says("is no plain name");
    ended.says("not 40 hexadecimal digits").says("not 12 hexadecimal digits").says("is altered");
    assert_eq!(checkout.record_files().len(), 1);
    assert!(fs::read_dir(checkout.path("")).unwrap().all(|entry| entry.unwrap().file_name() != "out"));
}

#[test]
fn an_exported_store_is_a_store_and_a_series_is_csv() {
    let checkout = Checkout::new();
    forged::store(&checkout, &verified("00000000000a"));
    let mut other = verified("00000000000b");
    other.machine.sha256 = "9".repeat(64);
    other.machine.slug = "another".into();
    forged::store(&checkout, &other);
    checkout.run(["history", "export", "--output", "out"]).exits(0).says("2 records in `out`");
    checkout.run(["history", "verify", "--store", "out"]).exits(0).prints("2 intact, 0 damaged in `out`");
    checkout
        .run(["history", "export", "--format", "csv"])
        .refuses("these records are of several series: ", "--series ID");
    let csv = checkout.run(["history", "export", "--format", "csv", "--machine", "another"]);
    csv.exits(0).prints("time,commit,ttft@1,tpot@1,").prints(",47,0.294,");
    checkout.run(["history", "export"]).exits(2);
    checkout.run(["history", "rebuild"]).exits(0).says("index: 2 records of `");
    assert_eq!(fs::read_dir(checkout.path("reports/history/csv")).unwrap().count(), 2, "a file a series");
    checkout.run(["history", "verify"]).exits(0).prints("2 intact, 0 damaged");
}

#[test]
fn the_store_is_the_flag_s_else_the_setting_s_else_the_checkout_s() {
    let checkout = Checkout::new();
    let in_store = |words: &[&str], says: &str| {
        checkout.run(["history", "verify"].iter().chain(words)).exits(0).prints(says);
    };
    in_store(&[], "reports/history`");
    checkout
        .run(["history", "use", "stored here"])
        .refuses("there is no folder `stored here`", "mkdir -p 'stored here'");
    fs::create_dir(checkout.path("stored here")).unwrap();
    checkout.run(["history", "use", "stored here"]).exits(0).says("records are now stored in `");
    in_store(&[], "/stored here`");
    in_store(&["--store", "elsewhere"], " in `elsewhere`");
    let lock = checkout.lock();
    let doctor = checkout.run(["doctor", "--device", "CPU", "--lock", lock.to_str().unwrap()]);
    doctor.prints("stored here`").prints("named by `history use`");
    checkout.bench(&[]).exits(0);
    assert_eq!(History::at(checkout.path("stored here")).files().len(), 1);
    assert!(!checkout.path("reports/history").exists());
    checkout.run(["history", "forget"]).exits(0);
    in_store(&[], "reports/history`");
    fs::write(checkout.path("file"), "").unwrap();
    checkout.run(["history", "use", "file"]).refuses("`file` is no folder", "name a folder");
}

#[test]
fn an_ab_record_is_shown_from_its_file() {
    let checkout = Checkout::new();
    let path = History::at(checkout.path("reports/history")).add(&forged::ab_record()).unwrap();
    checkout.run(["history", "show", path.to_str().unwrap()]).exits(0).prints("a-branch").prints("main");
}
