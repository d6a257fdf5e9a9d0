//! `doctor`: what was damaged, is held or was left behind is named, and what must be fixed makes it
//! fail.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use arcgauge::sys::{DeviceLock, Waiting};

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::forged;

/// Runs `doctor` on the CPU, with a lock of the checkout's own.
fn doctor(checkout: &Checkout) -> Ended {
    let lock = checkout.path("device.lock");
    checkout.run(["doctor", "--device", "CPU", "--lock", lock.to_str().unwrap()])
}

#[test]
fn a_checkout_in_order_has_nothing_to_fix_about_its_records_lock_and_stale_files() {
    let checkout = Checkout::new();
    let ended = doctor(&checkout);
    ended.exits(0).prints("ok    device lock        free; ").prints("ok    records            none in `");
    assert!(!ended.stdout.contains("FAIL"), "{ended}");
    assert!(!checkout.path("device.lock").exists() && !checkout.path("reports").exists(), "it only looks");
    forged::store(&checkout, &forged::record());
    doctor(&checkout).exits(0).prints("ok    records            1 in `").prints(", all whole\n");
}

#[test]
fn the_guards_that_are_not_observed_are_no_failure() {
    let ended = doctor(&Checkout::new());
    let reported = ["cpu-policy", "ac-power", "cpu-pressure", "swap-in", "gpu-clock", "energy"];
    for guard in reported {
        ended.prints(guard);
    }
    ended.exits(0);
}

#[test]
fn a_damaged_record_is_named_with_its_reason_and_fails_though_others_are_whole() {
    let checkout = Checkout::new();
    let damaged = forged::store(&checkout, &forged::record());
    let mut other = forged::record();
    other.run_id = "ba9876543210".into();
    forged::store(&checkout, &other);
    let mut bytes = fs::read(&damaged).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    fs::write(&damaged, &bytes).unwrap();

    let ended = doctor(&checkout);
    let at = damaged.display();
    ended.exits(20).prints("ok    records            1 in `");
    ended.prints(&format!("FAIL  records            record `{at}` is altered: its payload's sha256 is "));
    ended.prints(&format!("`mv {at} {at}.damaged`")).says(" 1 FAIL, ");
    assert_eq!(fs::read(&damaged).unwrap(), bytes, "it is left as it is");

    fs::rename(&damaged, damaged.with_extension("json.damaged")).unwrap();
    doctor(&checkout).exits(0);
}

#[test]
fn a_held_lock_is_named_with_its_holder() {
    let checkout = Checkout::new();
    let mut goes_on = |_: &str, _: Duration| false;
    let mut waiting = Waiting { patience: Duration::ZERO, goes_on: &mut goes_on };
    let held = DeviceLock::take(&checkout.path("device.lock"), "bench, process 4711", &mut waiting).unwrap();
    doctor(&checkout).exits(0).prints("warn  device lock        held by `bench, process 4711`");
    drop(held);
    doctor(&checkout).exits(0).prints("ok    device lock        free, ");
}

#[test]
fn what_a_killed_process_left_in_the_store_is_told_and_not_removed() {
    let checkout = Checkout::new();
    let folder = forged::store(&checkout, &forged::record());
    let left = folder.with_file_name(".tmpAbCdEf");
    let file = File::create(&left).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(2)).unwrap();
    let ended = doctor(&checkout);
    ended.exits(0).prints("warn  stale files        temporary files of killed processes in `");
    ended.prints("-name '.tmp*' -type f -mmin +60 -delete`");
    assert!(left.is_file());
}
