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
struct Figures {
    value: f64,
    #[serde(rename = "lower_value", skip_serializing_if = "Option::is_none")]
    lower: Option<f64>,
    #[serde(rename = "upper_value", skip_serializing_if = "Option::is_none")]
    upper: Option<f64>,
}

pub(super) fn text(measured: &Measured<'_>) -> Result<String> {
    let mut benchmarks: BTreeMap<String, BTreeMap<String, Figures>> = BTreeMap::new();
    for of_run in &measured.runs {
        for prompt in of_run.prompts() {
            let figures = of_run.figures(prompt);
            let reported = figures.iter().map(|figure| (slug(figure.figure.metric), value(figure)));
            benchmarks.insert(benchmark(of_run.run, prompt), reported.collect());
        }
    }
    json(&benchmarks)
}

/// The definition's id as a slug.
fn slug(metric: Metric) -> String {
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
