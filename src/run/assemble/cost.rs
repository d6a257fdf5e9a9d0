//! What the time of a session went into.

use crate::measure::Sample;
use crate::measure::supervisor::Session;
use crate::record::HarnessCost;

/// Adds the loads and answers of a session.
pub(super) fn add(cost: &mut HarnessCost, session: &Session) {
    let loads = session.processes.iter().filter_map(|process| process.loaded.as_ref());
    let samples = session.processes.iter().flat_map(|process| &process.samples);
    cost.load_ns +=
        loads.map(|loaded| loaded.load_ended_ns.saturating_sub(loaded.load_started_ns)).sum::<u64>();
    cost.generation_ns += samples.map(duration_ns).sum::<u64>();
}

/// From the prompt to the last token of its answer.
pub(super) fn duration_ns(sample: &Sample) -> u64 {
    sample.token_ns.last().map_or(0, |last| last.saturating_sub(sample.submitted_ns))
}
