//! `llm_bench -rj`: its report as JSON.

use serde_json::Value;

use crate::error::Result;
use crate::record::foreign::field::{Fields, missing};
use crate::record::foreign::format::Found;
use crate::record::foreign::llm_bench::{TIMED, Timed, complete, reported, row};
use crate::record::foreign::{ForeignFormat, ReportedAverage, figure};

/// Whether a file is one by its looks.
pub(super) fn looks_like(value: &Value) -> bool {
    value.get("perfdata").is_some()
}

/// A file that is JSON but for averages such as `NaN`, which Python writes for the mean of nothing: with these
/// as text. None where that does not make it JSON.
pub(super) fn with_averages_as_text(text: &str) -> Option<Value> {
    let start = text.find("\"results_averaged\"")?;
    let (before, rest) = text.split_at(start);
    let (averages, after) = rest.split_at(rest.find('}')?);
    let mut averages = averages.to_owned();
    for word in ["NaN", "-Infinity", "Infinity"] {
        for gap in [":", ": "] {
            averages = averages.replace(&format!("{gap}{word}"), &format!("{gap}\"{word}\""));
        }
    }
    serde_json::from_str(&format!("{before}{averages}{after}")).ok()
}

/// Reads one.
pub(super) fn read(value: &Value) -> Result<Found> {
    let file = Fields::at(value, "")?;
    let metadata = file.object("metadata")?.ok_or_else(|| missing("metadata"))?;
    let reported_by_tool = reported(&metadata)?;
    let perfdata = file.object("perfdata")?.ok_or_else(|| missing("perfdata"))?;
    let mut rows = Vec::new();
    for (index, value) in perfdata.list("results")?.iter().enumerate() {
        rows.push(row(&Fields::at(value, &format!("perfdata.results[{index}]"))?)?);
    }
    complete(&rows)?;
    let (mut averages_reported, mut warnings) = (Vec::new(), Vec::new());
    let averaged = perfdata.object("results_averaged").unwrap_or_else(|error| {
        warnings.push(format!("its averages are left out: {error}"));
        None
    });
    if let Some(averaged) = averaged {
        for Timed { key, definition } in TIMED {
            let reported = averaged.average(key, &mut warnings);
            averages_reported.extend(reported.map(|value| ReportedAverage {
                prompt: None,
                definition: definition.to_owned(),
                value,
            }));
        }
    }
    Ok(Found {
        format: ForeignFormat::LlmBenchJson,
        reported_by_tool,
        figures: figure("llm_bench.compile_time@1", perfdata.number("compile_time")?).into_iter().collect(),
        rows,
        averages_reported,
        warnings,
    })
}
