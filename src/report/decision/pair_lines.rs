//! The pairs of a record, as they are reported.

use crate::judge::pair_figures;
use crate::record::Experiment;
use crate::report::decision::PairLine;

/// What each pair of a record says. A pair that a guard invalidated counts where the user requested that.
#[must_use]
pub fn pair_lines(record: &Experiment) -> Vec<PairLine> {
    let line = |pair: crate::judge::PairFigures| {
        let reason = pair.invalidated_by.first().cloned();
        let (counts_despite, invalidated_by) =
            if record.sampling.ignore_guards { (reason, None) } else { (None, reason) };
        PairLine {
            first: pair.first,
            difference_percent: pair.tpot_ln().map(|ln| ln.exp_m1() * 100.0),
            invalidated_by,
            counts_despite,
        }
    };
    pair_figures(record).into_iter().map(line).collect()
}
