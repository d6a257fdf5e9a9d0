//! `llm_bench -r`: its report as CSV. Below the generations it has averages of each prompt, and below these
//! a line of text each for its own columns.

use serde_json::{Map, Number, Value};

use crate::error::Result;
use crate::record::foreign::field::{Fields, refused, short};
use crate::record::foreign::format::Found;
use crate::record::foreign::llm_bench::{TIMED, Timed, complete, label, reported, row};
use crate::record::foreign::{ForeignFigure, ForeignFormat, ReportedAverage, ReportedByTool, figure};

/// A column, and the name of the same field in the JSON.
struct Column {
    name: &'static str,
    key: &'static str,
}

/// The columns that are read; all others are left alone.
const COLUMNS: [Column; 17] = [
    Column { name: "iteration", key: "iteration" },
    Column { name: "model", key: "model" },
    Column { name: "framework", key: "framework" },
    Column { name: "device", key: "device" },
    Column { name: "precision", key: "precision" },
    Column { name: "num_beams", key: "num_beams" },
    Column { name: "batch_size", key: "batch_size" },
    Column { name: "prompt_idx", key: "prompt_idx" },
    Column { name: "input_size", key: "input_size" },
    Column { name: "output_size", key: "output_size" },
    Column { name: "pretrain_time(s)", key: "compile_time" },
    Column { name: "generation_time(s)", key: "generation_time" },
    Column { name: "latency(ms)", key: "latency" },
    Column { name: "1st_latency(ms)", key: "first_latency" },
    Column { name: "2nd_avg_latency(ms)", key: "second_avg_latency" },
    Column { name: "1st_infer_latency(ms)", key: "first_infer_latency" },
    Column { name: "2nd_infer_avg_latency(ms)", key: "second_infer_avg_latency" },
];
/// Columns that both files name alike.
const ALIKE: [&str; 3] = ["tokenization_time", "detokenization_time", "chat_idx"];
/// Fields that stay text, whatever they look like.
const TEXTS: [&str; 4] = ["model", "framework", "device", "precision"];
/// The tool's word for a figure that it does not have.
const NONE: &str = "NA";

/// The first cell of a row of averages.
const AVERAGE: &str = "avg";

/// Whether a file is one by its looks: by its first line.
pub(super) fn looks_like(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    first.starts_with("iteration,") && first.contains("generation_time(s)")
}

/// Reads one.
pub(super) fn read(text: &[u8]) -> Result<Found> {
    let unreadable = |cause: csv::Error| refused(format!("it cannot be read as CSV: {cause}"));
    let mut reader = csv::Reader::from_reader(text);
    let head = reader.headers().map_err(unreadable)?.clone();
    let (mut rows, mut figures) = (Vec::new(), Vec::new());
    let (mut averages_reported, mut warnings) = (Vec::new(), Vec::new());
    let mut said: Option<ReportedByTool> = None;
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(unreadable)?;
        let line = index + 2;
        if record.iter().skip(1).all(str::is_empty) {
            continue;
        }
        let map = fields_of(&head, &record, line)?;
        let fields = Fields::of(&map, &format!("line {line}"));
        match map.get("iteration").and_then(Value::as_str) {
            Some(AVERAGE) => averages_reported.extend(averages(&fields, &mut warnings)),
            Some("mini" | "median") => {}
            Some(other) => {
                return Err(refused(format!("`line {line}.iteration` is `{}`, which is none", short(other))));
            }
            None => {
                same_setting(&mut said, reported(&fields)?, line)?;
                rows.push(row(&fields)?);
                figures.extend(compile_time(&fields)?);
            }
        }
    }
    complete(&rows)?;
    Ok(Found {
        format: ForeignFormat::LlmBenchCsv,
        reported_by_tool: said.unwrap_or_default(),
        figures,
        rows,
        averages_reported,
        warnings,
    })
}

/// Only the first row has it.
fn compile_time(fields: &Fields<'_>) -> Result<Option<ForeignFigure>> {
    Ok(figure("llm_bench.compile_time@1", fields.number("compile_time")?))
}

/// A line of the table under the names of the JSON.
fn fields_of(
    head: &csv::StringRecord,
    record: &csv::StringRecord,
    line: usize,
) -> Result<Map<String, Value>> {
    let mut map = Map::new();
    for (name, cell) in head.iter().zip(record) {
        let column = COLUMNS.iter().find(|column| column.name == name).map(|column| column.key);
        let Some(key) = column.or_else(|| ALIKE.into_iter().find(|alike| *alike == name)) else { continue };
        // An average that is no number is a warning, as is one that is below 0.
        let is_average = record.get(0) == Some(AVERAGE);
        let as_text = || is_average.then(|| Value::from(cell));
        let value = value_of(key, cell).or_else(as_text).ok_or_else(|| {
            refused(format!("`line {line}.{name}` is `{}`, which is no number", short(cell)))
        })?;
        if map.insert(key.to_owned(), value).is_some() {
            return Err(refused(format!("it has two columns `{name}`")));
        }
    }
    Ok(map)
}

/// A cell as JSON would have it; None for a number that JSON has not.
fn value_of(key: &str, cell: &str) -> Option<Value> {
    if cell.is_empty() || cell == NONE {
        return Some(Value::Null);
    }
    if TEXTS.contains(&key) {
        return Some(Value::String(cell.to_owned()));
    }
    if let Ok(count) = cell.parse::<u64>() {
        return Some(Value::from(count));
    }
    match cell.parse::<f64>() {
        Ok(number) => Number::from_f64(number).map(Value::Number),
        Err(_) => Some(Value::String(cell.to_owned())),
    }
}

fn averages(fields: &Fields<'_>, warnings: &mut Vec<String>) -> Vec<ReportedAverage> {
    let prompt = match fields.needed_count("prompt_idx") {
        Ok(prompt) => label(prompt),
        Err(error) => {
            warnings.push(format!("an average is left out: {error}"));
            return Vec::new();
        }
    };
    let mut reported = Vec::new();
    for Timed { key, definition } in TIMED {
        reported.extend(fields.average(key, warnings).map(|value| ReportedAverage {
            prompt: Some(prompt.clone()),
            definition: definition.to_owned(),
            value,
        }));
    }
    reported
}

/// Every row must be of one model, device and setting.
fn same_setting(said: &mut Option<ReportedByTool>, reported: ReportedByTool, line: usize) -> Result<()> {
    match said {
        Some(first) if *first != reported => Err(refused(format!(
            "line {line} is of another model, device or setting than the rows before: `{}` on `{}`",
            short(reported.model.as_deref().unwrap_or("?")),
            short(reported.device.as_deref().unwrap_or("?"))
        ))),
        _ => {
            *said = Some(reported);
            Ok(())
        }
    }
}
