//! llama-bench: its other outputs. A line of JSON a test is the same as its JSON; its CSV has averages alone;
//! tables, SQL and logs are refused with the flag that writes what is read.

use serde_json::{Map, Number, Value};

use crate::error::{Error, Result};
use crate::record::foreign::field::{refused, short};
use crate::record::foreign::format::Found;
use crate::record::foreign::{ForeignFormat, llama_bench};

/// Columns of CSV that are numbers; all others stay text, whatever they look like.
const NUMBERS: [&str; 7] = ["n_prompt", "n_gen", "n_depth", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts"];

/// Whether a JSON object is a test.
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

/// Whether a text is the CSV by its first line.
pub(super) fn looks_like_csv(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let has = |name: &str| first.split(',').any(|column| column.trim().trim_matches('"') == name);
    has("n_prompt") && has("n_gen") && has("avg_ts")
}

/// Reads the CSV.
pub(super) fn read_csv(text: &str) -> Result<Found> {
    let unreadable = |cause: csv::Error| refused(format!("it cannot be read as CSV: {cause}"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().map_err(unreadable)?.clone();
    let mut tests = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(unreadable)?;
        let mut row = Map::new();
        for (name, cell) in head.iter().zip(&record).filter(|(_, cell)| !cell.is_empty()) {
            let value = if NUMBERS.contains(&name) {
                number(cell).ok_or_else(|| {
                    refused(format!("`line {}.{}` is `{}`, which is no number", index + 2, name, short(cell)))
                })?
            } else {
                Value::from(cell)
            };
            if row.insert(name.to_owned(), value).is_some() {
                return Err(refused(format!("it has two columns `{}`", short(name))));
            }
        }
        tests.push(Value::Object(row));
    }
    llama_bench::read(&Value::Array(tests), ForeignFormat::LlamaBenchCsv)
}

fn number(cell: &str) -> Option<Value> {
    if let Ok(count) = cell.parse::<u64>() {
        return Some(Value::from(count));
    }
    Number::from_f64(cell.parse().ok()?).map(Value::Number)
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
