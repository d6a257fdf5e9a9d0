//! The results of the published benchmark. Only its table is known: a time, a time a token and a rate for
//! each prompt, all with the prefill, as `1000 * latency / tokens` gives the second.

use serde_json::Value;

use crate::error::Result;
use crate::measure::Role;
use crate::record::imported::format::{Fields, refused, wrong};
use crate::record::imported::{ImportedFormat, ImportedRecord, ImportedRow, ReportedByTool, metric_value};

/// What makes a row one of these, each with its definition.
const KEYS: [(&str, &str); 3] =
    [("latency_s", "e2e_latency@1"), ("tpot_ms", "e2e_per_token@1"), ("throughput", "e2e_throughput@1")];
/// A count of tokens that was made from rounded values is this near to a whole one.
const NEAR: f64 = 0.35;
/// The three values of a row, each rounded, agree within this share.
const ROUNDING: f64 = 0.01;

pub(super) fn looks_like(value: &Value) -> bool {
    !lists(value).is_empty()
}

/// A list of rows, and the way to it.
struct List<'a> {
    path: String,
    rows: &'a [Value],
}

/// The lists of rows in a file: itself, or members of it.
fn lists(value: &Value) -> Vec<List<'_>> {
    let is_row = |row: &Value| KEYS.iter().all(|(key, _)| row.get(key).is_some());
    let is_list = |rows: &&Vec<Value>| rows.first().is_some_and(is_row);
    match value {
        Value::Object(map) => map
            .iter()
            .filter_map(|(key, value)| {
                let rows = value.as_array().filter(is_list)?;
                Some(List { path: key.clone(), rows })
            })
            .collect(),
        other => {
            let rows = other.as_array().filter(is_list);
            rows.map(|rows| List { path: String::new(), rows }).into_iter().collect()
        }
    }
}

pub(super) fn read(value: &Value) -> Result<ImportedRecord> {
    let lists = lists(value);
    let [List { path, rows: list }] = &lists[..] else {
        return Err(refused(format!(
            "it has {} lists of rows with `{}`, and one is expected",
            lists.len(),
            KEYS.map(|(key, _)| key).join("`, `")
        )));
    };
    let mut rows = Vec::<ImportedRow>::new();
    let (mut averages_reported, mut warnings) = (Vec::new(), Vec::new());
    for (index, value) in list.iter().enumerate() {
        let fields = Fields::at(value, &format!("{path}[{index}]"))?;
        let label = fields.text("prompt")?.unwrap_or_else(|| format!("prompt {}", index + 1));
        if label.eq_ignore_ascii_case("average") {
            averages_reported.extend(fields.averages(None, &KEYS, &mut warnings));
            continue;
        }
        if rows.iter().any(|row| row.prompt == label) {
            let what = "a row of this prompt is there already: which of them is a warm-up cannot be known";
            return Err(wrong(&fields.path("prompt"), &Value::String(label), what));
        }
        rows.push(row(&fields, label)?);
    }
    if rows.is_empty() {
        return Err(refused("it has an average and no row".to_owned()));
    }
    Ok(ImportedRecord {
        format: ImportedFormat::PublishedResults,
        reported_by_tool: reported(value)?,
        rows,
        averages_reported,
        warnings,
        ..ImportedRecord::default()
    })
}

fn row(fields: &Fields<'_>, label: String) -> Result<ImportedRow> {
    let seconds = fields.positive("latency_s")?;
    let per_token_ms = fields.positive("tpot_ms")?;
    let throughput = fields.positive("throughput")?;
    let by_latency = 1e3 * seconds / per_token_ms;
    let by_throughput = throughput * seconds;
    let agrees = (by_latency - by_throughput).abs() <= ROUNDING * by_latency;
    if !agrees || !by_latency.is_finite() {
        return Err(refused(format!(
            "`{}`, `{}` and `{}` (`{seconds}`, `{per_token_ms}`, `{throughput}`) are of {by_latency:.1} tokens and of \
             {by_throughput:.1}: not of one generation",
            fields.path("latency_s"),
            fields.path("tpot_ms"),
            fields.path("throughput")
        )));
    }
    let tokens = by_latency.round();
    if (by_latency - tokens).abs() > NEAR || tokens < 1.0 {
        return Err(refused(format!(
            "`{}` over `{}` is {by_latency:.2} tokens, which is no count",
            fields.path("latency_s"),
            fields.path("tpot_ms")
        )));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and 1 or more")]
    let new_tokens = tokens as u64;
    let metric_values = [
        metric_value("e2e_latency@1", Some(seconds)),
        metric_value("e2e_per_token@1", Some(per_token_ms)),
        // Made from the time, so that it is rounded once.
        metric_value("e2e_throughput@1", Some(tokens / seconds)),
    ];
    Ok(ImportedRow {
        prompt: label,
        iteration: 1,
        role: Role::Measured,
        prompt_tokens: None,
        new_tokens: Some(new_tokens),
        context_tokens: None,
        metric_values: metric_values.into_iter().flatten().collect(),
    })
}

/// What an object around the rows says of the model and the device.
fn reported(value: &Value) -> Result<ReportedByTool> {
    if !value.is_object() {
        return Ok(ReportedByTool::default());
    }
    let fields = Fields::at(value, "")?;
    Ok(ReportedByTool {
        model: fields.text("model")?,
        device: fields.text("device")?,
        ..ReportedByTool::default()
    })
}
