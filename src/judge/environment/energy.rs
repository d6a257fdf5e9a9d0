//! Energy, from a counter that begins again.

use crate::judge::environment::ProcessGuards;
use crate::measure::Observed;

/// The energy of the processor's package, an integrated GPU included, over a process's timed part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnergyUse {
    /// Joules.
    pub joules: f64,
    /// Over this time, ns: whole readings, so a little more than the timed part.
    pub over_ns: u64,
}

/// Adds up the counter from reading to reading; where it fell it began again at its range. Absent is
/// absent, never 0.
#[must_use]
pub fn energy(process: &ProcessGuards<'_>) -> Observed<EnergyUse> {
    if let Some(because) = process.uncovered_because() {
        return Observed::not(because);
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
            (Ok(before), Ok(after)) => (*before, *after),
            (Err(unavailable), _) | (_, Err(unavailable)) => return Observed::not(unavailable.because),
        };
        let used = if after >= before {
            after - before
        } else {
            match process.log.facts.energy_range_microjoules.known() {
                Ok(range) if *range >= before => (range - before).saturating_add(after),
                Ok(range) => {
                    return Observed::not(format!(
                        "the counter fell from `{before}`, which is beyond its range of `{range}`"
                    ));
                }
                Err(unavailable) => {
                    return Observed::not(format!(
                        "the counter began again, and where is not known: {unavailable}"
                    ));
                }
            }
        };
        microjoules = microjoules.saturating_add(used);
    }
    let over_ns = last.at_ns.saturating_sub(first.at_ns);
    Observed::Observed(EnergyUse { joules: microjoules as f64 / 1e6, over_ns })
}
