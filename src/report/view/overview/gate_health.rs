//! How far the gate can be trusted on each machine: what it said of programs compared with themselves.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::judge::sequential::{Look, Rule, smallest_seen_percent};
use crate::record::{Entry, Verdict};
use crate::report::decision::Mark;
use crate::report::number::{counted, percent, whole_percent};
use crate::report::view::Badge;
use crate::visible::one_line;

/// A gate whose rate of false alarms may be above this is not known to be trusted.
const MOST_FALSE_ALARMS: f64 = 0.05;

/// What A/A runs of a machine say.
#[derive(Debug, Clone, Serialize)]
pub(super) struct GateHealth {
    machine: String,
    model: String,
    runs: String,
    /// How many of them said regressed.
    false_alarms: Badge,
    /// The middle one of the pairs' standard deviations.
    pair_sd: String,
    /// The smallest slow-down that the last look finds in four of five sessions.
    can_see: String,
    newest_utc: String,
}

/// By machine, model and device, in the order of their names.
pub(super) fn by_machine(entries: &[Entry], rule: &Rule) -> Vec<GateHealth> {
    let mut groups: BTreeMap<[&str; 3], Vec<&Entry>> = BTreeMap::new();
    let of_noise = |entry: &&Entry| entry.ab.as_ref().is_some_and(|ab| ab.is_against_itself);
    for entry in entries.iter().filter(of_noise) {
        let series = &entry.setting.series;
        if series.emulated {
            continue;
        }
        groups.entry([&series.machine, &series.model, &series.device]).or_default().push(entry);
    }
    let reported = groups.into_iter().filter_map(|([machine, model, device], group)| {
        health(machine, &format!("{model} on {device}"), &group, rule)
    });
    reported.collect()
}

fn health(machine: &str, model: &str, group: &[&Entry], rule: &Rule) -> Option<GateHealth> {
    let abs = || group.iter().filter_map(|entry| entry.ab.as_ref()).filter(|ab| ab.verdict.is_some());
    let found = [Verdict::Regressed, Verdict::Mixed, Verdict::Improved];
    let alarms = abs().filter(|ab| ab.verdict.is_some_and(|verdict| found.contains(&verdict))).count();
    let runs = abs().count();
    let mut spreads: Vec<f64> =
        abs().filter_map(|ab| ab.pair_sd_percent).filter(|it| it.is_finite()).collect();
    spreads.sort_by(f64::total_cmp);
    let spread = spreads.get(spreads.len() / 2).copied();
    let seen = spread.and_then(|sd| smallest_seen_percent(rule, sd / 100.0, Look::LAST));
    Some(GateHealth {
        machine: one_line(machine),
        model: one_line(model),
        runs: counted(runs, "run"),
        false_alarms: false_alarms(alarms, runs),
        pair_sd: spread.map_or("?".to_owned(), percent),
        can_see: seen.map_or("?".to_owned(), |seen| {
            format!("{} with {}", percent(seen), counted(Look::LAST.pairs, "pair"))
        }),
        newest_utc: group.iter().map(|entry| entry.when_utc.as_str()).max()?.to_owned(),
    })
}

/// With how many false alarms a few runs would go together: none in n is what a rate of up to
/// `1 - 0.05^(1/n)` gives in one of twenty cases.
fn false_alarms(alarms: usize, runs: usize) -> Badge {
    if alarms > 0 {
        return Badge::new(Mark::Warns, format!("{alarms} of {runs} false positives"));
    }
    let up_to = 1.0 - 0.05_f64.powf(1.0 / runs.max(1) as f64);
    let mark = if up_to <= MOST_FALSE_ALARMS { Mark::Holds } else { Mark::Unknown };
    let up_to = whole_percent(up_to * 100.0);
    Badge::new(mark, format!("0 of {runs} false positives (95 % upper bound {up_to})"))
}
