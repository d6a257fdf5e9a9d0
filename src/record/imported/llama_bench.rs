//! llama-bench: its output as JSON, a list of tests with the time of every pass.
//!
//! A test is named as the tool's table names it: `pp16`, `tg32 @ d64`, `pp16+tg32`. It feeds random tokens
//! and chooses none, and its warm-up is not in the file.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::measure::Role;
use crate::record::imported::format::{Fields, csv_lines, number, refused, short, wrong};
use crate::record::imported::{ImportedFormat, ImportedRecord, ImportedRow, ReportedByTool, metric_value};

/// Fields that may differ from test to test. In all else a file is of one setting, or it is refused.
const OF_A_TEST: [&str; 10] = [
    "n_prompt",
    "n_gen",
    "n_depth",
    "test_time",
    "avg_ns",
    "stddev_ns",
    "avg_ts",
    "stddev_ts",
    "samples_ns",
    "samples_ts",
];
/// The tool writes rates of samples with six digits.
const ROUNDING: f64 = 1e-4;

pub(super) fn looks_like(value: &Value) -> bool {
    let first = value.as_array().and_then(|tests| tests.first());
    first.is_some_and(|test| test.get("n_gen").is_some() || test.get("samples_ns").is_some())
}

pub(super) fn read(value: &Value, format: ImportedFormat) -> Result<ImportedRecord> {
    let tests = value.as_array().ok_or_else(|| wrong("the file", value, "not a list of tests"))?;
    let Some(first) = tests.first() else { return Err(refused("it has no test".to_owned())) };
    let mut rows = Vec::<ImportedRow>::new();
    let (mut averages_reported, mut warnings) = (Vec::new(), Vec::new());
    for (index, value) in tests.iter().enumerate() {
        let fields = Fields::at(value, &format!("[{index}]"))?;
        same_setting(first, value, index)?;
        let test = Test::of(&fields)?;
        if rows.iter().any(|row| row.prompt == test.label) {
            return Err(refused(format!("it has the test `{}` twice", test.label)));
        }
        let average = [("avg_ts", test.definition)];
        averages_reported.extend(fields.averages(Some(&test.label), &average, &mut warnings));
        rows.extend(match format {
            // Its passes are not reported: the mean of their rates is its one row.
            ImportedFormat::LlamaBenchCsv => vec![test.row(1, fields.positive("avg_ts")?)],
            _ => test.rows(&fields)?,
        });
    }
    Ok(ImportedRecord {
        format,
        reported_by_tool: reported(&Fields::at(first, "[0]")?)?,
        rows,
        averages_reported,
        warnings,
        ..ImportedRecord::default()
    })
}

struct Test {
    label: String,
    definition: &'static str,
    prompt: u64,
    new: u64,
    depth: u64,
}

impl Test {
    fn of(fields: &Fields<'_>) -> Result<Self> {
        let (prompt, new) = (fields.needed_count("n_prompt")?, fields.needed_count("n_gen")?);
        let depth = fields.count("n_depth")?.unwrap_or_default();
        let (label, definition) = match (prompt, new) {
            (0, 0) => {
                let what =
                    format!("`{}` and `{}` are both `0`", fields.path("n_prompt"), fields.path("n_gen"));
                return Err(refused(what));
            }
            (prompt, 0) => (format!("pp{prompt}"), "llama_bench.pp@1"),
            (0, new) => (format!("tg{new}"), "llama_bench.tg@1"),
            (prompt, new) => (format!("pp{prompt}+tg{new}"), "llama_bench.pg@1"),
        };
        let label = if depth == 0 { label } else { format!("{label} @ d{depth}") };
        Ok(Self { label, definition, prompt, new, depth })
    }

    fn row(&self, iteration: u64, rate: f64) -> ImportedRow {
        ImportedRow {
            prompt: self.label.clone(),
            iteration,
            role: Role::Measured,
            prompt_tokens: Some(self.prompt),
            new_tokens: Some(self.new),
            context_tokens: Some(self.depth),
            metric_values: metric_value(self.definition, Some(rate)).into_iter().collect(),
        }
    }

    /// A row a pass, each with its rate made from its time.
    fn rows(&self, fields: &Fields<'_>) -> Result<Vec<ImportedRow>> {
        let times = fields.list("samples_ns")?;
        if times.is_empty() {
            return Err(refused(format!(
                "`{}` is empty: without times there is no speed",
                fields.path("samples_ns")
            )));
        }
        let reported = match fields.get("samples_ts") {
            None => None,
            Some(_) => Some(fields.list("samples_ts")?),
        };
        if let Some(reported) = reported.filter(|reported| reported.len() != times.len()) {
            return Err(refused(format!(
                "`{}` has {} values and `{}` has {}",
                fields.path("samples_ns"),
                times.len(),
                fields.path("samples_ts"),
                reported.len()
            )));
        }
        let tokens = (self.prompt + self.new) as f64;
        let mut rows = Vec::new();
        for (index, time) in times.iter().enumerate() {
            let path = format!("{}[{index}]", fields.path("samples_ns"));
            let nanoseconds = time.as_u64().filter(|nanoseconds| *nanoseconds > 0);
            let nanoseconds = nanoseconds.ok_or_else(|| wrong(&path, time, "no whole time above 0"))?;
            let rate = tokens * 1e9 / nanoseconds as f64;
            if let Some(value) = reported.and_then(|reported| reported.get(index)) {
                let agrees =
                    value.as_f64().is_some_and(|reported| (reported - rate).abs() <= ROUNDING * rate);
                if !agrees {
                    let path = format!("{}[{index}]", fields.path("samples_ts"));
                    let what = format!("{tokens} tokens in `{nanoseconds}` ns are {rate:.6} a second");
                    return Err(wrong(&path, value, &what));
                }
            }
            rows.push(self.row(index as u64 + 1, rate));
        }
        Ok(rows)
    }
}

