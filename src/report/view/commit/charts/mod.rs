//! The charts of a run and of an A/B.

mod guards;
mod memory;
mod pairs;
mod steps;

pub(in crate::report) use steps::strip_of_two;

use crate::record::{ArmView, DecisionRecord, Experiment};
use crate::report::chart::Chart;
use crate::report::decision::PairLine;
use crate::report::view::commit::standing::Standing;

/// What a run's tokens, memory and machine looked like; what there is nothing of is not there. Where there
/// is no speed, there are no times of tokens.
pub(super) fn of_run(record: ArmView<'_>, standing: Standing) -> Vec<Chart> {
    let times = match standing {
        Standing::WithoutSpeed => [None, None],
        _ => [steps::strip(record, standing.suffix()), steps::histogram(record, standing.suffix())],
    };
    let others = [memory::chart(record), guards::chart(record)];
    times.into_iter().chain(others).flatten().collect()
}

/// What the pairs of an A/B say; None where there are none.
pub(super) fn of_pairs(
    record: &Experiment,
    pairs: &[PairLine],
    decision: Option<&DecisionRecord>,
) -> Option<Chart> {
    pairs::chart(record, pairs, decision)
}
