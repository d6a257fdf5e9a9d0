//! CSV, a row a generation: for whoever has a statistic of their own.

use crate::error::{Error, Result};
use crate::measure::{Metric, Sample};
use crate::record::RunRecord;
use crate::report::exchange::measured::{Measured, MeasuredRun};
use crate::report::exchange::naming::device_name;
use crate::report::number::every_digit;
use crate::report::one_line;

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
/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

pub(super) fn text(measured: &Measured<'_>) -> Result<String> {
    let failed = |cause: &dyn std::fmt::Display| Error::harness(format!("cannot write CSV: {cause}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let metrics = metrics().map(|metric| format!("{} ({})", metric.id(), metric.unit()));
    let header = COLUMNS.into_iter().map(str::to_owned).chain(metrics);
    writer.write_record(header).map_err(|cause| failed(&cause))?;
    for measured in &measured.runs {
        for prompt in measured.prompts() {
            for sample in &measured.samples(prompt) {
                writer.write_record(row(measured, sample)).map_err(|cause| failed(&cause))?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|cause| failed(&cause))?;
    String::from_utf8(bytes).map_err(|cause| failed(&cause))
}

/// The definitions that a generation can have a figure of.
fn metrics() -> impl Iterator<Item = Metric> {
    let is_of_more = |metric: &Metric| {
        matches!(
            metric,
            Metric::Load | Metric::PeakDeviceMemory | Metric::LogitDrift | Metric::EnergyPerToken
        )
    };
    Metric::ALL.into_iter().filter(move |metric| !is_of_more(metric))
}

fn row(measured: &MeasuredRun<'_>, sample: &Sample) -> Vec<String> {
    let run: &RunRecord = measured.run;
    let commit = run.commit.as_ref();
    let openvino = run.runtime.as_ref().map_or("", |runtime| &runtime.openvino_version);
    let mut cells = vec![
        cell(&run.run_id),
        measured.side.map_or("", crate::record::Side::word).to_owned(),
        cell(commit.map_or("", |commit| &commit.sha)),
        commit.map_or(String::new(), |commit| commit.dirty.to_string()),
        cell(&run.when_utc),
        cell(&run.machine.slug),
        cell(&run.model.name),
        cell(device_name(run)),
        cell(openvino),
        sample.process.to_string(),
        cell(&sample.prompt_id),
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

/// A text of others on one line, which no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let line = one_line(text);
    if line.starts_with(FORMULA) { format!("'{line}") } else { line }
}
