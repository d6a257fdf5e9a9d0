//! The machines: what they are, what was exchanged on them, and how noisy they are.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::record::{Entry, Machine, Outcome};
use crate::report::number::{counted, percent};
use crate::report::view::{CommitLink, Timeline, exchanged};
use crate::visible::one_line;

/// So many epochs of a machine are reported; the page of a commit tells its own.
const EPOCHS_SHOWN: usize = 20;

/// The page.
#[derive(Debug, Clone, Serialize)]
pub struct MachinesView {
    machines: Vec<MachinePart>,
}

/// A machine.
#[derive(Debug, Clone, Serialize)]
struct MachinePart {
    slug: String,
    /// What it is made of, by the newest record.
    parts: Vec<MachineLine>,
    records: String,
    newest_utc: String,
    /// What its noise is known by.
    noise: Vec<NoiseRow>,
    /// Warnings of its records, the most frequent first.
    warnings: Vec<WarningCount>,
    epochs: Vec<EpochRow>,
    more_epochs: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct MachineLine {
    part: &'static str,
    value: String,
}

/// The noise of one model on one device.
#[derive(Debug, Clone, Serialize)]
struct NoiseRow {
    what: String,
    runs: String,
    /// How far the processes of a run differ.
    within_runs: String,
    /// How far pairs differ.
    pairs: String,
}

#[derive(Debug, Clone, Serialize)]
struct WarningCount {
    id: String,
    count: String,
}

#[derive(Debug, Clone, Serialize)]
struct EpochRow {
    commit: Option<CommitLink>,
    date_utc: String,
    what: String,
    changes: Vec<String>,
}

impl MachinesView {
    /// The machines of these records, the one that was used last first. `machine_of` reads what a record
    /// says of its machine.
    #[must_use]
    pub fn of(
        entries: &[Entry],
        timelines: &[Timeline<'_>],
        machine_of: &dyn Fn(&Entry) -> Option<Machine>,
    ) -> Self {
        let mut groups: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in entries {
            groups.entry(&entry.setting.series.machine).or_default().push(entry);
        }
        let mut machines: Vec<MachinePart> = groups
            .into_iter()
            .filter_map(|(slug, group)| machine(slug, &group, timelines, machine_of))
            .collect();
        machines.sort_by(|one, other| other.newest_utc.cmp(&one.newest_utc));
        Self { machines }
    }
}

fn machine(
    slug: &str,
    group: &[&Entry],
    timelines: &[Timeline<'_>],
    machine_of: &dyn Fn(&Entry) -> Option<Machine>,
) -> Option<MachinePart> {
    let newest = group.iter().max_by_key(|entry| (&entry.when_utc, &entry.run_id))?;
    let mut epochs: Vec<EpochRow> =
        timelines.iter().filter(|timeline| timeline.series.machine == slug).flat_map(epoch_rows).collect();
    epochs.sort_by(|one, other| other.date_utc.cmp(&one.date_utc));
    let left = epochs.len().saturating_sub(EPOCHS_SHOWN);
    epochs.truncate(EPOCHS_SHOWN);
    Some(MachinePart {
        slug: one_line(slug),
        parts: machine_of(newest).map(|machine| lines(&machine)).unwrap_or_default(),
        records: counted(group.len(), "record"),
        newest_utc: newest.when_utc.clone(),
        noise: noise(group),
        warnings: warning_counts(group),
        epochs,
        more_epochs: (left > 0).then(|| counted(left, "older epoch")),
    })
}

fn lines(machine: &Machine) -> Vec<MachineLine> {
    let not_observed = || machine.gpu.as_ref().map(|_| "not observed".to_owned());
    let gpu_driver = machine.gpu_driver.clone().or_else(not_observed);
    let known = [
        ("processor", Some(machine.cpu.clone())),
        ("logical processors", Some(machine.logical_cores.to_string())),
        ("memory", Some(format!("{} GiB", machine.memory_gib))),
        ("GPU", machine.gpu.clone()),
        ("GPU on the bus", Some(machine.gpu_pci_ids.join(", ")).filter(|ids| !ids.is_empty())),
        ("GPU driver", gpu_driver),
        ("system", machine.os.clone()),
        ("kernel", machine.kernel.clone()),
        ("firmware", machine.firmware.clone()),
        ("microcode", machine.microcode.clone()),
        ("identity", machine.sha256.get(..12).map(str::to_owned)),
    ];
    let line =
        |(part, value): (&'static str, Option<String>)| Some(MachineLine { part, value: one_line(&value?) });
    known.into_iter().filter_map(line).collect()
}

fn epoch_rows<'a>(timeline: &'a Timeline<'_>) -> impl Iterator<Item = EpochRow> + 'a {
    timeline.epochs.iter().map(|epoch| {
        let point = &timeline.points[epoch.at];
        EpochRow {
            commit: CommitLink::of(point.sha),
            date_utc: point.author_date_utc.to_owned(),
            what: one_line(&format!("{} on {}", timeline.series.model, timeline.series.device_in_words())),
            changes: epoch.changes.iter().map(exchanged).collect(),
        }
    })
}

/// By model and device.
fn noise(group: &[&Entry]) -> Vec<NoiseRow> {
    let mut by_model: BTreeMap<[String; 2], Vec<&Entry>> = BTreeMap::new();
    for entry in group {
        let series = &entry.setting.series;
        by_model.entry([series.model.clone(), series.device_in_words()]).or_default().push(entry);
    }
    let row = |([model, device], group): ([String; 2], Vec<&Entry>)| {
        let complete = group.iter().filter(|entry| entry.outcome == Outcome::Complete);
        let pair_sds = group.iter().filter_map(|entry| entry.ab.as_ref()?.pair_sd_percent);
        let within =
            complete.clone().filter_map(|entry| spread_percent(&entry.figures.as_ref()?.process_tpot_ms));
        NoiseRow {
            what: one_line(&format!("{model} on {device}")),
            runs: counted(complete.count(), "complete record"),
            within_runs: middle(within).map_or("-".to_owned(), percent),
            pairs: middle(pair_sds).map_or("-".to_owned(), percent),
        }
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
fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn warning_counts(group: &[&Entry]) -> Vec<WarningCount> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for id in group.iter().flat_map(|entry| &entry.warning_ids) {
        *counts.entry(id).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(one, first), (other, second)| second.cmp(first).then(one.cmp(other)));
    let reported =
        |(id, count): (&str, usize)| WarningCount { id: one_line(id), count: counted(count, "record") };
    counts.into_iter().map(reported).collect()
}
