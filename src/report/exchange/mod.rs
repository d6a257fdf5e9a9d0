//! Records in the formats that other tools read.
//!
//! Every format is a pure function of records. A figure stands in it by its definition, whose id stands
//! beside it wherever the format has a place for text; what is unverified, wrong, failed or interrupted has
//! no speed in any of them. Names that others gave are written so that they stay text.

mod benchmark_action;
mod benchstat;
mod github;
mod junit;
mod llama_bench;
mod measured;
mod metric_format;
mod naming;
mod otava;
mod sample_csv;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::measure::Direction;
use crate::record::Experiment;
use crate::visible;
use measured::{Measured, Sides, measured};

pub use measured::invalidated;

pub use otava::{OtavaSeries, otava_config, otava_csv};

/// A format that tells records.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The file.
    pub text: String,
    /// Commands to a runner of GitHub's, which stand in its log; empty in the other formats.
    pub annotations: String,
    /// What was left out, and what is not to be believed, a line each.
    pub warnings: Vec<String>,
}

/// Tells records in a format.
///
/// # Errors
/// Records of which the format has nothing to tell, or that it could not hold apart.
pub fn exchange(format: ExchangeFormat, records: &[Experiment]) -> Result<Exchanged> {
    match format {
        ExchangeFormat::SampleCsv => reported(measured(records, Sides::Both)?, sample_csv::text),
        ExchangeFormat::LlamaBench => reported(measured(records, Sides::Both)?, llama_bench::text),
        ExchangeFormat::BenchmarkAction(direction) => {
            let one_each = naming::one_a_name(measured(records, Sides::Head)?)?;
            reported(one_each, |measured| benchmark_action::text(measured, direction))
        }
        ExchangeFormat::MetricFormat => {
            reported(naming::one_a_name(measured(records, Sides::Head)?)?, metric_format::text)
        }
        ExchangeFormat::Benchstat => {
            reported(measured(records, Sides::Both)?, |measured| Ok(benchstat::text(measured)))
        }
        ExchangeFormat::Junit => {
            let (text, warnings) = (junit::text(records), invalidated(records));
            Ok(Exchanged { text, annotations: String::new(), warnings })
        }
        ExchangeFormat::Github => github::exchanged(records),
    }
}

fn reported<'a>(
    measured: Measured<'a>,
    text: impl FnOnce(&Measured<'a>) -> Result<String>,
) -> Result<Exchanged> {
    Ok(Exchanged { text: text(&measured)?, annotations: String::new(), warnings: measured.warnings })
}

/// JSON as these formats are read, with its line's end.
fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|cause| Error::harness(format!("cannot write JSON: {cause}")))?;
    Ok(visible::json(&text) + "\n")
}
