//! The pairs of a record, as they are told.

use crate::judge::pair_figures;
use crate::record::AbRecord;
use crate::report::decision::PairLine;

/// What each pair of a record says. A pair that a guard spoilt counts where the user asked for that.
#[must_use]
pub fn pair_lines(record: &AbRecord) -> Vec<PairLine> {
    let line = |pair: crate::judge::PairFigures| PairLine {
        first: pair.first,
        difference_percent: pair.tpot_ln().map(|ln| ln.exp_m1() * 100.0),
        spoilt_because: pair.spoilt_because.first().filter(|_| !record.despite_guards).cloned(),
    };
    pair_figures(record).into_iter().map(line).collect()
}
