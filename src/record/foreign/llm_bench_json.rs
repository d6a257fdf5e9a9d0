//! `llm_bench -rj`: its report as JSON.

use serde_json::Value;

use crate::error::Result;
use crate::record::foreign::field::{Fields, missing};
use crate::record::foreign::format::Found;
use crate::record::foreign::llm_bench::{TIMED, Timed, complete, row, told};
use crate::record::foreign::{ForeignFormat, ToldAverage, figure};

/// Whether a file is one by its looks.
pub(super) fn looks_like(value: &Value) -> bool {
    value.get("perfdata").is_some()
}

/// Reads one.
pub(super) fn read(value: &Value) -> Result<Found> {
    let file = Fields::at(value, "")?;
    let metadata = file.object("metadata")?.ok_or_else(|| missing("metadata"))?;
    let told_by_tool = told(&metadata)?;
    let perfdata = file.object("perfdata")?.ok_or_else(|| missing("perfdata"))?;
    let mut rows = Vec::new();
    for (index, value) in perfdata.list("results")?.iter().enumerate() {
        rows.push(row(&Fields::at(value, &format!("perfdata.results[{index}]"))?)?);
    }
    complete(&rows)?;
    let mut averages_told = Vec::new();
    if let Some(averaged) = perfdata.object("results_averaged")? {
        for Timed { key, definition } in TIMED {
            let told = averaged.number(key)?;
            averages_told.extend(told.map(|value| ToldAverage {
                prompt: None,
                definition: definition.to_owned(),
                value,
            }));
        }
    }
    Ok(Found {
        format: ForeignFormat::LlmBenchJson,
        told_by_tool,
        figures: figure("llm_bench.compile_time@1", perfdata.number("compile_time")?).into_iter().collect(),
        rows,
        averages_told,
    })
}
