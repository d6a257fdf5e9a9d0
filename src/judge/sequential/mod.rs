//! The paired, interleaved, sequential test that decides whether a change made decoding slower.
//!
//! Each pair is a fresh process of the base and one of the head, adjacent in time. What it says is one
//! number: the mean over the prompts of ln(`tpot_head` / `tpot_base`). A machine that drifts moves both
//! sides of a pair alike, and so moves no difference.
//!
//! At each look, one-sided Student-t bounds L and U are put around the mean of the differences, and the
//! first look that decides ends the test:
//!
//! | holds | is |
//! |---|---|
//! | L > ln(1 + `regressed_beyond_percent` / 100) | regressed; tested first |
//! | U < ln(1 + `passes_within_percent` / 100) | passed; improved where also U < 0 |
//! | neither, and there is a further look | undecided |
//! | neither, at the last look | inconclusive |

mod interval;
mod looks;
mod power;
#[cfg(test)]
mod tests;

pub use interval::Interval;
pub use looks::{LOOK_ALPHA, LOOKS, Look};
pub use power::smallest_seen_percent;

use crate::error::{Error, Result};

/// Which changes count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// A slow-down that is proven to be larger than this is a regression, percent.
    pub regressed_beyond_percent: f64,
    /// Where a slow-down of this much or more is excluded, the change passes, percent.
    pub passes_within_percent: f64,
}

impl Rule {
    /// The first threshold on the scale of the differences.
    #[must_use]
    pub fn regressed_beyond_ln(&self) -> f64 {
        (self.regressed_beyond_percent / 100.0).ln_1p()
    }

    /// The second threshold on the scale of the differences.
    #[must_use]
    pub fn passes_within_ln(&self) -> f64 {
        (self.passes_within_percent / 100.0).ln_1p()
    }
}

/// What the pairs say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequentialOutcome {
    /// The head is slower, beyond what is tolerated.
    Regressed,
    /// The head is faster.
    Improved,
    /// The head is not slower, or by less than counts.
    Pass,
    /// More pairs will tell.
    Undecided {
        /// Pairs at which the next verdict may fall.
        next_look: usize,
    },
    /// All pairs are measured, or no more will be, and they do not tell.
    Inconclusive,
}

/// What the pairs say, and by what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialResult {
    /// The word.
    pub outcome: SequentialOutcome,
    /// The pairs that it rests on: those of the look that decided, or all so far. None where there are
    /// fewer than two. A decision at a look has the look's own t, and only that one bears a verdict:
    /// between looks this is what has been learnt so far.
    pub interval: Option<Interval>,
}

impl SequentialResult {
    /// The same where no more pairs will be measured, as when a time budget has ended: what is undecided
    /// is inconclusive, as learnt so far. This gives no verdict a further chance, so it costs no errors.
    #[must_use]
    pub fn ended(self) -> Self {
        match self.outcome {
            SequentialOutcome::Undecided { .. } => Self { outcome: SequentialOutcome::Inconclusive, ..self },
            _ => self,
        }
    }

    /// Whether no further pair would change it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self.outcome, SequentialOutcome::Undecided { .. })
    }
}

/// Judges the pairs measured so far, in their order. Looks are taken in order, too: pairs after the look
/// that decided are not looked at, so a stored session gives its verdict again. A rule of no number
/// passes nothing and fails nothing.
///
/// # Errors
/// A difference that is of no ratio: not finite, or of times that are apart beyond all numbers. It comes
/// from a time that is none, which no verdict can rest on.
pub fn sequential(differences_ln: &[f64], rule: &Rule) -> Result<SequentialResult> {
    if let Some(at) = differences_ln.iter().position(|difference| !difference.exp().is_normal()) {
        return Err(Error::harness(format!(
            "pair `{}` has a difference of `{}`, which no ratio of two times has",
            at + 1,
            differences_ln[at]
        ))
        .hint("measure again; a time in its records is not one"));
    }
    for look in LOOKS {
        let Some(pairs) = differences_ln.get(..look.pairs) else { break };
        let interval = Interval::of(pairs);
        if let Some(outcome) = interval.and_then(|interval| decide(&interval, rule)) {
            return Ok(SequentialResult { outcome, interval });
        }
    }
    let measured = &differences_ln[..differences_ln.len().min(Look::LAST.pairs)];
    let next = Look::pairs_after(measured.len());
    let outcome =
        next.map_or(SequentialOutcome::Inconclusive, |next_look| SequentialOutcome::Undecided { next_look });
    Ok(SequentialResult { outcome, interval: Interval::of(measured) })
}

fn decide(interval: &Interval, rule: &Rule) -> Option<SequentialOutcome> {
    if interval.lower_ln() > rule.regressed_beyond_ln() {
        return Some(SequentialOutcome::Regressed);
    }
    let upper_ln = interval.upper_ln();
    let word = if upper_ln < 0.0 { SequentialOutcome::Improved } else { SequentialOutcome::Pass };
    (upper_ln < rule.passes_within_ln()).then_some(word)
}
