//! `llm_bench`: what its JSON and its CSV have in common.
//!
//! Its clock stands around one call of `generate`, after tokenisation. Iteration 0 of every prompt is a
//! warm-up, and the averages of its JSON leave out one row in all, not one a prompt.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::Result;
use crate::measure::Role;
use crate::record::imported::format::{Fields, csv_lines, missing, number, refused, short};
use crate::record::imported::{
    ImportedFormat, ImportedRecord, ImportedRow, ImportedValue, ReportedAverage, ReportedByTool, metric_value,
};

/// Every field of a row that is read, with the definition of what is in it.
const TIMED: [(&str, &str); 8] = [
    ("generation_time", "e2e_latency@1"),
    ("latency", "e2e_per_token@1"),
    ("first_latency", "llm_bench.first_latency@1"),
    ("second_avg_latency", "llm_bench.second_avg_latency@1"),
    ("first_infer_latency", "llm_bench.first_infer_latency@1"),
    ("second_infer_avg_latency", "llm_bench.second_infer_avg_latency@1"),
    ("tokenization_time", "llm_bench.tokenization_time@1"),
    ("detokenization_time", "llm_bench.detokenization_time@1"),
];
/// The tool rounds to five decimals; twice the half of one of them, for a time in s reported in ms.
const ROUNDING_MS: f64 = 0.01;
/// The same, for a time of each token.
const ROUNDING_MS_PER_TOKEN: f64 = 1e-5;

/// What the tool says of itself, in the words of its `metadata` or of a row of its CSV.
fn reported(fields: &Fields<'_>) -> Result<ReportedByTool> {
    for (key, why) in [
        ("num_beams", "a search of several beams makes other work of a token"),
        ("batch_size", "a value of several answers at once is of none of them"),
    ] {
        match fields.count(key)? {
            Some(1) => {}
            Some(other) => {
                return Err(refused(format!(
                    "`{}` is `{other}`, and only 1 is read: {why}",
                    fields.path(key)
                )));
            }
            None => return Err(missing(&fields.path(key))),
        }
    }
    let mut settings = BTreeMap::new();
    for key in ["framework", "num_beams", "batch_size"] {
        settings.extend(fields.text(key)?.map(|text| (key.to_owned(), text)));
    }
    Ok(ReportedByTool {
        model: fields.text("model")?,
        device: fields.text("device")?,
        precision: fields.text("precision")?,
        settings,
        ..ReportedByTool::default()
    })
}

fn row(fields: &Fields<'_>) -> Result<ImportedRow> {
    if fields.get("chat_idx").is_some() {
        return Err(refused(format!(
            "`{}` is set: in a chat the first latency is a time a token of the prompt, and prompts grow",
            fields.path("chat_idx")
        )));
    }
    let iteration = fields.needed_count("iteration")?;
    let prompt = fields.needed_count("prompt_idx")?;
    let role = if iteration == 0 { Role::WarmUp } else { Role::Measured };
    let tokens = fields.count("output_size")?.filter(|tokens| *tokens > 0);
    if role == Role::Measured {
        fields.positive("generation_time")?;
        if tokens.is_none() {
            return Err(refused(format!(
                "`{}` is missing or `0`: without tokens there is no speed",
                fields.path("output_size")
            )));
        }
    }
    let mut metric_values: Vec<ImportedValue> = Vec::new();
    for (key, definition) in TIMED {
        metric_values.extend(metric_value(definition, fields.number(key)?));
    }
    if let (Some(tokens), Some(seconds)) = (tokens, fields.number("generation_time")?) {
        agrees(fields, tokens, seconds)?;
        let throughput = tokens as f64 / seconds;
        metric_values.extend(metric_value("e2e_throughput@1", Some(throughput).filter(|it| it.is_finite())));
    }
    // The three with the prefill stand together.
    metric_values.sort_by_key(|metric_value| !metric_value.definition.starts_with("e2e_"));
    Ok(ImportedRow {
        prompt: label(prompt),
        iteration,
        role,
        prompt_tokens: fields.count("input_size")?,
        new_tokens: tokens,
        context_tokens: None,
        metric_values,
    })
}

/// The time a token, reported twice, must be one.
fn agrees(fields: &Fields<'_>, tokens: u64, seconds: f64) -> Result<()> {
    let Some(per_token_ms) = fields.number("latency")? else { return Ok(()) };
    let (whole_ms, tokens) = (seconds * 1e3, tokens as f64);
    let difference = (per_token_ms * tokens - whole_ms).abs();
    if difference > ROUNDING_MS + ROUNDING_MS_PER_TOKEN * tokens {
        return Err(refused(format!(
            "`{}` is `{per_token_ms}` ms for each of {tokens} tokens, and `{}` is `{seconds}` s: one of them is \
             wrong",
            fields.path("latency"),
            fields.path("generation_time")
        )));
    }
    Ok(())
}

fn label(prompt: u64) -> String {
    format!("P{prompt}")
}

