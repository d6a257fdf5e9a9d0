//! Settings that must stay as they are while processes are compared.

use crate::judge::environment::ProcessGuards;
use crate::judge::environment::finding::{GuardState, Observation};
use crate::judge::environment::observation::known;
use crate::measure::guard::MachineFacts;
use crate::sys::Observed;

pub(super) fn cpu_policy(
    process: &ProcessGuards<'_>,
    first: Option<&ProcessGuards<'_>>,
) -> Result<Observation, Observation> {
    let joined = |values: &Observed<Vec<String>>| values.clone().map(|values| values.join(", "));
    let turbo = |is_off: &Observed<bool>| is_off.clone().map(|off| if off { "off" } else { "on" }.to_owned());
    let settings = [
        fixed("the governor", process, first, |facts| joined(&facts.cpu.governors)),
        fixed("the energy preference", process, first, |facts| joined(&facts.cpu.energy_preferences)),
        fixed("turbo", process, first, |facts| turbo(&facts.cpu.is_turbo_off)),
    ];
    // One that is not observed leaves the others to say something.
    let mut clean = Vec::new();
    let mut not_observed = None;
    for word in settings {
        match word {
            Ok(word) => clean.push(word.reason),
            Err(word) if word.state == GuardState::NotObserved => not_observed = Some(word),
            Err(trouble) => return Err(trouble),
        }
    }
    match not_observed {
        Some(word) if clean.is_empty() => Err(word),
        _ => Ok(Observation::clean(clean.join(", "))),
    }
}

pub(super) fn power_profile(
    process: &ProcessGuards<'_>,
    first: Option<&ProcessGuards<'_>>,
) -> Result<Observation, Observation> {
    fixed("the power profile", process, first, |facts| facts.platform_profile.clone())
}

/// A setting that must be the same at the start, at the end, and in the first process.
fn fixed(
    name: &str,
    process: &ProcessGuards<'_>,
    first: Option<&ProcessGuards<'_>>,
    pick: impl Fn(&MachineFacts) -> Observed<String>,
) -> Result<Observation, Observation> {
    let now = pick(&process.log.facts);
    let end = process.log.facts_at_end.as_ref().map(&pick);
    let at_first = first.map(|first| pick(&first.log.facts));
    // Each earlier one with a later one, which must be the same and must still be there.
    let pairs = [(Some(&now), end.as_ref()), (at_first.as_ref(), Some(&now))];
    for (earlier, later) in pairs.into_iter().filter_map(|(earlier, later)| earlier.zip(later)) {
        match (earlier, later) {
            (Observed::Observed(earlier), Observed::Observed(later)) if earlier != later => {
                return Err(Observation::tripped(format!("{name} went from `{earlier}` to `{later}`")));
            }
            (Observed::Observed(_), Observed::NotObserved { reason }) => {
                return Err(Observation::vanished(reason.as_str()));
            }
            _ => {}
        }
    }
    match known(&now) {
        Ok(now) => Ok(Observation::clean(format!("{name} stayed `{now}`"))),
        Err(reason) => Err(Observation::not_observed(reason)),
    }
}
