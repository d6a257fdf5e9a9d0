//! The charts of a run and of an A/B.

use std::collections::HashMap;

use crate::judge::environment::{Guard as Watched, ProcessFindings, of_record, threshold};
use crate::judge::policy::Policy;
use crate::judge::{depth_growth, summarise};
use crate::measure::guard::MachineReading;
use crate::measure::supervisor::{PhaseMemory, Purpose};
use crate::measure::{Metric, Role};
use crate::record::{ArmView, DecisionRecord, Experiment, ProcessRecord, SampleRecord};
use crate::report::chart::{
    Chart, DepthChart, Generation, Guard, Guards, Histogram, Interval, Memory, MemoryPhase, Pairs,
    Percentile, ProcessSpan, Reading, Threshold, TokenStrip,
};
use crate::report::decision::PairLine;
use crate::report::number::{change_percent, counted};
use crate::report::view::commit::run::Standing;
use crate::sys::{MemoryReading, Observed};
use crate::visible::one_line;

/// What a run's tokens, memory and machine looked like; what there is nothing of is not there. Where there
/// is no speed, there are no times of tokens.
pub(super) fn of_run(record: ArmView<'_>, standing: Standing) -> Vec<Chart> {
    let times = match standing {
        Standing::WithoutSpeed => [None, None, None],
        _ => [depth, strip, histogram].map(|of| of(record, standing.suffix())),
    };
    let others = [memory(record), guards(record)];
    times.into_iter().chain(others).flatten().collect()
}

/// The cost of a token over depth; None of another suite.
fn depth(record: ArmView<'_>, suffix: &str) -> Option<Chart> {
    let growth = depth_growth(&record, &summarise(&record))?;
    Some(DepthChart { title: format!("Time per output token over depth{suffix}"), growth: &growth }.chart())
}

const SHARES_PERCENT: [usize; 3] = [50, 95, 99];

/// Every step of every measured generation, by its place in the answer; None where there is no speed.
fn strip(record: ArmView<'_>, suffix: &str) -> Option<Chart> {
    let description = "The time of each decode step, by its place in the answer; a line is a generation.";
    let all = generations(record, "").map(|(_, generation)| generation).collect();
    strip_of(all, "prompt", suffix, description)
}

/// The same of two runs on one axis, each prompt's rows below each other.
pub(in crate::report) fn strip_of_two(a: ArmView<'_>, b: ArmView<'_>) -> Option<Chart> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for prompt in a.workload.prompts.iter().chain(&b.workload.prompts) {
        let next = places.len();
        places.entry(&prompt.id).or_insert(next);
    }
    let mut all: Vec<(&str, Generation)> = generations(a, "A: ").chain(generations(b, "B: ")).collect();
    // The order within a prompt stays: those of A, then those of B.
    all.sort_by_key(|(id, _)| places.get(id).copied());
    let all = all.into_iter().map(|(_, generation)| generation).collect();
    let description = "The time of each decode step of both runs, by its place in the answer; a line is a \
                       generation, and all have one axis.";
    strip_of(all, "answer", "", description)
}

fn strip_of(
    generations: Vec<Generation>,
    row: &'static str,
    suffix: &str,
    description: &str,
) -> Option<Chart> {
    let strip = TokenStrip {
        title: format!("Every token{suffix}"),
        description: description.to_owned(),
        row,
        generations,
    };
    (!strip.generations.is_empty()).then(|| strip.chart())
}

/// The measured generations that have times, by their prompts' ids; a prompt is called by this letter and its title.
fn generations<'a>(record: ArmView<'a>, letter: &'a str) -> impl Iterator<Item = (&'a str, Generation)> {
    let prompts = record.arm.workload.prompts.iter();
    let titles: HashMap<&str, &str> =
        prompts.map(|prompt| (prompt.id.as_str(), prompt.title.as_str())).collect();
    measured(record).filter_map(move |sample| {
        let (id, steps_ms) = (sample.prompt_id.as_str(), steps_ms(sample));
        let title = one_line(titles.get(id).copied().unwrap_or(id));
        let generation = Generation { prompt: format!("{letter}{title}"), steps_ms };
        (!generation.steps_ms.is_empty()).then_some((id, generation))
    })
}

