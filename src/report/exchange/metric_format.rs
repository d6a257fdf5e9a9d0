//! Bencher Metric Format: `{benchmark: {measure: {value, lower_value?, upper_value?}}}`.
//!
//! A measure is called after its definition: `tpot-1` is `tpot@1`, in that definition's unit. The bounds are
//! those of the 95 % interval of the mean over processes, by Student's t; with one process there are none.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Result;
use crate::judge::PromptFigure;
use crate::measure::Metric;
use crate::report::exchange::json;
use crate::report::exchange::measured::Measured;
use crate::report::exchange::naming::benchmark;

#[derive(Debug, Serialize)]
struct Value {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

pub(super) fn text(measured: &Measured<'_>) -> Result<String> {
    let mut benchmarks: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for measured in &measured.runs {
        for prompt in measured.prompts() {
            let measures = measured.figures(prompt);
            let measures = measures.iter().map(|figure| (measure(figure.figure.metric), value(figure)));
            benchmarks.insert(benchmark(measured.run, prompt), measures.collect());
        }
    }
    json(&benchmarks)
}

/// The definition's id as a slug.
fn measure(metric: Metric) -> String {
    metric.id().replace(['@', '_'], "-")
}

fn value(figure: &PromptFigure) -> Value {
    let interval = figure.interval();
    Value {
        value: figure.figure.value,
        lower_value: interval.map(|interval| interval.lower()),
        upper_value: interval.map(|interval| interval.upper()),
    }
}
