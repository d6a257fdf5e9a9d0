//! What a reader must know of a load (another device than requested, properties not taken) and of the machine before
//! using the times.

use std::collections::BTreeMap;

use crate::judge::environment::{Guard, GuardFinding, of_record};
use crate::judge::{NO_VALID_ROUND, Pace, bandwidth_change, invalid_round_reason, preflight, ramps};
use crate::record::{ArmView, Experiment, Warning};

/// A load, as far as it gives reason to warn.
pub struct AsLoaded<'a> {
    /// The device, as the user requested it.
    pub requested: &'a str,
    /// The device that runs.
    pub target: &'a str,
    /// Why another device runs.
    pub fallback_reason: Option<&'a str>,
    /// Why the device is known to be emulated.
    pub emulated_reason: Option<&'a str>,
    /// Properties that were requested.
    pub properties: &'a BTreeMap<String, String>,
    /// Properties that were read back.
    pub effective: &'a BTreeMap<String, String>,
}

/// The warnings of a load.
pub fn load_warnings(load: &AsLoaded<'_>) -> Vec<Warning> {
    let fallback = load.fallback_reason.map(|reason| {
        Warning::new(
            "device-fallback",
            format!("`{}` was requested and {} runs: {reason}", load.requested, load.target),
            "these values are the CPU's; `--device CPU` says so without this warning",
        )
    });
    let emulated = load.emulated_reason.map(|reason| {
        Warning::new(
            "device-emulated",
            format!("`{}` is emulated: {reason}", load.target),
            "its tokens can be checked; its times are no baseline, pass no gate and are compared with nothing",
        )
    });
    let properties =
        load.properties.iter().filter_map(|(key, value)| property(key, value, load.effective.get(key)));
    fallback.into_iter().chain(emulated).chain(properties).collect()
}

/// A property that the runtime did not take as it was requested, or does not report.
fn property(key: &str, requested: &str, effective: Option<&String>) -> Option<Warning> {
    let asked_for = format!("`{key}={requested}` was requested");
    match effective {
        Some(effective) if effective == requested => None,
        Some(effective) => Some(Warning::new(
            "property-not-taken",
            format!("{asked_for}, and OpenVINO uses `{effective}`"),
            "the record has both; values belong to what was used",
        )),
        None => Some(Warning::new(
            "property-not-read-back",
            format!("{asked_for}, and OpenVINO does not report whether it uses it"),
            "the record has what was requested only",
        )),
    }
}

/// The warnings that the readings of a record give reason for.
pub(super) fn machine_warnings(record: ArmView<'_>) -> Vec<Warning> {
    let mut warnings = tripped(record);
    warnings.extend(before_measuring(record));
    warnings.extend(bandwidth_reading(record));
    warnings.extend(ramp(record));
    warnings
}

/// Arms side by side whose times are invalid, of all rounds that count or because none does.
pub fn invalid_rounds(record: &Experiment) -> Option<Warning> {
    let reason = record.plan.is_of_arms().then(|| invalid_round_reason(record))??;
    Some(Warning::new(
        NO_VALID_ROUND,
        format!("guards invalidate the times: {reason}"),
        "do not compare these times: measure again on a quiet machine",
    ))
}

/// One for each guard that tripped, whatever the number of processes.
fn tripped(record: ArmView<'_>) -> Vec<Warning> {
    let mut by_guard: BTreeMap<Guard, Trouble> = BTreeMap::new();
    for process in of_record(&record) {
        for finding in process.findings.into_iter().filter(GuardFinding::is_trouble) {
            let trouble = by_guard.entry(finding.guard).or_insert_with(|| Trouble {
                invalidates: finding.invalidates(),
                reason: finding.reason,
                processes: Vec::new(),
            });
            trouble.processes.push((process.process + 1).to_string());
        }
    }
    let warning = |(guard, trouble): (Guard, Trouble)| {
        let processes = trouble.processes.join(", ");
        let advice = if trouble.invalidates {
            "the times of these processes are invalid: measure again on a quiet machine"
        } else {
            "the times stand, and a gate may refuse them"
        };
        let message = format!("guard `{}` tripped in process {processes}: {}", guard.id(), trouble.reason);
        Warning::new(&format!("guard-{}", guard.id()), message, advice)
    };
    by_guard.into_iter().map(warning).collect()
}

struct Trouble {
    invalidates: bool,
    reason: String,
    processes: Vec<String>,
}

/// What could have been fixed before. A guard that tripped has said it already.
fn before_measuring(record: ArmView<'_>) -> Vec<Warning> {
    let first = record.measured_processes().next();
    let Some(log) = first.and_then(|process| process.guards.as_ref()) else { return Vec::new() };
    let Some(reading) = log.readings.first() else { return Vec::new() };
    let reported = tripped(record);
    let advice = preflight(&log.facts, reading).into_iter();
    advice
        .map(|advice| Warning::new(&format!("preflight-{}", advice.guard.id()), advice.problem, advice.fix))
        .filter(|warning| {
            let guard = warning.id.replacen("preflight-", "guard-", 1);
            reported.iter().all(|reported| reported.id != guard)
        })
        .collect()
}

fn bandwidth_reading(record: ArmView<'_>) -> Option<Warning> {
    let ratio = bandwidth_change(record)?;
    Some(Warning::new(
        "bandwidth-changed",
        format!("memory bandwidth changed to {ratio:.2} x its value before the first process"),
        "do not compare these times with other runs; `cargo xtask ab` interleaves what it compares",
    ))
}

fn ramp(record: ArmView<'_>) -> Option<Warning> {
    let ramps = ramps(&record).filter(|ramps| ramps.ramps > 0)?;
    Some(Warning::new(
        Pace::WARNING_ID,
        format!(
            "token times drifted within {} of {} generations, by up to {:+.0} % more than the growing KV cache explains",
            ramps.ramps,
            ramps.reported,
            ramps.largest_share * 100.0
        ),
        "the machine warms up, throttles or is shared; on a steady one they drift by less than 3 %",
    ))
}
