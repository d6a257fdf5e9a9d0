//! The store keeps records of both kinds apart, and finds the newest of each.

use std::fs;

use arcgauge::error::ErrorKind;
use arcgauge::record::{History, RecordsOfCommit};

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
    let stored = history.add(&ab).unwrap();
    assert!(stored.ends_with(format!("a-machine/{}/20261124T050000Z-abababababab.json", "5".repeat(40))));
    assert_eq!(history.latest().unwrap().unwrap().record, forged::record(), "an A/B is no run to bless");
    let of_head = history.of_commit(&"5".repeat(40)).unwrap().measured_here;
    assert_eq!(of_head, [ab, forged::record()]);
    assert_eq!(history.of_commit(&"4".repeat(40)).unwrap(), RecordsOfCommit::default(), "it is of its head");
    let kinds: Vec<&str> = history.examine().map(|file| file.record.unwrap().plan.as_str()).collect();
    assert_eq!(kinds, ["bench", "ab"]);
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
fn a_record_of_another_kind_or_of_an_older_release_is_refused_by_name() {
    let (_folder, history) = a_store();
    let path = history.add(&forged::record()).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    let refused = |kind: &str| {
        fs::write(&path, whole.replacen("experiment", kind, 1)).unwrap();
        History::read(&path).unwrap_err()
    };
    for older in ["run-record", "ab-record", "peers-record"] {
        let error = refused(older);
        let says = format!("is a `{older}`, which only arcgauge 0.1 and earlier read");
        assert!(error.to_string().contains(&says), "{error}");
        assert_eq!(error.hint_text(), Some("measure again: `cargo xtask bench`"));
    }
    let error = refused("tea-record");
    assert!(error.to_string().contains("is a `tea-record`, not a `experiment`"), "{error}");
}
