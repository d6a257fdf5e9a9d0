//! `compare`: how two records are named, what is reported of them, and with which code it ends.

mod forms;
mod in_browser;
mod naming;
mod page;

use std::fs;

use arcgauge::record::Experiment;

use crate::checkout::{Checkout, repository};
use crate::forged;
use crate::history_index::verified;

/// The commit of a forged record.
const FIRST: &str = "5555555555555555555555555555555555555555";
/// Another one.
const SECOND: &str = "5555556666666666666666666666666666666666";

/// A checkout whose store has these.
fn with(records: &[Experiment]) -> Checkout {
    let checkout = Checkout::new();
    for record in records {
        forged::store(&checkout, record);
    }
    checkout
}

/// The same with the pages of its store.
fn with_pages(records: &[Experiment]) -> Checkout {
    let checkout = with(records);
    fs::create_dir_all(checkout.path("ci")).unwrap();
    fs::copy(repository().join("ci/gate.json"), checkout.path("ci/gate.json")).unwrap();
    checkout.commit();
    checkout.run(["report"]).exits(0);
    checkout
}

/// A run of so many processes, each at a pace of its own, ms per token.
fn paced(run_id: &str, sha: &str, paces_ms: &[u64]) -> Experiment {
    let mut record = verified(run_id);
    sha.clone_into(&mut record.arms[0].commit.as_mut().unwrap().sha);
    record.arms[0].workload.runs = paces_ms.len();
    let (sample, process) = (record.arms[0].samples.remove(0), record.arms[0].processes.remove(0));
    for (index, pace_ms) in paces_ms.iter().enumerate() {
        let mut sample = sample.clone();
        sample.process = index;
        let times = sample.times.as_mut().unwrap();
        for (step, token_ns) in (0..).zip(&mut times.token_ns) {
            *token_ns = times.submitted_ns + 200_000_000 + step * pace_ms * 1_000_000;
        }
        record.arms[0].samples.push(sample);
        let mut process = process.clone();
        process.index = index;
        record.arms[0].processes.push(process);
    }
    record
}

fn one() -> Experiment {
    paced("00000000000a", FIRST, &[46, 47, 48])
}

fn other() -> Experiment {
    Experiment { when_utc: "2026-11-23T05:00:00Z".into(), ..paced("00000000000b", SECOND, &[50, 52, 51]) }
}
