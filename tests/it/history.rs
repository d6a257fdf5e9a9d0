//! The store keeps records of both kinds apart, finds the newest of each, and takes none that is altered.

use std::fs;

use arcgauge::error::ErrorKind;
use arcgauge::record::{AbRecord, AnyRecord, History, Kept, RecordsOfCommit, open, seal};

use crate::checkout::store_of;
use crate::forged;

/// A store in a folder that goes with it.
pub(crate) fn a_store() -> (tempfile::TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = store_of(folder.path(), folder.path().join("store"));
    (folder, history)
}

#[test]
fn both_kinds_are_kept_and_the_newest_of_each_is_found() {
    let (_folder, history) = a_store();
    history.add(&forged::record()).unwrap();
    let ab = forged::ab_record();
    let kept = history.add(&ab).unwrap();
    assert!(kept.ends_with(format!("a-machine/{}/20261124T050000Z-abababababab.json", "5".repeat(40))));
    assert_eq!(history.latest().unwrap().unwrap().record, forged::record(), "an A/B is no run to bless");
    let of_head = history.of_commit(&"5".repeat(40)).unwrap().measured_here;
    assert_eq!(of_head, [AnyRecord::Ab(Box::new(ab)), AnyRecord::Run(Box::new(forged::record()))]);
    assert_eq!(history.of_commit(&"4".repeat(40)).unwrap(), RecordsOfCommit::default(), "it is of its head");
    let kinds: Vec<&str> = history.examine().map(|file| file.record.unwrap().kind()).collect();
    assert_eq!(kinds, ["run-record", "ab-record"]);
}

#[test]
fn a_damaged_record_that_may_be_the_newest_is_an_error_and_not_passed_over() {
    let (_folder, history) = a_store();
    let path = history.add(&forged::ab_record()).unwrap();
    fs::write(path.with_file_name("20271124T050000Z-000000000000.json"), "cut o").unwrap();
    let error = history.of_commit(&"5".repeat(40)).unwrap_err();
    assert!(error.to_string().contains("20271124T050000Z-000000000000.json` has no header"), "{error}");
    for hostile in ["../..", "HEAD", ""] {
        assert_eq!(history.of_commit(hostile).unwrap_err().kind(), ErrorKind::Input);
    }
}

#[test]
fn a_record_of_one_kind_is_not_read_as_another() {
    let (_folder, history) = a_store();
    let path = history.add(&forged::record()).unwrap();
    let error = History::read_as::<AbRecord>(&path).unwrap_err();
    assert!(error.to_string().contains("is a `run-record`, not a ab-record"), "{error}");
    let other = fs::read_to_string(&path).unwrap().replacen("run-record", "tea-record", 1);
    fs::write(&path, other).unwrap();
    let error = History::read_any(&path).unwrap_err();
    assert!(error.to_string().contains("is a `tea-record`, which is not known here"), "{error}");
    assert_eq!(error.hint_text(), Some("use a newer arcgauge"));
}

/// Every byte flipped, and every shorter file.
fn no_alteration_is_read<R: Kept + std::fmt::Debug>(record: &R) {
    let sealed = seal(record).unwrap();
    let payload = sealed.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        if let Ok(read) = open::<R>(&altered, "a record") {
            assert!(at < payload && read == *record, "byte {at}");
        }
        if let Ok(read) = AnyRecord::open(&altered, "a record") {
            assert!(at < payload, "byte {at} of {read:?}");
        }
        assert!(AnyRecord::open(&sealed[..at], "a record").is_err(), "cut off at {at}");
    }
}

#[test]
fn no_byte_of_either_kind_can_be_flipped_or_cut_off_unseen() {
    no_alteration_is_read(&forged::record());
    no_alteration_is_read(&forged::ab_record());
}
