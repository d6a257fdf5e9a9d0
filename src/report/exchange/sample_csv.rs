//! CSV, a row a generation: for whoever has a statistic of their own.

use crate::error::Result;
use crate::measure::{Metric, Sample};
use crate::record::{ArmView, csv_text};
use crate::report::exchange::measured::{Measured, MeasuredRun};
use crate::report::exchange::naming::device_name;
use crate::report::number::every_digit;

/// What a row is of, before its figures.
const COLUMNS: [&str; 12] = [
    "run_id",
    "side",
    "commit",
    "dirty",
    "when_utc",
    "machine",
    "model",
    "device",
    "openvino",
    "process",
    "prompt",
    "prompt_tokens",
];

pub(super) fn text(measured: &Measured<'_>) -> Result<String> {
    let metrics = metrics().map(|metric| format!("{} ({})", metric.id(), metric.unit()));
    let header = COLUMNS.into_iter().map(str::to_owned).chain(metrics).collect();
    let rows = measured.runs.iter().flat_map(|measured| {
        let samples = measured.prompts().flat_map(|prompt| measured.samples(prompt));
        samples.map(|sample| row(measured, &sample)).collect::<Vec<_>>()
    });
    csv_text([header].into_iter().chain(rows))
}

/// The definitions that a generation can have a figure of.
fn metrics() -> impl Iterator<Item = Metric> {
    let is_of_more = |metric: &Metric| {
        matches!(
            metric,
            Metric::Load | Metric::PeakDeviceMemory | Metric::LogitDrift | Metric::EnergyPerToken
        )
    };
    Metric::ALL.iter().copied().filter(move |metric| !is_of_more(metric))
}

fn row(measured: &MeasuredRun<'_>, sample: &Sample) -> Vec<String> {
    let run: ArmView<'_> = measured.run;
    let commit = run.commit.as_ref();
    let openvino = run.runtime.as_ref().map_or("", |runtime| &runtime.openvino_version);
    let mut cells = vec![
        run.experiment.run_id.clone(),
        measured.side.map_or("", crate::record::Side::as_str).to_owned(),
        commit.map_or(String::new(), |commit| commit.sha.clone()),
        commit.map_or(String::new(), |commit| commit.dirty.to_string()),
        run.experiment.when_utc.clone(),
        run.experiment.machine.slug.clone(),
        run.model.name.clone(),
        device_name(run).to_owned(),
        openvino.to_owned(),
        sample.process.to_string(),
        sample.prompt_id.clone(),
        sample.prompt_tokens.to_string(),
    ];
    cells.extend(metrics().map(|metric| figure(metric, sample).unwrap_or_default()));
    cells
}

/// The figure with all its digits; None where this generation has none.
fn figure(metric: Metric, sample: &Sample) -> Option<String> {
    if metric == Metric::PeakRss {
        return sample.memory.peak_rss_bytes.map(|bytes| bytes.to_string());
    }
    every_digit(metric.of(sample)?.value)
}
