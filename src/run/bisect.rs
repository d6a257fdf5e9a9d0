//! A bisect: comparisons of two sides, each an experiment of its own, until one side is named or the comparisons cannot decide.

use crate::error::Result;
use crate::judge::bisect::{Comparison, Ending, Next, Step, next};

/// Compares sides until there is an answer. `steps` are comparisons that were made before; each new one is added.
/// `compare` measures one, and gives None where it came to no end: then there is no answer, either.
///
/// # Errors
/// As `compare`.
pub fn bisect(
    last: usize,
    steps: &mut Vec<Step>,
    compare: &mut dyn FnMut(&Comparison) -> Result<Option<Step>>,
) -> Result<Option<Ending>> {
    loop {
        match next(last, steps) {
            Next::Ended(ending) => return Ok(Some(ending)),
            Next::Compare(comparison) => match compare(&comparison)? {
                Some(step) => steps.push(step),
                None => return Ok(None),
            },
        }
    }
}
