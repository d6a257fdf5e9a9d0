//! What the harness costs beside the work of its workers: wall time of `bench`, less cool-down, bandwidth reference,
//! hashing and waiting for the device (each reported by the record), over what the workers took to
//! load, to generate and for untimed passes.
//!
//! `cargo bench --bench harness_cost` runs whole `bench`es with their defaults. It is no Criterion
//! bench: a run takes half a minute, and its record has the ratio.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use arcgauge::record::{HarnessCost, History};

/// Whole runs.
const RUNS: usize = 5;
/// What the ratio is to be at most.
const WANTED: f64 = 1.05;

#[expect(clippy::print_stderr, reason = "a bench talks")]
fn main() {
    // Cargo passes `--bench`; Criterion's own flags mean nothing here, and a list has nothing in it.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let mut ratios: Vec<f64> = (1..=RUNS)
        .map(|run| {
            let cost = cost_of_one_run();
            let ratio = cost.ratio().unwrap_or(f64::NAN);
            eprintln!(
                "run {run}: {ratio:.4} (wall {:.2} s; workers: loads {:.2} s, generations {:.2} s, untimed passes {:.2} s; \
                 apart: hashing {:.2} s, bandwidth reference {:.2} s, cool-down {:.2} s, lock {:.2} s)",
                seconds(cost.wall_ns),
                seconds(cost.load_ns),
                seconds(cost.generation_ns),
                seconds(cost.untimed_pass_ns),
                seconds(cost.hashing_ns),
                seconds(cost.bandwidth_reference_ns),
                seconds(cost.cool_down_ns),
                seconds(cost.lock_wait_ns),
            );
            ratio
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    eprintln!(
        "harness cost: {:.4} x the workers' time, median of {RUNS} (from {:.4} to {:.4}); to be at most {WANTED}",
        ratios[RUNS / 2],
        ratios[0],
        ratios[RUNS - 1]
    );
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// Runs a bare `bench` on the CPU in a checkout of its own.
fn cost_of_one_run() -> HarnessCost {
    let checkout = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    symlink(fixtures, checkout.path().join("fixtures")).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_arcgauge"))
        .args(["bench", "--device", "CPU"])
        .current_dir(checkout.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "`bench` ended with {status}");
    let store = History::at(checkout.path().join("reports/history"));
    store.latest().unwrap().expect("`bench` leaves a record").record.cost.clone()
}
