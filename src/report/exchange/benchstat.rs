//! The text of Go's benchmarks, which benchstat compares: a line a generation.
//!
//! benchstat makes a table of all lines whose configuration is the same, and a column of each file. So what
//! makes a series is configuration, and what may be compared is not: commit, runtime and side are comments
//! where a file holds one of them, and configuration, for `-col commit`, where it holds several.

use std::fmt::Write;

use crate::measure::{Direction, Metric, Sample};
use crate::record::{ArmView, Series, Side};
use crate::report::exchange::measured::{Measured, MeasuredRun, device_name, slug};
use crate::report::number::every_digit;
use crate::visible::one_line;

/// The values that have units of their own; decoding is reported in Go's.
const OTHERS: [Metric; 5] = [
    Metric::TimeToFirstToken,
    Metric::EndToEndLatency,
    Metric::EndToEndPerToken,
    Metric::EndToEndThroughput,
    Metric::HostOverhead,
];

/// What stands for what there is not.
const NONE: &str = "none";

/// A key with its value: an empty one would take the key away.
type Reported = (&'static str, String);

pub(super) fn text(measured: &Measured<'_>) -> String {
    let mut text = head();
    let varied = varied(&measured.runs);
    for measured in &measured.runs {
        let _ = writeln!(
            text,
            "\n# run {} of {}",
            one_line(&measured.run.experiment.run_id),
            one_line(&measured.run.experiment.when_utc)
        );
        for (key, value) in series(measured.run) {
            let _ = writeln!(text, "{key}: {value}");
        }
        for (key, value) in compared(measured) {
            let is_varied = varied.contains(&key);
            if value == NONE && !is_varied {
                continue;
            }
            let mark = if is_varied { "" } else { "# " };
            let _ = writeln!(text, "{mark}{key}: {value}");
        }
        for prompt in measured.prompts() {
            text.extend(prompt.samples().map(|sample| line(prompt.id, &sample)));
        }
    }
    text
}

/// What the units stand for, and which way is better.
fn head() -> String {
    let (decode, speed) = (Metric::TimePerOutputToken, Metric::DecodeThroughput);
    let mut text = format!(
        "definition-of-ns/op: {} = {}\ndefinition-of-tok/s: {} = {}\nUnit tok/s better=higher\n",
        decode.id(),
        decode.formula(),
        speed.id(),
        speed.formula()
    );
    for metric in OTHERS {
        let better = match metric.direction() {
            Direction::Lower => "lower",
            Direction::Higher => "higher",
        };
        let _ = writeln!(text, "Unit {} better={better}", unit(metric));
    }
    text
}

/// As in `ttft@1(ms)`.
fn unit(metric: Metric) -> String {
    format!("{}({})", metric.id(), metric.unit())
}

/// What is the same for all that may be compared.
fn series(run: ArmView<'_>) -> [Reported; 5] {
    let workload = Series::of(run).workload_sha256;
    [
        ("machine", value(&run.experiment.machine.slug)),
        ("model", value(&run.model.name)),
        ("device", value(device_name(run))),
        ("workload", value(workload.get(..12).unwrap_or(&workload))),
        ("new-tokens", run.workload.new_tokens.to_string()),
    ]
}

/// What may be compared with each other.
fn compared(measured: &MeasuredRun<'_>) -> [Reported; 3] {
    let run = measured.run;
    let commit = run.commit.as_ref();
    let dirty = if commit.is_some_and(|commit| commit.dirty) { "-dirty" } else { "" };
    let sha = commit.map_or(NONE, |commit| &commit.sha);
    [
        ("side", measured.side.map_or(NONE, Side::as_str).to_owned()),
        ("commit", value(&format!("{sha}{dirty}"))),
        ("openvino", value(run.runtime.as_ref().map_or(NONE, |runtime| &runtime.openvino_version))),
    ]
}

/// The keys of which not all runs have one value.
fn varied(runs: &[MeasuredRun<'_>]) -> Vec<&'static str> {
    let all: Vec<[Reported; 3]> = runs.iter().map(compared).collect();
    let Some(first) = all.first() else { return Vec::new() };
    let differs = |at: usize| all.iter().any(|reported| reported[at] != first[at]);
    (0..first.len()).filter(|at| differs(*at)).map(|at| first[at].0).collect()
}

fn value(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() { "unnamed".to_owned() } else { line }
}

/// One generation, with its line's end: as many operations as tokens were decoded.
fn line(prompt: &str, sample: &Sample) -> String {
    let mut metric_values = Vec::new();
    let mut add = |metric: Metric, factor: f64, unit: String| {
        let value = metric.of(sample).and_then(|metric_value| every_digit(metric_value.value * factor));
        metric_values.extend(value.map(|value| format!("\t{value} {unit}")));
    };
    add(Metric::TimePerOutputToken, 1e6, "ns/op".to_owned());
    add(Metric::DecodeThroughput, 1.0, "tok/s".to_owned());
    for metric in OTHERS {
        add(metric, 1.0, unit(metric));
    }
    if metric_values.is_empty() {
        return String::new();
    }
    let steps = sample.token_ids.len().saturating_sub(1).max(1);
    format!("BenchmarkDecode/prompt={}\t{steps}{}\n", prompt_name(prompt), metric_values.concat())
}

/// A prompt's id without what parts a name. A number after a last hyphen would be taken for a number of
/// threads.
fn prompt_name(prompt: &str) -> String {
    let name = slug(prompt);
    match name.rsplit_once('-') {
        Some((words, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{words}_{number}")
        }
        _ => name,
    }
}
