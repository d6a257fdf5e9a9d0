//! The machines: what they are, what changed on them, and how noisy they are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::record::{Entry, Machine, Outcome};
use crate::report::number::{counted, percent};
use crate::report::view::{CommitLink, Timeline, changed};
use crate::visible::one_line;

/// Epochs of a machine on the page; the page of a commit has its own.
const EPOCHS_SHOWN: usize = 20;

/// The machines of these records, the one that was used last first. `machine_of` reads a record's machine.
pub(in crate::report) fn machines_page(
    entries: &[Entry],
    timelines: &[Timeline<'_>],
    machine_of: &dyn Fn(&Entry) -> Option<Machine>,
) -> Value {
    let mut groups: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        groups.entry(&entry.setting.series.machine).or_default().push(entry);
    }
    let mut machines: Vec<(&Entry, Value)> = groups
        .into_iter()
        .filter_map(|(slug, group)| {
            let newest = *group.iter().max_by_key(|entry| (&entry.when_utc, &entry.run_id))?;
            let epochs = epochs(slug, timelines);
            let value = json!({
                "slug": one_line(slug),
                "parts": machine_of(newest).map(|machine| parts(&machine)).unwrap_or_default(),
                "records": counted(group.len(), "record"),
                "newest_utc": newest.when_utc,
                "noise": noise(&group),
                "warnings": warning_counts(&group),
                "epochs": epochs.iter().take(EPOCHS_SHOWN).map(|(_, epoch)| epoch).collect::<Vec<_>>(),
                "more_epochs": epochs.len().checked_sub(EPOCHS_SHOWN).filter(|left| *left > 0)
                    .map(|left| counted(left, "older epoch")),
            });
            Some((newest, value))
        })
        .collect();
    machines.sort_by(|(one, _), (other, _)| other.when_utc.cmp(&one.when_utc));
    json!({ "machines": machines.into_iter().map(|(_, machine)| machine).collect::<Vec<_>>() })
}

fn parts(machine: &Machine) -> Vec<Value> {
    let not_observed = || machine.gpu.as_ref().map(|_| "not observed".to_owned());
    let known = [
        ("processor", Some(machine.cpu.clone())),
        ("logical processors", Some(machine.logical_cores.to_string())),
        ("memory", Some(format!("{} GiB", machine.memory_gib))),
        ("GPU", machine.gpu.clone()),
        ("GPU on the bus", Some(machine.gpu_pci_ids.join(", ")).filter(|ids| !ids.is_empty())),
        ("GPU driver", machine.gpu_driver.clone().or_else(not_observed)),
        ("system", machine.os.clone()),
        ("kernel", machine.kernel.clone()),
        ("firmware", machine.firmware.clone()),
        ("microcode", machine.microcode.clone()),
        ("identity", machine.sha256.get(..12).map(str::to_owned)),
    ];
    let part =
        |(part, value): (&str, Option<String>)| Some(json!({ "part": part, "value": one_line(&value?) }));
    known.into_iter().filter_map(part).collect()
}

/// The epochs of a machine, newest first, each with its date.
fn epochs<'a>(slug: &str, timelines: &'a [Timeline<'_>]) -> Vec<(&'a str, Value)> {
    let of_timeline = |timeline: &'a Timeline<'_>| {
        timeline.epochs.iter().map(move |epoch| {
            let point = &timeline.points[epoch.at];
            let what = format!("{} on {}", timeline.series.model, timeline.series.device_in_words());
            let value = json!({
                "commit": CommitLink::of(point.sha),
                "date_utc": point.author_date_utc,
                "what": one_line(&what),
                "changes": epoch.changes.iter().map(changed).collect::<Vec<_>>(),
            });
            (point.author_date_utc, value)
        })
    };
    let of_machine = timelines.iter().filter(|timeline| timeline.series.machine == slug);
    let mut epochs: Vec<(&str, Value)> = of_machine.flat_map(of_timeline).collect();
    epochs.sort_by(|(one, _), (other, _)| other.cmp(one));
    epochs
}

/// By model and device: how far the processes of a run differ, and how far pairs do.
fn noise(group: &[&Entry]) -> Vec<Value> {
    let mut by_model: BTreeMap<[String; 2], Vec<&Entry>> = BTreeMap::new();
    for entry in group.iter().filter(|entry| entry.outcome == Outcome::Complete) {
        let series = &entry.setting.series;
        by_model.entry([series.model.clone(), series.device_in_words()]).or_default().push(entry);
    }
    let row = |([model, device], group): ([String; 2], Vec<&Entry>)| {
        let pair_sds = group.iter().filter_map(|entry| entry.ab.as_ref()?.pair_sd_percent);
        let within =
            group.iter().filter_map(|entry| spread_percent(&entry.metric_values.as_ref()?.process_tpot_ms));
        json!({
            "what": one_line(&format!("{model} on {device}")),
            "runs": counted(group.len(), "complete record"),
            "within_runs": middle(within).map_or("-".to_owned(), percent),
            "pairs": middle(pair_sds).map_or("-".to_owned(), percent),
        })
    };
    by_model.into_iter().map(row).collect()
}

/// Largest less smallest, as a share of the mean; None for fewer than two.
fn spread_percent(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let largest = values.iter().copied().fold(f64::MIN, f64::max);
    let smallest = values.iter().copied().fold(f64::MAX, f64::min);
    Some((largest - smallest) / mean * 100.0)
}

/// The middle one of some values; None where there are none.
pub(in crate::report) fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The most frequent first.
fn warning_counts(group: &[&Entry]) -> Vec<Value> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for id in group.iter().flat_map(|entry| &entry.warning_ids) {
        *counts.entry(id).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(one, first), (other, second)| second.cmp(first).then(one.cmp(other)));
    let row = |(id, count): (&str, usize)| json!({ "id": one_line(id), "count": counted(count, "record") });
    counts.into_iter().map(row).collect()
}
