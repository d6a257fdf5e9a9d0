//! `compare`: how two records are named, what is told of them, and with which code it ends.

mod forms;
mod in_browser;
mod naming;
mod page;

use arcgauge::record::RunRecord;

use crate::history_index::verified;

/// The commit of a forged record.
const FIRST: &str = "5555555555555555555555555555555555555555";
/// Another one.
const SECOND: &str = "5555556666666666666666666666666666666666";

/// A run of so many processes, each at a pace of its own, ms per token.
fn paced(run_id: &str, sha: &str, paces_ms: &[u64]) -> RunRecord {
    let mut record = verified(run_id);
    sha.clone_into(&mut record.commit.as_mut().unwrap().sha);
    record.workload.runs = paces_ms.len();
    let (sample, process) = (record.samples.remove(0), record.processes.remove(0));
    for (index, pace_ms) in paces_ms.iter().enumerate() {
        let mut sample = sample.clone();
        sample.process = index;
        let times = sample.times.as_mut().unwrap();
        for (step, token_ns) in (0..).zip(&mut times.token_ns) {
            *token_ns = times.submitted_ns + 200_000_000 + step * pace_ms * 1_000_000;
        }
        record.samples.push(sample);
        let mut process = process.clone();
        process.index = index;
        record.processes.push(process);
    }
    record
}

fn one() -> RunRecord {
    paced("00000000000a", FIRST, &[46, 47, 48])
}

fn other() -> RunRecord {
    RunRecord { when_utc: "2026-11-23T05:00:00Z".into(), ..paced("00000000000b", SECOND, &[50, 52, 51]) }
}
