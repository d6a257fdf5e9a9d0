//! Energy, from a counter that begins again.

use crate::judge::environment::ProcessGuards;
use crate::sys::{Observed, Unavailable};

/// The energy of the processor's packages, an integrated GPU included, over a process's timed part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnergyUse {
    /// Joules.
    pub joules: f64,
    /// Over this time, ns: whole readings, so a little more than the timed part.
    pub over_ns: u64,
}

/// Adds up each package's counter from reading to reading; one that fell began again at its range. Absent is
/// absent, never 0.
#[must_use]
pub fn energy(process: &ProcessGuards<'_>) -> Observed<EnergyUse> {
    if let Some(reason) = process.uncovered_reason() {
        return Observed::not(reason);
    }
    let readings = process.around();
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
        return Observed::not("there is no reading");
    };
    if first.at_ns == last.at_ns {
        return Observed::not("there is only one reading");
    }
    let mut microjoules: u64 = 0;
    for pair in readings.windows(2) {
        let (before, after) = match (pair[0].energy_microjoules.known(), pair[1].energy_microjoules.known()) {
            (Ok(before), Ok(after)) => (before, after),
            (Err(unavailable), _) | (_, Err(unavailable)) => return Observed::not(unavailable.reason),
        };
        if before.packages() != after.packages() {
            return Observed::not("a package's counter was not there at every reading");
        }
        for (zone, from) in before.iter() {
            let range = || process.log.facts.energy_range_microjoules.known().map(|range| range.of(zone));
            match after.of(zone).map(|to| growth(from, to, range)) {
                Some(Ok(used)) => microjoules = microjoules.saturating_add(used),
                Some(Err(reason)) => return Observed::not(reason),
                None => {
                    return Observed::not(format!("the counter of `{zone}` was not there at every reading"));
                }
            }
        }
    }
    let over_ns = last.at_ns.saturating_sub(first.at_ns);
    Observed::Observed(EnergyUse { joules: microjoules as f64 / 1e6, over_ns })
}

/// How much a counter grew; one that fell began again at its range.
fn growth(
    before: u64,
    after: u64,
    range: impl FnOnce() -> Result<Option<u64>, Unavailable>,
) -> Result<u64, String> {
    if let Some(grown) = after.checked_sub(before) {
        return Ok(grown);
    }
    match range() {
        Ok(Some(range)) if range >= before => Ok((range - before).saturating_add(after)),
        Ok(Some(range)) => {
            Err(format!("the counter fell from `{before}`, which is beyond its range of `{range}`"))
        }
        Ok(None) => Err("the counter began again, and where is not known".to_owned()),
        Err(unavailable) => Err(format!("the counter began again, and where is not known: {unavailable}")),
    }
}