/// How the steps are distributed; None where there is no speed.
fn histogram(record: ArmView<'_>, suffix: &str) -> Option<Chart> {
    let mut steps_ms: Vec<f64> = measured(record).flat_map(steps_ms).collect();
    if steps_ms.is_empty() {
        return None;
    }
    steps_ms.sort_by(f64::total_cmp);
    let percentile = |share: usize| {
        // The nearest rank: a time that was really taken.
        let at = (share * steps_ms.len()).div_ceil(100).clamp(1, steps_ms.len()) - 1;
        Percentile { label: format!("p{share}"), ms: steps_ms[at] }
    };
    let percentiles = SHARES_PERCENT.map(percentile).to_vec();
    let histogram = Histogram { title: format!("How long a token takes{suffix}"), steps_ms, percentiles };
    Some(histogram.chart())
}

fn measured(record: ArmView<'_>) -> impl Iterator<Item = &SampleRecord> {
    record.arm.samples.iter().filter(|sample| sample.role == Role::Measured)
}

/// From token to token, ms; none where there is no speed. The first token is the prefill's.
fn steps_ms(sample: &SampleRecord) -> Vec<f64> {
    let times = sample.times.as_ref().map_or(&[][..], |times| times.token_ns.as_slice());
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 / 1e6).collect()
}

/// The highest resident set of each phase and process; None where none was read.
fn memory(record: ArmView<'_>) -> Option<Chart> {
    let processes: Vec<&ProcessRecord> =
        record.processes.iter().filter(|process| process.purpose == Purpose::Measured).collect();
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let phase = |name, of: fn(&PhaseMemory) -> &MemoryReading| {
        let of_process = |process: &&ProcessRecord| of(&process.memory).peak_rss_bytes.map(mib);
        MemoryPhase { name, mib: processes.iter().map(of_process).collect() }
    };
    let measured = |process: &&ProcessRecord| {
        let own = record.measured_samples().filter(|sample| sample.process == process.index);
        own.filter_map(|sample| sample.peak_rss_bytes).max().map(mib)
    };
    let phases = vec![
        phase("load", |memory| &memory.load),
        phase("prefill", |memory| &memory.prefill),
        phase("decode", |memory| &memory.decode),
        MemoryPhase { name: "measured", mib: processes.iter().map(measured).collect() },
    ];
    let processes = processes.iter().map(|process| format!("process {}", process.index + 1)).collect();
    let is_known = phases.iter().flat_map(|phase| &phase.mib).any(Option::is_some);
    is_known.then(|| Memory { processes, phases }.chart())
}

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
fn guards(record: ArmView<'_>) -> Option<Chart> {
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
            readings.iter().any(|reading| reading.metric_value.is_some()).then(|| Guard {
                name: watch.name,
                unit: watch.unit,
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
    let chart = Guards { guards, processes: spans.collect() };
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
        .map(|last| Reading { at_s: seconds(last.at_ns), metric_value: None });
    readings
        .map(|reading| Reading { at_s: seconds(reading.at_ns), metric_value: (watch.of)(reading) })
        .chain(end)
}

/// Where a process was called invalid for this value: at its beginning.
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

/// The chart; None where nothing was measured.
pub(super) fn of_pairs(
    record: &Experiment,
    pairs: &[PairLine],
    decision: Option<&DecisionRecord>,
) -> Option<Chart> {
    let mean = decision.and_then(|decision| {
        let mut comparisons = decision.comparisons.iter();
        comparisons.find(|it| it.metric == Metric::TimePerOutputToken && it.prompt.is_none())
    });
    let interval = mean.map(|mean| Interval {
        label: format!("mean of {}", counted(mean.pairs, "pair")),
        low_percent: change_percent(mean.lower),
        mean_percent: change_percent(mean.ratio),
        high_percent: change_percent(mean.upper),
    });
    let chart = Pairs { pairs, thresholds: thresholds(record), interval };
    (!pairs.is_empty()).then(|| chart.chart())
}

/// Those of the policy by which the pairs were judged.
fn thresholds(record: &Experiment) -> Vec<Threshold> {
    let Ok(policy) = Policy::parse(&record.inputs.policy.text, "of the record") else { return Vec::new() };
    let rule = policy.sequential.rule();
    vec![
        Threshold { label: "regressed beyond", percent: rule.regressed_beyond_percent },
        Threshold { label: "passes within", percent: rule.passes_within_percent },
    ]
}
