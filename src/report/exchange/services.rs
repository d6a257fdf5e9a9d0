//! JSON of two services: github-action-benchmark's custom entries, `[{name, unit, value, range?, extra}]`, a file a
//! direction; and Bencher Metric Format, `{benchmark: {measure: {value, lower_value?, upper_value?}}}`.
//!
//! Bencher's measure is called after its definition: `tpot-1` is `tpot@1`, in that definition's unit. The bounds are
//! those of the 95 % interval of the mean over processes, by Student's t; with one process there are none.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::judge::{MEAN_CONFIDENCE_PERCENT, MeanInterval, PromptValue};
use crate::measure::{Direction, Metric, MetricValue};
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
            let name = benchmark(measured.run, prompt.id);
            let mut values = prompt.metric_values();
            values.retain(|it| it.metric_value.metric.direction() == direction);
            entries.extend(values.iter().map(|it| {
                let MetricValue { metric, value } = it.metric_value;
                let range =
                    |it: MeanInterval| format!("{} to {}", four_digits(it.lower()), four_digits(it.upper()));
                Entry {
                    name: format!("{name} {}", metric.id()),
                    unit: metric.unit(),
                    value,
                    range: it.interval().map(range),
                    extra: extra(measured.run, it),
                }
            }));
        }
    }
    if entries.is_empty() {
        return Err(Error::input(format!("no value of which {} is better", direction.as_str()))
            .hint("choose the other `--direction`"));
    }
    json(&entries)
}

/// What the value is, and of what.
fn extra(run: ArmView<'_>, metric_value: &PromptValue) -> String {
    let metric = metric_value.metric_value.metric;
    let mut parts = vec![format!("{} = {}", metric.id(), metric.formula())];
    if metric_value.interval().is_some() {
        let processes = counted(metric_value.processes.len(), "process");
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
struct MeanValues {
    value: f64,
    #[serde(rename = "lower_value", skip_serializing_if = "Option::is_none")]
    lower: Option<f64>,
    #[serde(rename = "upper_value", skip_serializing_if = "Option::is_none")]
    upper: Option<f64>,
}

pub(super) fn metric_format(measured: &Measured<'_>) -> Result<String> {
    let mut benchmarks: BTreeMap<String, BTreeMap<String, MeanValues>> = BTreeMap::new();
    for of_run in &measured.runs {
        for prompt in of_run.prompts() {
            let values = prompt.metric_values();
            let reported = values.iter().map(|it| (measure(it.metric_value.metric), value(it)));
            benchmarks.insert(benchmark(of_run.run, prompt.id), reported.collect());
        }
    }
    json(&benchmarks)
}

/// The definition's id as a slug.
fn measure(metric: Metric) -> String {
    metric.id().replace(['@', '_'], "-")
}

fn value(metric_value: &PromptValue) -> MeanValues {
    let interval = metric_value.interval();
    MeanValues {
        value: metric_value.metric_value.value,
        lower: interval.map(|interval| interval.lower()),
        upper: interval.map(|interval| interval.upper()),
    }
}
