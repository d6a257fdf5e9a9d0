//! JSON of two services: github-action-benchmark's custom entries, `[{name, unit, value, range?, extra}]`, a file a
//! direction; and Bencher Metric Format, `{benchmark: {measure: {value, lower_value?, upper_value?}}}`.
//!
//! Bencher's measure is called after its definition: `tpot-1` is `tpot@1`, in that definition's unit. The bounds are
//! those of the 95 % interval of the mean over processes, by Student's t; with one process there are none.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::judge::{MEAN_CONFIDENCE_PERCENT, PromptFigure};
use crate::measure::{Direction, Metric};
use crate::record::ArmView;
use crate::report::exchange::json;
use crate::report::exchange::measured::{Measured, benchmark};
use crate::report::number::{counted, four_digits};
use crate::visible::one_line;

#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

pub(super) fn benchmark_action(measured: &Measured<'_>, direction: Direction) -> Result<String> {
    let mut entries = Vec::new();
    for measured in &measured.runs {
        for prompt in measured.prompts() {
            let name = benchmark(measured.run, prompt);
            let figures = measured.figures(prompt);
            let wanted = figures.iter().filter(|figure| figure.figure.metric.direction() == direction);
            entries.extend(wanted.map(|figure| entry(&name, measured.run, figure)));
        }
    }
    if entries.is_empty() {
        return Err(Error::input(format!("no figure of which {} is better", direction.as_str()))
            .hint("choose the other `--direction`"));
    }
    json(&entries)
}

fn entry(name: &str, run: ArmView<'_>, figure: &PromptFigure) -> Entry {
    let metric = figure.figure.metric;
    Entry {
        name: format!("{name} {}", metric.id()),
        unit: metric.unit(),
        value: figure.figure.value,
        range: figure
            .interval()
            .map(|it| format!("{} to {}", four_digits(it.lower()), four_digits(it.upper()))),
        extra: extra(run, figure),
    }
}

/// What the figure is, and of what.
fn extra(run: ArmView<'_>, figure: &PromptFigure) -> String {
    let metric = figure.figure.metric;
    let mut parts = vec![format!("{} = {}", metric.id(), metric.formula())];
    if figure.interval().is_some() {
        let processes = counted(figure.processes.len(), "process");
        parts.push(format!("range: {MEAN_CONFIDENCE_PERCENT} % t interval over {processes}"));
    }
    let commit = run.commit.as_ref().map_or("none", |commit| commit.sha.as_str());
    let dirty = if run.commit.as_ref().is_some_and(|commit| commit.dirty) { " (dirty)" } else { "" };
    let openvino = run.runtime.as_ref().map_or("?", |runtime| &runtime.openvino_version);
    parts.push(format!("run {} of {}", one_line(&run.experiment.run_id), one_line(&run.experiment.when_utc)));
    parts.push(format!("commit {}{dirty}", one_line(commit)));
    parts.push(format!("machine {}", one_line(&run.experiment.machine.slug)));
    parts.push(format!("OpenVINO {}", one_line(openvino)));
    parts.join("; ")
}

#[derive(Debug, Serialize)]
struct Figures {
    value: f64,
    #[serde(rename = "lower_value", skip_serializing_if = "Option::is_none")]
    lower: Option<f64>,
    #[serde(rename = "upper_value", skip_serializing_if = "Option::is_none")]
    upper: Option<f64>,
}

pub(super) fn metric_format(measured: &Measured<'_>) -> Result<String> {
    let mut benchmarks: BTreeMap<String, BTreeMap<String, Figures>> = BTreeMap::new();
    for of_run in &measured.runs {
        for prompt in of_run.prompts() {
            let figures = of_run.figures(prompt);
            let reported = figures.iter().map(|figure| (measure(figure.figure.metric), value(figure)));
            benchmarks.insert(benchmark(of_run.run, prompt), reported.collect());
        }
    }
    json(&benchmarks)
}

/// The definition's id as a slug.
fn measure(metric: Metric) -> String {
    metric.id().replace(['@', '_'], "-")
}

fn value(figure: &PromptFigure) -> Figures {
    let interval = figure.interval();
    Figures {
        value: figure.figure.value,
        lower: interval.map(|interval| interval.lower()),
        upper: interval.map(|interval| interval.upper()),
    }
}