/// Tests of two settings or models would stand under one name.
fn same_setting(first: &Value, value: &Value, index: usize) -> Result<()> {
    let (Some(first), Some(other)) = (first.as_object(), value.as_object()) else { return Ok(()) };
    let differs = first
        .keys()
        .chain(other.keys())
        .find(|key| !OF_A_TEST.contains(&key.as_str()) && first.get(key.as_str()) != other.get(key.as_str()));
    let Some(key) = differs else { return Ok(()) };
    let reported = |map: &Map<String, Value>| {
        map.get(key).map_or("missing".to_owned(), |value| short(&value.to_string()))
    };
    Err(refused(format!(
        "its tests are of several settings: `{}` is `{}` in the first and `{}` in test {}",
        short(key),
        reported(first),
        reported(other),
        index + 1
    ))
    .hint("measure each setting into a file of its own, and import these"))
}

fn reported(fields: &Fields<'_>) -> Result<ReportedByTool> {
    let commit = fields.text("build_commit")?;
    let version = match (commit, fields.text("build_number")?) {
        (Some(commit), Some(number)) => Some(format!("build {number} ({commit})")),
        (commit, number) => commit.or(number),
    };
    let file = fields.text("model_filename")?;
    // A folder can name a user.
    let file = file.as_deref().and_then(|path| path.rsplit(['/', '\\']).next());
    let model = match (fields.text("model_type")?, file) {
        (Some(kind), Some(file)) => Some(format!("{kind} ({file})")),
        (kind, file) => kind.or(file.map(str::to_owned)),
    };
    let mut settings = BTreeMap::new();
    for key in SETTINGS {
        settings.extend(fields.text(key)?.map(|text| (key.to_owned(), text)));
    }
    Ok(ReportedByTool {
        tool_version: version,
        model,
        device: fields.text("gpu_info")?.or(fields.text("backends")?),
        machine: fields.text("cpu_info")?,
        precision: None,
        settings,
    })
}

/// The settings that change how fast it is, and are stored.
const SETTINGS: [&str; 16] = [
    "backends",
    "model_size",
    "model_n_params",
    "n_batch",
    "n_ubatch",
    "n_threads",
    "type_k",
    "type_v",
    "n_gpu_layers",
    "n_cpu_moe",
    "split_mode",
    "no_kv_offload",
    "flash_attn",
    "devices",
    "tensor_split",
    "embeddings",
];

/// Columns of CSV that are numbers; all others stay text, whatever they look like.
const NUMBERS: [&str; 7] = ["n_prompt", "n_gen", "n_depth", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts"];

pub(super) fn is_test(value: &Value) -> bool {
    value.get("n_gen").is_some() && value.get("n_prompt").is_some()
}

/// The tests of a file with an object a line; None where a line is something else.
pub(super) fn json_lines(text: &str) -> Option<Value> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tests: Option<Vec<Value>> =
        lines.map(|line| serde_json::from_str(line).ok().filter(is_test)).collect();
    tests.map(Value::Array)
}

pub(super) fn looks_like_csv(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let has = |name: &str| first.split(',').any(|column| column.trim().trim_matches('"') == name);
    has("n_prompt") && has("n_gen") && has("avg_ts")
}

pub(super) fn read_csv(text: &str) -> Result<ImportedRecord> {
    let value = |key: &str, cell: &str, _: &csv::StringRecord| match cell {
        "" => Some(Value::Null),
        _ if NUMBERS.contains(&key) => number(cell),
        _ => Some(Value::from(cell)),
    };
    let tests = csv_lines(text, |name| Some(name.to_owned()), value)?;
    let tests = tests.into_iter().map(|(_, test)| Value::Object(test));
    read(&Value::Array(tests.collect()), ImportedFormat::LlamaBenchCsv)
}

/// The error of an output of llama-bench that is not read; None for any other text.
pub(super) fn other_output(text: &str) -> Option<Error> {
    let mut lines = text.lines().map(str::trim_start);
    let is_table = lines.clone().any(|line| line.starts_with("| model ") && line.contains("t/s"));
    let is_sql =
        (text.contains("CREATE TABLE") || text.contains("INSERT INTO")) && text.contains("build_commit");
    let has_json = text.contains("\"build_commit\"") || text.contains("\"samples_ns\"");
    let has_csv = lines.any(looks_like_csv);
    let what = if is_table {
        "it is llama-bench's table for people (Markdown)".to_owned()
    } else if is_sql {
        "it is llama-bench's output as SQL".to_owned()
    } else if has_json || has_csv {
        let first = short(text.lines().next().unwrap_or_default());
        format!("it is llama-bench's output with other text in it, such as a log: it begins with `{first}`")
    } else {
        return None;
    };
    Some(
        Error::input(what)
            .hint("write `-o json`, and the log elsewhere: `llama-bench ... -o json > FILE 2> LOG`"),
    )
}
