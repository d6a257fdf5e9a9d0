//! Memory by phase.

use crate::measure::supervisor::{PhaseMemory, Purpose};
use crate::record::ArmView;
use crate::report::chart::{Chart, Memory, MemoryBar, MemoryPhase};
use crate::sys::MemoryReading;

/// A phase, and where it stands in a record.
type Phase = (&'static str, fn(&PhaseMemory) -> &MemoryReading);

const PHASES: [Phase; 3] = [
    ("load", |memory| &memory.load),
    ("prefill", |memory| &memory.prefill),
    ("decode", |memory| &memory.decode),
];

/// The highest resident set of each phase and process; None where none was read.
pub(super) fn chart(record: ArmView<'_>) -> Option<Chart> {
    let processes: Vec<_> =
        record.processes.iter().filter(|process| process.purpose == Purpose::Measured).collect();
    let bar = |process: &&crate::record::ProcessRecord, of: fn(&PhaseMemory) -> &MemoryReading| MemoryBar {
        label: format!("process {}", process.index + 1),
        mib: of(&process.memory).peak_rss_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)),
    };
    let phases: Vec<MemoryPhase> = PHASES
        .iter()
        .map(|(name, of)| MemoryPhase {
            name: (*name).to_owned(),
            bars: processes.iter().map(|process| bar(process, *of)).collect(),
        })
        .collect();
    let is_known = phases.iter().flat_map(|phase| &phase.bars).any(|bar| bar.mib.is_some());
    let memory = Memory {
        title: "Memory by phase".to_owned(),
        description: "Prefill and decode are those of the warm-up.".to_owned(),
        metric: "resident memory, peak".to_owned(),
        phases,
    };
    is_known.then(|| memory.chart())
}