/// Makes sure that every prompt has its warm-up, something that counts, and no row twice.
fn complete(rows: &[ImportedRow]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for row in rows {
        if !seen.insert((&row.prompt, row.iteration)) {
            let what = format!("prompt `{}` has iteration `{}` twice", row.prompt, row.iteration);
            return Err(refused(what));
        }
    }
    if rows.is_empty() {
        return Err(refused("it has no row".to_owned()));
    }
    for prompt in rows.iter().map(|row| &row.prompt).collect::<BTreeSet<_>>() {
        let of = |role| rows.iter().any(|row| row.prompt == *prompt && row.role == role);
        if !of(Role::WarmUp) {
            return Err(refused(format!(
                "prompt `{prompt}` has no iteration 0: which of its rows is the warm-up cannot be known"
            )));
        }
        if !of(Role::Measured) {
            return Err(refused(format!("prompt `{prompt}` has a warm-up and nothing else"))
                .hint("measure with `-n 1` or more, and import that"));
        }
    }
    Ok(())
}

pub(super) fn looks_like_json(value: &Value) -> bool {
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

pub(super) fn read_json(value: &Value) -> Result<ImportedRecord> {
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
        averages_reported = averaged.averages(None, &TIMED, &mut warnings);
    }
    Ok(ImportedRecord {
        format: ImportedFormat::LlmBenchJson,
        reported_by_tool,
        metric_values: metric_value("llm_bench.compile_time@1", perfdata.number("compile_time")?)
            .into_iter()
            .collect(),
        rows,
        averages_reported,
        warnings,
        ..ImportedRecord::default()
    })
}

/// The columns that are read, with the names of the same fields in the JSON; all others are left alone.
const COLUMNS: [(&str, &str); 20] = [
    ("iteration", "iteration"),
    ("model", "model"),
    ("framework", "framework"),
    ("device", "device"),
    ("precision", "precision"),
    ("num_beams", "num_beams"),
    ("batch_size", "batch_size"),
    ("prompt_idx", "prompt_idx"),
    ("input_size", "input_size"),
    ("output_size", "output_size"),
    ("pretrain_time(s)", "compile_time"),
    ("generation_time(s)", "generation_time"),
    ("latency(ms)", "latency"),
    ("1st_latency(ms)", "first_latency"),
    ("2nd_avg_latency(ms)", "second_avg_latency"),
    ("1st_infer_latency(ms)", "first_infer_latency"),
    ("2nd_infer_avg_latency(ms)", "second_infer_avg_latency"),
    ("tokenization_time", "tokenization_time"),
    ("detokenization_time", "detokenization_time"),
    ("chat_idx", "chat_idx"),
];
/// Fields that stay text, whatever they look like.
const TEXTS: [&str; 4] = ["model", "framework", "device", "precision"];
/// The tool's word for a value that it does not have.
const NONE: &str = "NA";

const AVERAGE: &str = "avg";

pub(super) fn looks_like_csv(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with("iteration,") && first.contains("generation_time(s)")
}

pub(super) fn read_csv(text: &str) -> Result<ImportedRecord> {
    let key = |name: &str| {
        let column = COLUMNS.into_iter().find(|(column, _)| *column == name);
        column.map(|(_, key)| key.to_owned())
    };
    let value = |key: &str, cell: &str, line: &csv::StringRecord| {
        // An average that is no number is a warning, as is one that is below 0.
        let is_average = line.get(0) == Some(AVERAGE);
        value_of(key, cell).or_else(|| is_average.then(|| Value::from(cell)))
    };
    let (mut rows, mut metric_values) = (Vec::new(), Vec::new());
    let (mut averages_reported, mut warnings) = (Vec::new(), Vec::new());
    let mut said: Option<ReportedByTool> = None;
    for (line, map) in csv_lines(text, key, value)? {
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
                // Only the first row has it.
                metric_values
                    .extend(metric_value("llm_bench.compile_time@1", fields.number("compile_time")?));
            }
        }
    }
    complete(&rows)?;
    Ok(ImportedRecord {
        format: ImportedFormat::LlmBenchCsv,
        reported_by_tool: said.unwrap_or_default(),
        metric_values,
        rows,
        averages_reported,
        warnings,
        ..ImportedRecord::default()
    })
}

/// A cell as JSON would have it; None for a number that JSON has not.
fn value_of(key: &str, cell: &str) -> Option<Value> {
    if cell.is_empty() || cell == NONE {
        return Some(Value::Null);
    }
    let is_text = TEXTS.contains(&key) || cell.parse::<f64>().is_err();
    if is_text { Some(Value::from(cell)) } else { number(cell) }
}

fn averages(fields: &Fields<'_>, warnings: &mut Vec<String>) -> Vec<ReportedAverage> {
    let prompt = match fields.needed_count("prompt_idx") {
        Ok(prompt) => label(prompt),
        Err(error) => {
            warnings.push(format!("an average is left out: {error}"));
            return Vec::new();
        }
    };
    fields.averages(Some(&prompt), &TIMED, warnings)
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
