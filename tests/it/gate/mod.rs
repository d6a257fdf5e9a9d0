//! The gate as it is called, in a checkout of its own, on records that were put into its store.

mod baseline;
mod calibration;
mod found;
mod github;
mod replay;
mod repository;
mod verdicts;

use std::fs;
use std::path::PathBuf;

use arcgauge::record::{AbRecord, History, Kept, RunRecord};

use crate::checkout::{self, Checkout};
use crate::forged_pairs::{ab, around, judge};

/// A checkout with the shipped policy and one commit, and that commit's sha.
fn checkout() -> (Checkout, String) {
    let checkout = Checkout::new();
    let sha = checkout.commit();
    (checkout, sha)
}

/// Commits a file, and gives the sha.
fn commit(checkout: &Checkout, name: &str) -> String {
    fs::write(checkout.path(name), "").unwrap();
    checkout.git(&["add", "--all"]);
    checkout.git(&["commit", "--quiet", "--message", name]);
    checkout.git(&["rev-parse", "HEAD"]).trim().to_owned()
}

/// An A/B of this head that is so many percent slower.
fn ab_of(head: &str, slower_percent: f64) -> AbRecord {
    of(head, ab(&around(slower_percent, 0.3, 5)))
}

/// The record, as one of this head.
fn of(head: &str, mut record: AbRecord) -> AbRecord {
    head.clone_into(&mut record.head.run.commit.as_mut().unwrap().sha);
    judge(&mut record);
    record
}

/// A `bench` of this commit: the head of an A/B alone.
fn run_of(sha: &str, slower_percent: f64) -> RunRecord {
    ab_of(sha, slower_percent).head.run
}

/// Puts a record into the checkout's store.
fn keep<R: Kept>(checkout: &Checkout, record: &R) -> PathBuf {
    History::at(checkout.path("reports/history")).add(record).unwrap()
}
