//! The charts of a run and of an A/B.

use std::collections::HashMap;

use crate::judge::environment::{Guard as Watched, ProcessFindings, of_record, threshold};
use crate::judge::policy::Policy;
use crate::judge::{depth_growth, summarise};
use crate::measure::Metric;
use crate::measure::guard::{GuardLog, MachineReading};
use crate::measure::supervisor::PhaseMemory;
use crate::record::{ArmView, DecisionRecord, Experiment, ProcessRecord, SampleRecord};
use crate::report::chart::{
    Chart, Generation, Guard, MemoryPhase, Span, depth_chart, guards_chart, histogram, memory_chart,
    pairs_chart, token_strip,
};
use crate::report::decision::PairLine;
use crate::report::view::commit::run::Standing;
use crate::sys::{MemoryReading, Observed};
use crate::visible::one_line;

/// What a run's tokens, memory and machine looked like; what there is nothing of is not there. Where there
/// is no speed, there are no times of tokens.
pub(super) fn of_run(record: ArmView<'_>, standing: Standing) -> Vec<Chart> {
    let times = match standing {
        Standing::WithoutSpeed => [None, None, None],
        _ => [depth, strip, distribution].map(|of| of(record, standing.suffix())),
    };
    let others = [memory(record), guards(record)];
    times.into_iter().chain(others).flatten().collect()
}

/// The cost of a token over depth; None of another suite.
fn depth(record: ArmView<'_>, suffix: &str) -> Option<Chart> {
    let growth = depth_growth(&record, &summarise(&record))?;
    Some(depth_chart(&format!("Time per output token over depth{suffix}"), &growth))
}

/// Every step of every measured generation, by its place in the answer; None where there is no speed.
fn strip(record: ArmView<'_>, suffix: &str) -> Option<Chart> {
    let all: Vec<Generation> = generations(record, "").map(|(_, generation)| generation).collect();
    let description = "The time of each decode step, by its place in the answer; a line is a generation.";
    let title = format!("Every token{suffix}");
    (!all.is_empty()).then(|| token_strip(&title, description, "prompt", &all))
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
    let all: Vec<Generation> = all.into_iter().map(|(_, generation)| generation).collect();
    let description = "The time of each decode step of both runs, by its place in the answer; a line is a \
                       generation, and all have one axis.";
    (!all.is_empty()).then(|| token_strip("Every token", description, "answer", &all))
}

/// The measured generations that have times, by their prompts' ids; a prompt is called by this letter and its title.
fn generations<'a>(record: ArmView<'a>, letter: &'a str) -> impl Iterator<Item = (&'a str, Generation)> {
    let prompts = record.arm.workload.prompts.iter();
    let titles: HashMap<&str, &str> =
        prompts.map(|prompt| (prompt.id.as_str(), prompt.title.as_str())).collect();
    record.arm.measured_samples().filter_map(move |sample| {
        let (id, steps_ms) = (sample.prompt_id.as_str(), steps_ms(sample));
        let title = one_line(titles.get(id).copied().unwrap_or(id));
        let generation = Generation { prompt: format!("{letter}{title}"), steps_ms };
        (!generation.steps_ms.is_empty()).then_some((id, generation))
    })
}

/// How the steps are distributed; None where there is no speed.
fn distribution(record: ArmView<'_>, suffix: &str) -> Option<Chart> {
    let mut steps_ms = record.arm.measured_samples().flat_map(steps_ms).peekable();
    steps_ms.peek()?;
    Some(histogram(&format!("How long a token takes{suffix}"), steps_ms))
}

/// From token to token, ms; none where there is no speed. The first token is the prefill's.
fn steps_ms(sample: &SampleRecord) -> Vec<f64> {
    let times = sample.times.as_ref().map_or(&[][..], |times| times.token_ns.as_slice());
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 / 1e6).collect()
}

/// The highest resident set of each phase and process; None where none was read.
fn memory(record: ArmView<'_>) -> Option<Chart> {
    let processes: Vec<&ProcessRecord> = record.measured_processes().collect();
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let phase = |name, of: fn(&PhaseMemory) -> &MemoryReading| {
        let mib = processes.iter().map(|process| of(&process.memory).peak_rss_bytes.map(mib));
        MemoryPhase { name, mib: mib.collect() }
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
    let names: Vec<String> = processes.iter().map(|process| name_of(process)).collect();
    let is_known = phases.iter().flat_map(|phase| &phase.mib).any(Option::is_some);
    is_known.then(|| memory_chart(&names, phases))
}

fn name_of(process: &ProcessRecord) -> String {
    format!("process {}", process.index + 1)
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
    let logs = record.measured_processes().filter_map(|process| Some((process, process.guards.as_ref()?)));
    let logs: Vec<(&ProcessRecord, &GuardLog)> = logs.collect();
    let began_ns = logs.iter().filter_map(|(_, log)| Some(log.readings.first()?.at_ns)).min()?;
    let seconds = |at_ns: u64| at_ns.saturating_sub(began_ns) as f64 / 1e9;
    let findings = of_record(&record);
    let guard = |watch: &Watch| {
        // A gap after the last reading of a process: nothing was read until the next one.
        let readings = logs.iter().flat_map(|(_, log)| {
            let reading = move |it: &MachineReading| Some((seconds(it.at_ns), (watch.of)(it)?));
            log.readings.iter().map(reading).chain([None])
        });
        let readings: Vec<Option<(f64, f64)>> = readings.collect();
        readings.iter().any(Option::is_some).then(|| Guard {
            name: watch.name,
            unit: watch.unit,
            tripped_s: tripped_ns(watch, &logs, &findings).map(seconds).collect(),
            readings,
            limit: watch.limit,
        })
    };
    let guards: Vec<Guard> = WATCHES.iter().filter_map(guard).collect();
    let spans = logs.iter().filter_map(|(process, log)| {
        let (first, last) = (log.readings.first()?, log.readings.last()?);
        let (from, to) = (process.started_ns.unwrap_or(first.at_ns), process.ended_ns.unwrap_or(last.at_ns));
        Some(Span { from_s: seconds(from), to_s: seconds(to), label: name_of(process) })
    });
    let spans: Vec<Span> = spans.filter(|it| it.to_s >= it.from_s).collect();
    (!guards.is_empty()).then(|| guards_chart(&guards, &spans))
}

/// Where a process was called invalid for this value: at its beginning.
fn tripped_ns<'a>(
    watch: &'a Watch,
    logs: &'a [(&ProcessRecord, &GuardLog)],
    findings: &'a [ProcessFindings],
) -> impl Iterator<Item = u64> + 'a {
    logs.iter().filter_map(move |(process, log)| {
        let mut of_process =
            findings.iter().filter(|it| it.process == process.index).flat_map(|it| &it.findings);
        let has_tripped = of_process.any(|it| Some(it.guard) == watch.guard && it.is_trouble());
        Some(log.readings.first().filter(|_| has_tripped)?.at_ns)
    })
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
    let policy = Policy::parse(&record.inputs.policy.text, "of the record").ok();
    let rule = policy.map(|policy| policy.sequential.rule());
    let thresholds = rule.map(|rule| {
        [("regressed beyond", rule.regressed_beyond_percent), ("passes within", rule.passes_within_percent)]
    });
    (!pairs.is_empty()).then(|| pairs_chart(pairs, thresholds.as_ref().map_or(&[], |it| &it[..]), mean))
}
