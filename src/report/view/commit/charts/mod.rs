//! The charts of a run and of an A/B.

mod guards;
mod memory;
mod pairs;
mod steps;

pub(in crate::report) use steps::strip_of_two;

use crate::record::{AbRecord, DecisionRecord, RunRecord};
use crate::report::chart::Chart;
use crate::report::decision::PairLine;

/// What a run's tokens, memory and machine looked like; what there is nothing of is not there.
pub(super) fn of_run(record: &RunRecord) -> Vec<Chart> {
    let charts =
        [steps::strip(record), steps::histogram(record), memory::chart(record), guards::chart(record)];
    charts.into_iter().flatten().collect()
}

/// What the pairs of an A/B say; None where there are none.
pub(super) fn of_pairs(
    record: &AbRecord,
    pairs: &[PairLine],
    decision: Option<&DecisionRecord>,
) -> Option<Chart> {
    pairs::chart(record, pairs, decision)
}
