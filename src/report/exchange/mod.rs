//! Records in the formats that other tools read.
//!
//! Every format is a pure function of records. A metric value stands in it by its definition, whose id stands
//! beside it wherever the format has a place for text; what is unverified, wrong, failed or interrupted has
//! no speed in any of them. Names that others gave are written so that they stay text.

mod benchstat;
mod llama_bench;
mod measured;
mod services;
mod tables;
#[cfg(test)]
mod tests;

use measured::{Measured, measured, one_a_name};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::measure::Direction;
use crate::record::{Experiment, PlanKind, Side};
use crate::report::decision::{Subject, decision_markdown, github_annotations};
use crate::report::junit::records_junit;
use crate::report::number::counted;
use crate::visible;
use crate::visible::one_line;

pub use measured::invalidated;
pub(in crate::report) use measured::{benchmark, device_name, group};

pub use tables::{OtavaSeries, otava_config, otava_csv};

/// A format of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeFormat {
    /// CSV, a row a generation.
    SampleCsv,
    /// The rows of llama.cpp's `llama-bench -o json`.
    LlamaBench,
    /// github-action-benchmark's custom entries of one direction.
    BenchmarkAction(Direction),
    /// Bencher Metric Format.
    MetricFormat,
    /// The text of Go's benchmarks, for benchstat.
    Benchstat,
    /// JUnit's XML.
    Junit,
    /// A step's summary on GitHub, and annotations.
    Github,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchanged {
    /// The file.
    pub text: String,
    /// Commands to a runner of GitHub's, which stand in its log; empty in the other formats.
    pub annotations: String,
    /// What was left out, and what is invalid, a line each.
    pub warnings: Vec<String>,
}

/// Records in a format.
///
/// # Errors
/// Records of which the format has nothing to report, or that it could not distinguish.
pub fn exchange(format: ExchangeFormat, records: &[Experiment]) -> Result<Exchanged> {
    let all = || measured(records, |_| true);
    // A file that holds one result of each name has that of the head.
    let one_each = || one_a_name(measured(records, |side| side != Some(Side::Base))?);
    match format {
        ExchangeFormat::SampleCsv => reported(all()?, tables::sample_csv),
        ExchangeFormat::LlamaBench => reported(all()?, llama_bench::text),
        ExchangeFormat::Benchstat => reported(all()?, |measured| Ok(benchstat::text(measured))),
        ExchangeFormat::BenchmarkAction(direction) => {
            reported(one_each()?, |measured| services::benchmark_action(measured, direction))
        }
        ExchangeFormat::MetricFormat => reported(one_each()?, services::metric_format),
        ExchangeFormat::Junit => {
            let (text, warnings) = (records_junit(records), invalidated(records));
            Ok(Exchanged { text, warnings, ..Exchanged::default() })
        }
        ExchangeFormat::Github => github(records),
    }
}

fn reported<'a>(
    measured: Measured<'a>,
    text: impl FnOnce(&Measured<'a>) -> Result<String>,
) -> Result<Exchanged> {
    Ok(Exchanged { text: text(&measured)?, warnings: measured.warnings, ..Exchanged::default() })
}

/// JSON as these formats are read, with its line's end.
fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|cause| Error::harness(format!("cannot write JSON: {cause}")))?;
    Ok(visible::json(&text) + "\n")
}

fn github(records: &[Experiment]) -> Result<Exchanged> {
    let mut exchanged = Exchanged::default();
    let mut runs = 0;
    for record in records {
        let id = one_line(&record.run_id);
        if record.plan != PlanKind::Ab {
            runs += 1;
            continue;
        }
        let Some(decision) = record.decision.as_ref().or(record.gate_decision.as_ref()) else {
            exchanged.warnings.push(format!("record `{id}` is left out: it came to no decision"));
            continue;
        };
        let subject = Subject::of(record);
        exchanged.text.push_str(&decision_markdown(subject, decision));
        exchanged.text.push('\n');
        exchanged.annotations.push_str(&github_annotations(subject, decision));
    }
    exchanged.warnings.extend(invalidated(records));
    if runs > 0 {
        let reported = counted(runs, "run");
        exchanged.warnings.push(format!("{reported} left out: only an A/B decides something"));
    }
    if exchanged.text.is_empty() {
        return Err(Error::input(format!("no decision in these records: {}", exchanged.warnings.join("; ")))
            .hint("`cargo xtask ab` makes one; `--format junit` exports runs, too"));
    }
    Ok(exchanged)
}
