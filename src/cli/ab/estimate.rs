//! How long an A/B will take, from what is stored of its model and device.

use std::time::Duration;

use crate::cli::ab::args::AbArgs;
use crate::cli::ab::side::ReadySides;
use crate::cli::round_line::time_left;
use crate::cli::say;
use crate::judge::sequential::{LOOKS, Look};
use crate::record::{Entry, History, Origin};

/// Says how long the pairs up to the first look take, and whether the budget is too short for them.
pub(super) fn say_estimate(args: &AbArgs, store: &History, sides: &ReadySides, prompts: usize) {
    let model = &sides.base.model.identity.sha256;
    let index = store.index();
    let is_like = |entry: &&Entry| {
        let series = &entry.setting.series;
        entry.origin == Origin::Here
            && series.model_sha256 == *model
            && series.device == sides.base.engine.device
    };
    let newest = index.entries.iter().filter(is_like).filter(|entry| entry.figures.is_some());
    let Some(entry) = newest.max_by_key(|entry| entry.moment()) else { return };
    let Some(process) = process_time(entry, prompts, args.max_new_tokens) else { return };
    let pairs = |pairs: usize| process * 2 * u32::try_from(pairs).unwrap_or(u32::MAX);
    let (first, last) = (LOOKS[0].pairs, Look::LAST.pairs);
    say(&format!(
        "estimate by record {}: {} for the first look at {first} pairs, at most {} for all {last}",
        entry.run_id,
        time_left(pairs(first)),
        time_left(pairs(last))
    ));
    if let Some(budget) = args.budget.filter(|budget| *budget < pairs(first)) {
        say(&format!("warning: the budget of {} s ends before the first look", budget.as_secs()));
        say(&format!("  allow {} s or more: `--budget {}s`", pairs(first).as_secs(), pairs(first).as_secs()));
    }
}

/// A load and every generation, the warm-up among them.
fn process_time(entry: &Entry, prompts: usize, new_tokens: usize) -> Option<Duration> {
    let figures = entry.figures.as_ref()?;
    let load_s = figures.load.as_ref().map_or(0.0, |load| load.mean_s);
    let generation_ms = figures.ttft_ms + figures.tpot_ms * new_tokens.saturating_sub(1) as f64;
    Duration::try_from_secs_f64(load_s + generation_ms / 1e3 * (prompts + 1) as f64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::open;

    #[test]
    fn a_process_takes_a_load_and_each_generation_with_its_warm_up() {
        let record = open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let entry = Entry::of("a.json".into(), &record);
        let figures = entry.figures.as_ref().unwrap();
        let load_s = figures.load.as_ref().unwrap().mean_s;
        let by_hand = load_s + 4.0 * (figures.ttft_ms + 199.0 * figures.tpot_ms) / 1e3;
        let took = process_time(&entry, 3, 200).unwrap().as_secs_f64();
        assert!((took - by_hand).abs() < 1e-6, "{took} is not {by_hand}");
        assert!(process_time(&entry, 1, 8).unwrap().as_secs_f64() < took);
    }
}
