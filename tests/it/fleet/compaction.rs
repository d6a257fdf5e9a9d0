//! The files of a month that is over become one, and every record stays, once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use arcgauge::record::PlanKind;

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::fleet::{a_store, at, export, files, names, records, rows};
use crate::forged;
use crate::history_index::verified;

const TABLES: [&str; 4] = ["runs", "samples", "verdicts", "pairs"];

fn compact(checkout: &Checkout) -> Ended {
    checkout.run(["history", "compact", "data"])
}

/// A data set in which two files of one day have a run in common, and no file has all of that day.
fn overlapping() -> Checkout {
    let checkout = a_store();
    forged::store(&checkout, &at("2026-08-30T12:00:00Z", verified("00000000000d")));
    let ab = records(&checkout).into_values().find(|record| record.plan == PlanKind::Ab).unwrap().run_id;
    for records in
        [&["00000000000a", "00000000000b"][..], &["00000000000b", "00000000000d"], &["00000000000c", &ab]]
    {
        export(&checkout, records).exits(0);
    }
    checkout
}

fn files_of(data: &Path, table: &str, month: &str) -> Vec<PathBuf> {
    files(&data.join(table)).into_keys().filter(|path| path.to_str().unwrap().contains(month)).collect()
}

#[test]
fn a_month_that_is_over_becomes_one_file_and_each_record_is_in_it_once() {
    let checkout = overlapping();
    let data = checkout.path("data");
    let before: Vec<_> = TABLES.iter().map(|table| names(&rows(&data, table))).collect();
    assert_eq!(rows(&data, "runs").len(), 7, "one of them twice");
    assert_eq!(files_of(&data, "runs", "month=2026-08").len(), 2);
    compact(&checkout)
        .exits(0)
        .says("14 files of months that are over became 8; 12 rows were in several files");
    let after: Vec<_> = TABLES.iter().map(|table| names(&rows(&data, table))).collect();
    assert_eq!(after, before);
    assert_eq!(rows(&data, "runs").len(), 6);
    assert_eq!(files_of(&data, "runs", "month=2026-08").len(), 1);
    let once = files(&data);
    compact(&checkout).exits(0).says("0 rows were in several files");
    assert_eq!(files(&data), once);
    // Records that are exported again are in two files until the next compaction.
    export(&checkout, &[]).exits(0);
    compact(&checkout).exits(0);
    assert_eq!(files(&data), once);
}

#[test]
fn this_month_stays_as_it_is() {
    let checkout = Checkout::new();
    let now = arcgauge::record::utc_now();
    forged::store(&checkout, &at(&now, verified("00000000000a")));
    export(&checkout, &[]).exits(0);
    let before = files(&checkout.path("data"));
    compact(&checkout).exits(0).says("0 files of months that are over");
    let mut after = files(&checkout.path("data"));
    after.retain(|path, _| path.extension().is_some_and(|it| it == "parquet"));
    assert_eq!(after, before);
}

#[test]
fn a_compaction_that_is_killed_loses_nothing_and_the_next_one_ends_it() {
    let whole = overlapping();
    compact(&whole).exits(0);
    let expected = rows(&whole.path("data"), "runs");
    for round in 0..40_u64 {
        let checkout = Checkout::new();
        copy(&overlapping_data(), &checkout.path("data"));
        let mut child = checkout
            .command(["history", "compact", "data"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(round * 500));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(names(&rows(&checkout.path("data"), "runs")).len(), 6, "round {round}");
        compact(&checkout).exits(0);
        assert_eq!(rows(&checkout.path("data"), "runs"), expected, "round {round}");
    }
}

/// Made once, for it takes longer than a compaction.
fn overlapping_data() -> PathBuf {
    static DATA: std::sync::LazyLock<Checkout> = std::sync::LazyLock::new(overlapping);
    DATA.path("data")
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
}

#[test]
fn what_is_no_data_set_or_is_damaged_is_named_and_nothing_is_removed() {
    let checkout = overlapping();
    checkout
        .run(["history", "compact", "nosuch"])
        .exits(2)
        .refuses("nosuch", "history export --format parquet");
    let victim = files_of(&checkout.path("data"), "runs", "month=2026-08").remove(0);
    let bytes = fs::read(&victim).unwrap();
    let mut chance = fastrand::Rng::with_seed(7);
    for round in 0..300 {
        let mut damaged = bytes.clone();
        match round % 3 {
            0 => damaged.truncate(chance.usize(0..bytes.len())),
            1 => (0..4).for_each(|_| damaged[chance.usize(0..bytes.len())] = chance.u8(..)),
            _ => {
                let footer = bytes.len() - chance.usize(1..bytes.len().min(2000));
                damaged[footer] ^= 1 << chance.u32(0..8);
            }
        }
        fs::write(&victim, &damaged).unwrap();
        let count = files_of(&checkout.path("data"), "runs", "month=2026-08").len();
        let ended = compact(&checkout);
        assert!(matches!(ended.code, Some(0 | 2)), "round {round}: {ended}");
        if ended.code == Some(2) {
            assert!(ended.stderr.contains(victim.file_name().unwrap().to_str().unwrap()), "{ended}");
            assert_eq!(files_of(&checkout.path("data"), "runs", "month=2026-08").len(), count);
        } else {
            fs::remove_dir_all(checkout.path("data")).unwrap();
            copy(&overlapping_data(), &checkout.path("data"));
        }
    }
}
