//! Warnings about the machine: what a reader must know before believing the times.

use std::collections::BTreeMap;

use crate::judge::environment::{Guard, GuardFinding, of_record};
use crate::judge::{Pace, canary_movement, preflight, ramps};
use crate::record::{ProcessPurpose, RunRecord, Warning};

/// The warnings that the readings of a record give reason for.
pub(in crate::cli) fn warnings(record: &RunRecord) -> Vec<Warning> {
    let mut warnings = tripped(record);
    warnings.extend(before_measuring(record));
    warnings.extend(canary(record));
    warnings.extend(ramp(record));
    warnings
}

/// One for each guard that tripped, whatever the number of processes.
fn tripped(record: &RunRecord) -> Vec<Warning> {
    let mut by_guard: BTreeMap<Guard, Trouble> = BTreeMap::new();
    for process in of_record(record) {
        for finding in process.findings.into_iter().filter(GuardFinding::is_trouble) {
            let trouble = by_guard.entry(finding.guard).or_insert_with(|| Trouble {
                invalidates: finding.invalidates(),
                because: finding.because,
                processes: Vec::new(),
            });
            trouble.processes.push((process.process + 1).to_string());
        }
    }
    let warning = |(guard, trouble): (Guard, Trouble)| {
        let processes = trouble.processes.join(", ");
        let advice = if trouble.invalidates {
            "the times of these processes cannot be believed: measure again on a quiet machine"
        } else {
            "the times stand, and a gate may refuse them"
        };
        let message = format!("guard `{}` tripped in process {processes}: {}", guard.id(), trouble.because);
        Warning::new(&format!("guard-{}", guard.id()), message, advice)
    };
    by_guard.into_iter().map(warning).collect()
}

struct Trouble {
    invalidates: bool,
    because: String,
    processes: Vec<String>,
}

/// What could have been mended before. A guard that tripped has said it already.
fn before_measuring(record: &RunRecord) -> Vec<Warning> {
    let first = record.processes.iter().find(|process| process.purpose == ProcessPurpose::Measured);
    let Some(log) = first.and_then(|process| process.guards.as_ref()) else { return Vec::new() };
    let Some(reading) = log.readings.first() else { return Vec::new() };
    let told = tripped(record);
    let advice = preflight(&log.facts, reading).into_iter();
    advice
        .map(|advice| Warning::new(&format!("preflight-{}", advice.guard.id()), advice.problem, advice.mend))
        .filter(|warning| {
            let guard = warning.id.replacen("preflight-", "guard-", 1);
            told.iter().all(|told| told.id != guard)
        })
        .collect()
}

fn canary(record: &RunRecord) -> Option<Warning> {
    let ratio = canary_movement(record)?;
    Some(Warning::new(
        "canary-moved",
        format!("the memory's bandwidth moved to {ratio:.2} x what it was before the first process"),
        "the machine moved under the measurement: compare with nothing but what ran in turns with it",
    ))
}

fn ramp(record: &RunRecord) -> Option<Warning> {
    let ramps = ramps(record).filter(|ramps| ramps.ramps > 0)?;
    Some(Warning::new(
        Pace::WARNING_ID,
        format!(
            "{} of {} generations changed their pace, by up to {:+.0} % beyond what a growing KV cache explains",
            ramps.ramps,
            ramps.told,
            ramps.largest_share * 100.0
        ),
        "the machine warms up, throttles or is shared; a steady one changes by 3 % at the most",
    ))
}
