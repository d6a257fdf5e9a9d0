//! What was read of the machine while it was measured.

use crate::judge::environment::{Guard as Watched, ProcessFindings, of_record, threshold};
use crate::measure::guard::MachineReading;
use crate::measure::supervisor::Purpose;
use crate::record::{ArmView, ProcessRecord};
use crate::report::chart::{Chart, Guard, Guards, ProcessSpan, Reading};
use crate::sys::Observed;

/// A figure of a reading.
struct Watch {
    name: &'static str,
    unit: &'static str,
    limit: Option<f64>,
    /// The guard that judges it, where it is judged by itself.
    guard: Option<Watched>,
    of: fn(&MachineReading) -> Option<f64>,
}

const WATCHES: [Watch; 6] = [
    Watch { name: "GPU clock", unit: "MHz", limit: None, guard: None, of: gpu_clock_mhz },
    Watch { name: "hottest sensor", unit: "\u{b0}C", limit: None, guard: None, of: hottest_celsius },
    Watch {
        name: "tasks that wait for a processor",
        unit: "%",
        limit: Some(threshold::CPU_PRESSURE_PERCENT),
        guard: Some(Watched::CpuPressure),
        of: |reading| known(&reading.cpu_some_avg10_percent),
    },
    Watch {
        name: "all tasks wait for memory",
        unit: "%",
        limit: None,
        guard: Some(Watched::MemoryPressure),
        of: |reading| known(&reading.memory_full_avg10_percent),
    },
    Watch {
        name: "tasks that wait for a disk",
        unit: "%",
        limit: None,
        guard: None,
        of: |reading| known(&reading.io_some_avg10_percent),
    },
    Watch {
        name: "processor throttled for heat, times",
        unit: "",
        limit: None,
        guard: Some(Watched::CpuThrottle),
        of: |reading| known(&reading.cpu_throttle_count).map(|count| count as f64),
    },
];

/// The readings of all measured processes over time; None where nothing was read.
pub(super) fn chart(record: ArmView<'_>) -> Option<Chart> {
    let processes: Vec<&ProcessRecord> = record
        .processes
        .iter()
        .filter(|process| process.purpose == Purpose::Measured && process.guards.is_some())
        .collect();
    let began_ns = processes.iter().filter_map(|process| first_ns(process)).min()?;
    let seconds = |at_ns: u64| at_ns.saturating_sub(began_ns) as f64 / 1e9;
    let findings = of_record(&record);
    let guards: Vec<Guard> = WATCHES
        .iter()
        .filter_map(|watch| {
            let readings = processes.iter().flat_map(|process| readings(process, watch, &seconds));
            let readings: Vec<Reading> = readings.collect();
            readings.iter().any(|reading| reading.figure.is_some()).then(|| Guard {
                name: watch.name.to_owned(),
                unit: watch.unit.to_owned(),
                tripped_s: tripped_s(watch, &processes, &findings, &seconds),
                readings,
                limit: watch.limit,
            })
        })
        .collect();
    let spans = processes.iter().filter_map(|process| {
        let log = process.guards.as_ref()?;
        let (first, last) = (log.readings.first()?, log.readings.last()?);
        Some(ProcessSpan {
            label: format!("process {}", process.index + 1),
            from_s: seconds(process.started_ns.unwrap_or(first.at_ns)),
            to_s: seconds(process.ended_ns.unwrap_or(last.at_ns)),
        })
    });
    let chart = Guards {
        title: "The machine while it ran".to_owned(),
        description: "A reading a second.".to_owned(),
        guards,
        processes: spans.collect(),
    };
    (!chart.guards.is_empty()).then(|| chart.chart())
}

fn first_ns(process: &ProcessRecord) -> Option<u64> {
    Some(process.guards.as_ref()?.readings.first()?.at_ns)
}

/// The readings of one process, with a gap after the last: nothing was read until the next one.
fn readings<'a>(
    process: &'a ProcessRecord,
    watch: &'a Watch,
    seconds: &'a impl Fn(u64) -> f64,
) -> impl Iterator<Item = Reading> + 'a {
    let log = process.guards.as_ref();
    let readings = log.into_iter().flat_map(|log| &log.readings);
    let end = log
        .and_then(|log| log.readings.last())
        .map(|last| Reading { at_s: seconds(last.at_ns), figure: None });
    readings.map(|reading| Reading { at_s: seconds(reading.at_ns), figure: (watch.of)(reading) }).chain(end)
}

/// Where a process was called invalid for this figure: at its beginning.
fn tripped_s(
    watch: &Watch,
    processes: &[&ProcessRecord],
    findings: &[ProcessFindings],
    seconds: &impl Fn(u64) -> f64,
) -> Vec<f64> {
    let has_tripped = |process: &&&ProcessRecord| {
        let of_process = findings.iter().filter(|findings| findings.process == process.index);
        of_process
            .flat_map(|findings| &findings.findings)
            .any(|finding| Some(finding.guard) == watch.guard && finding.is_trouble())
    };
    let tripped = processes.iter().filter(has_tripped);
    tripped.filter_map(|process| first_ns(process)).map(seconds).collect()
}

fn known<T: Clone>(observed: &Observed<T>) -> Option<T> {
    observed.value().cloned()
}

fn gpu_clock_mhz(reading: &MachineReading) -> Option<f64> {
    known(&reading.gpus)?.iter().filter_map(|gpu| known(&gpu.actual_mhz)).map(f64::from).reduce(f64::max)
}

fn hottest_celsius(reading: &MachineReading) -> Option<f64> {
    known(&reading.temperatures_celsius)?.by_sensor_celsius.values().copied().reduce(f64::max)
}
