//! CSV: a row a generation, for whoever has a statistic of their own; and a series as apache-otava reads it,
//! `time,commit,<metric>...`, with the configuration that names it.
//!
//! Otava's times are seconds, and it looks for changes in their order: each row's is later than the one before. The time
//! is that of the commit, so that a commit that was measured late stands where it belongs; where commits share a time, or
//! were rewritten out of order, the next second is taken.

use std::fmt::Write;

use crate::error::{Error, Result};
use crate::measure::{Direction, Metric, Sample};
use crate::record::{Entry, SERIES_COLUMNS, Side, csv_text, seconds_of_utc, utc_of_seconds};
use crate::report::exchange::measured::{Measured, MeasuredRun, device_name, slug};
use crate::report::number::every_digit;
use crate::visible::{json, one_line};

/// What a cell is of.
type Of<'a> = (&'a MeasuredRun<'a>, &'a Sample);

type Column = (&'static str, fn(Of<'_>) -> String);

/// What a row is of, before its values.
const COLUMNS: [Column; 12] = [
    ("run_id", |(it, _)| it.run.experiment.run_id.clone()),
    ("side", |(it, _)| it.side.map_or("", Side::as_str).to_owned()),
    ("commit", |(it, _)| it.run.commit.as_ref().map_or(String::new(), |commit| commit.sha.clone())),
    ("dirty", |(it, _)| it.run.commit.as_ref().map_or(String::new(), |commit| commit.dirty.to_string())),
    ("when_utc", |(it, _)| it.run.experiment.when_utc.clone()),
    ("machine", |(it, _)| it.run.experiment.machine.slug.clone()),
    ("model", |(it, _)| it.run.model.name.clone()),
    ("device", |(it, _)| device_name(it.run).to_owned()),
    ("openvino", |(it, _)| it.run.runtime.as_ref().map_or(String::new(), |it| it.openvino_version.clone())),
    ("process", |(_, sample)| sample.process.to_string()),
    ("prompt", |(_, sample)| sample.prompt_id.clone()),
    ("prompt_tokens", |(_, sample)| sample.prompt_tokens.to_string()),
];

pub(super) fn sample_csv(measured: &Measured<'_>) -> Result<String> {
    let headings = metrics().map(|metric| format!("{} ({})", metric.id(), metric.unit()));
    let header = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).chain(headings).collect();
    let rows = measured.runs.iter().flat_map(|run| {
        let samples: Vec<Sample> = run.prompts().flat_map(|it| it.samples().collect::<Vec<_>>()).collect();
        samples.into_iter().map(move |sample| {
            let values = metrics().map(|metric| metric_value(metric, &sample).unwrap_or_default());
            COLUMNS.iter().map(|(_, cell)| cell((run, &sample))).chain(values).collect()
        })
    });
    csv_text([header].into_iter().chain(rows))
}

/// The definitions that a generation can have a value of.
fn metrics() -> impl Iterator<Item = Metric> {
    let is_of_one =
        |metric: &Metric| *metric == Metric::PeakRss || Metric::of_generations().any(|it| it == *metric);
    Metric::ALL.iter().copied().filter(is_of_one)
}

/// The value with all its digits; None where this generation has none.
fn metric_value(metric: Metric, sample: &Sample) -> Option<String> {
    if metric == Metric::PeakRss {
        return sample.memory.peak_rss_bytes.map(|bytes| bytes.to_string());
    }
    every_digit(metric.of(sample)?.value)
}

/// A series for apache-otava.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtavaSeries {
    /// The CSV file.
    pub csv: String,
    /// The earliest time in it, UTC: otava leaves out what is older than a year by default.
    pub since_utc: String,
    /// What was left out or moved, a line each.
    pub warnings: Vec<String>,
}

/// The records of one series that others may be compared with, oldest first.
///
/// # Errors
/// None of them has a row.
pub fn otava_csv(entries: &[&Entry]) -> Result<OtavaSeries> {
    let metrics = SERIES_COLUMNS.iter().map(|column| column.metric.id());
    let mut rows = vec![["time", "commit"].into_iter().chain(metrics).map(str::to_owned).collect()];
    let (mut warnings, mut moved, mut since, mut last) = (Vec::new(), 0_usize, None, None);
    for entry in entries.iter().filter(|entry| entry.may_be_baseline()) {
        let (Some(commit), Some(metric_values)) = (&entry.commit, &entry.metric_values) else { continue };
        let own = seconds_of_utc(&commit.author_date_utc);
        let earliest = last.map(|last: i64| last.saturating_add(1));
        let seconds = own.max(earliest);
        let reported = seconds.filter(|_| own.is_some()).and_then(utc_of_seconds);
        let (Some(seconds), Some(time)) = (seconds, reported) else {
            let date = one_line(&commit.author_date_utc);
            warnings.push(format!(
                "record `{}` is left out: its commit's date is `{date}`",
                one_line(&entry.run_id)
            ));
            continue;
        };
        moved += usize::from(own != Some(seconds));
        let values = SERIES_COLUMNS.iter().map(|column| column.value(metric_values).to_string());
        let row = [time.clone(), commit.sha.clone()].into_iter().chain(values);
        rows.push(row.collect());
        since.get_or_insert(time);
        last = Some(seconds);
    }
    if moved > 0 {
        warnings.push(format!(
            "{moved} of the times are a later second than their commit's, so that each row is later than the one before"
        ));
    }
    let Some(since_utc) = since else {
        return Err(Error::input(
            "none of these records has a row: a row is a verified run of a clean commit",
        )
        .hint("`cargo xtask history list` names them; `cargo xtask bench` makes one"));
    };
    Ok(OtavaSeries { csv: csv_text(rows)?, since_utc, warnings })
}

/// The name of the test that a series is to otava.
fn test_name(entry: &Entry) -> String {
    let series = &entry.setting.series;
    format!("{}-{}", slug(&series.model), slug(&series.device))
}

/// The configuration by which otava finds the file, and knows which way is better; None without a record.
pub fn otava_config(entries: &[&Entry], file: &str, since_utc: &str) -> Option<String> {
    let entry = entries.first()?;
    let name = test_name(entry);
    // A string of JSON is one of YAML, too.
    let quoted = |text: &str| json(&serde_json::Value::from(text).to_string());
    let mut text = format!(
        "# otava analyze {name} --config-file THIS_FILE --since {}\n# series {}\ntests:\n  {}:\n",
        since_utc.get(..10).unwrap_or(since_utc),
        one_line(&entry.setting.series.id),
        quoted(&name)
    );
    let _ = write!(
        text,
        "    type: csv\n    file: {}\n    time_column: time\n    attributes: [commit]\n    metrics:\n",
        quoted(file)
    );
    for column in SERIES_COLUMNS {
        let id = column.metric.id();
        let direction = match column.metric.direction() {
            Direction::Lower => -1,
            Direction::Higher => 1,
        };
        let _ = writeln!(
            text,
            "      {}: {{column: {}, direction: {direction}, scale: 1}}",
            quoted(id),
            quoted(id)
        );
    }
    Some(text)
}
