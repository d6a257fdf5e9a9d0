//! Which tool wrote a file: recognised by what is in it, or by the user.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use strum::{IntoStaticStr, VariantArray};

use crate::error::{Error, Result};
use crate::files::FileKind;
use crate::files::text::{NoText, text_of};
use crate::record::imported::{
    ImportedRecord, ImportedSource, ReportedAverage, llama_bench, llm_bench, published_results,
};
use crate::record::sha256_of_bytes;
use crate::visible::one_line;

/// A file of another tool is read up to this size.
pub const LARGEST_IMPORTED_BYTES: u64 = FileKind::Imported.largest_bytes();

/// A format of another tool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum ImportedFormat {
    /// `llm_bench`, its report as JSON.
    #[default]
    LlmBenchJson,
    /// `llm_bench`, its report as CSV.
    LlmBenchCsv,
    /// llama-bench, its output as JSON, or as a line of JSON a test.
    LlamaBenchJson,
    /// llama-bench, its output as CSV: averages alone.
    LlamaBenchCsv,
    /// The results of the published benchmark.
    PublishedResults,
}

impl ImportedFormat {
    /// Its name, as it is typed and as it is stored.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The format of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::VARIANTS.iter().copied().find(|format| format.name() == name)
    }

    /// The tool, and which of its files.
    pub fn title(self) -> &'static str {
        match self {
            Self::LlmBenchJson => "llm_bench (JSON)",
            Self::LlmBenchCsv => "llm_bench (CSV)",
            Self::LlamaBenchJson => "llama-bench (JSON)",
            Self::LlamaBenchCsv => "llama-bench (CSV)",
            Self::PublishedResults => "the published benchmark (results)",
        }
    }

    /// The command that writes such a file.
    pub fn written_by(self) -> &'static str {
        match self {
            Self::LlmBenchJson => "`llm_bench -rj`",
            Self::LlmBenchCsv => "`llm_bench -r`",
            Self::LlamaBenchJson => "`llama-bench -o json` or `-o jsonl`",
            Self::LlamaBenchCsv => "`llama-bench -o csv`",
            Self::PublishedResults => {
                "`benchmark.py --output results_optimum.json` of the published benchmark"
            }
        }
    }

    fn of_json(value: &Value) -> Vec<Self> {
        let looks_like = |format: &Self| match format {
            Self::LlmBenchJson => llm_bench::looks_like_json(value),
            Self::LlmBenchCsv | Self::LlamaBenchCsv => false,
            Self::LlamaBenchJson => llama_bench::looks_like(value),
            Self::PublishedResults => published_results::looks_like(value),
        };
        Self::VARIANTS.iter().copied().filter(looks_like).collect()
    }
}

/// Reads a file of another tool, of the format that is said or that is seen in it. None where it is no
/// such file by its looks, so that it may be something else.
///
/// # Errors
/// What is of a tool and cannot be read, says two things, or leaves open what was measured.
pub fn read_imported(
    bytes: &[u8],
    file_name: &str,
    said: Option<ImportedFormat>,
    imported_utc: &str,
) -> Result<Option<ImportedRecord>> {
    if bytes.len() as u64 > LARGEST_IMPORTED_BYTES {
        return Err(refused(format!("it has more than {LARGEST_IMPORTED_BYTES} bytes")));
    }
    let source = ImportedSource {
        file_name: file_name.to_owned(),
        sha256: sha256_of_bytes(bytes),
        size_bytes: bytes.len() as u64,
    };
    let text = match text_of(bytes) {
        Ok(text) => text,
        Err(NoText::NotUtf8) if said.is_none() && !matches!(bytes.trim_ascii_start(), [b'{' | b'[', ..]) => {
            return Ok(None);
        }
        Err(NoText::NotUtf8) => {
            return Err(refused("it cannot be read as JSON or CSV: it is not UTF-8".to_owned()));
        }
        Err(cause) => return Err(Error::input(cause.to_string()).hint(cause.hint())),
    };
    let text = text.trim_start();
    let format = said.or_else(|| {
        let csv = [
            (ImportedFormat::LlmBenchCsv, llm_bench::looks_like_csv(text)),
            (ImportedFormat::LlamaBenchCsv, llama_bench::looks_like_csv(text)),
        ];
        csv.into_iter().find(|(_, looks_like)| *looks_like).map(|(format, _)| format)
    });
    let record = match format {
        Some(ImportedFormat::LlmBenchCsv) => llm_bench::read_csv(text)?,
        Some(ImportedFormat::LlamaBenchCsv) => llama_bench::read_csv(text)?,
        None if !text.starts_with('{') && !text.starts_with('[') => {
            return llama_bench::other_output(text).map_or(Ok(None), Err);
        }
        _ => of_json(text, said)?,
    };
    Ok(Some(ImportedRecord { imported_utc: imported_utc.to_owned(), source, ..record }))
}

fn of_json(text: &str, said: Option<ImportedFormat>) -> Result<ImportedRecord> {
    let value: Value = serde_json::from_str(text).or_else(|cause| {
        llm_bench::with_averages_as_text(text).or_else(|| llama_bench::json_lines(text)).ok_or_else(|| {
            // JSON that was cut off has nothing before it.
            let other = if cause.is_eof() { None } else { llama_bench::other_output(text) };
            other.unwrap_or_else(|| {
                refused(format!(
                    "it cannot be read as JSON: {cause} (`NaN` and numbers beyond 1e308 are none in JSON)"
                ))
            })
        })
    })?;
    // A single test is a file of one line.
    let value = if llama_bench::is_test(&value) { Value::Array(vec![value]) } else { value };
    let format = match (said, &ImportedFormat::of_json(&value)[..]) {
        (Some(said), _) => said,
        (None, [one]) => *one,
        (None, []) => return Err(unknown()),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|format| format.name()).collect();
            return Err(Error::input(format!("it could be any of `{}`", names.join("`, `")))
                .hint("say which with `--as FORMAT`"));
        }
    };
    match format {
        ImportedFormat::LlamaBenchJson | ImportedFormat::LlamaBenchCsv => {
            llama_bench::read(&value, ImportedFormat::LlamaBenchJson)
        }
        ImportedFormat::PublishedResults => published_results::read(&value),
        ImportedFormat::LlmBenchJson | ImportedFormat::LlmBenchCsv => llm_bench::read_json(&value),
    }
}

fn unknown() -> Error {
    let names = ImportedFormat::VARIANTS.iter().map(|format| format.name()).collect::<Vec<_>>().join("`, `");
    Error::input("it is neither a record nor a file of a tool that is known here")
        .hint(format!("say which it is with `--as FORMAT`: one of `{names}`"))
}

/// No name, setting or label is longer.
const LONGEST_TEXT: usize = 1000;
/// A wrong value is shown in so many letters at most.
const LONGEST_TOLD: usize = 60;

#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// What stands at this way, which must be an object.
    pub(super) fn at(value: &'a Value, path: &str) -> Result<Self> {
        match value {
            Value::Object(map) => Ok(Self { map, path: path.to_owned() }),
            other => Err(wrong(path, other, "not an object")),
        }
    }

    pub(super) fn of(map: &'a Map<String, Value>, path: &str) -> Self {
        Self { map, path: path.to_owned() }
    }

    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !is_missing(value))
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Fields<'a>>> {
        self.get(key).map(|value| Fields::at(value, &self.path(key))).transpose()
    }

    pub(super) fn list(&self, key: &str) -> Result<&'a Vec<Value>> {
        match self.get(key) {
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(wrong(&self.path(key), other, "not a list")),
            None => Err(missing(&self.path(key))),
        }
    }

    /// A number of 0 or more; None where it is missing, for which some tools write -1 or "".
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
            Some(_) => Err(wrong(&self.path(key), value, "less than nothing, or no number at all")),
            None => Err(wrong(&self.path(key), value, "not a number")),
        }
    }

    /// The averages of these fields and definitions, which are used for nothing: one that cannot be is a
    /// warning.
    pub(super) fn averages(
        &self,
        prompt: Option<&str>,
        fields: &[(&str, &str)],
        warnings: &mut Vec<String>,
    ) -> Vec<ReportedAverage> {
        let mut reported = Vec::new();
        for (key, definition) in fields {
            let value = self.number(key).unwrap_or_else(|error| {
                warnings.push(format!("an average is left out: {error}"));
                None
            });
            reported.extend(value.map(|value| ReportedAverage {
                prompt: prompt.map(str::to_owned),
                definition: (*definition).to_owned(),
                value,
            }));
        }
        reported
    }

    /// A number above 0 that must be there.
    pub(super) fn positive(&self, key: &str) -> Result<f64> {
        match self.number(key)? {
            Some(number) if number > 0.0 => Ok(number),
            Some(_) => Err(refused(format!("`{}` is `0`, and nothing takes no time", self.path(key)))),
            None => Err(missing(&self.path(key))),
        }
    }

    /// A whole number; None where it is missing.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        // A count may come as 32.0 from a table of floats.
        let whole = value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=1e15).contains(number));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and in range")]
        whole.map(|number| Some(number as u64)).ok_or_else(|| wrong(&self.path(key), value, "not a count"))
    }

    pub(super) fn needed_count(&self, key: &str) -> Result<u64> {
        self.count(key)?.ok_or_else(|| missing(&self.path(key)))
    }

    /// A text, or a number or a word in its place as text; None where it is missing.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        // -1 is a setting, and no missing one.
        let Some(value) = self.map.get(key) else { return Ok(None) };
        let text = match value {
            Value::Null => return Ok(None),
            Value::String(text) if text.is_empty() => return Ok(None),
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            other => return Err(wrong(&self.path(key), other, "not a text")),
        };
        if text.chars().count() > LONGEST_TEXT {
            let what = format!("`{}` is longer than {LONGEST_TEXT} letters", self.path(key));
            return Err(refused(what));
        }
        Ok(Some(text))
    }
}

/// null, "" and -1 are how tools write "none".
fn is_missing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(-1.0),
        _ => false,
    }
}

/// The lines of a table as JSON objects, each with its number. `key` names the field of a column, None where the column
/// is left alone; `value` reads a field of a line, and gives None where the cell is no such value.
pub(super) fn csv_lines(
    text: &str,
    key: impl Fn(&str) -> Option<String>,
    value: impl Fn(&str, &str, &csv::StringRecord) -> Option<Value>,
) -> Result<Vec<(usize, Map<String, Value>)>> {
    let unreadable = |cause: csv::Error| refused(format!("it cannot be read as CSV: {cause}"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().map_err(unreadable)?.clone();
    let mut lines = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let (record, line) = (record.map_err(unreadable)?, index + 2);
        if record.iter().skip(1).all(str::is_empty) {
            continue;
        }
        let mut map = Map::new();
        for (name, cell) in head.iter().zip(&record) {
            let Some(key) = key(name) else { continue };
            let value = value(&key, cell, &record).ok_or_else(|| {
                refused(format!("`line {line}.{name}` is `{}`, which is no number", short(cell)))
            })?;
            if !value.is_null() && map.insert(key, value).is_some() {
                return Err(refused(format!("it has two columns `{}`", short(name))));
            }
        }
        lines.push((line, map));
    }
    Ok(lines)
}

/// A number as JSON has it; None for any other text.
pub(super) fn number(cell: &str) -> Option<Value> {
    if let Ok(count) = cell.parse::<u64>() {
        return Some(Value::from(count));
    }
    Number::from_f64(cell.parse().ok()?).map(Value::Number)
}

pub(super) fn wrong(path: &str, value: &Value, what: &str) -> Error {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) => "[...]".to_owned(),
        Value::Object(_) => "{...}".to_owned(),
        other => other.to_string(),
    };
    refused(format!("`{path}` is `{}`: {what}", short(&text)))
}

pub(super) fn missing(path: &str) -> Error {
    refused(format!("`{path}` is missing"))
}

pub(super) fn refused(what: String) -> Error {
    Error::input(what).hint("nothing was stored; docs/import.md lists what is read and what is refused")
}

/// As much of a text as a message has room for.
pub(super) fn short(text: &str) -> String {
    let reported: String = text.chars().take(LONGEST_TOLD).collect();
    one_line(&if reported.len() < text.len() { reported + "..." } else { reported })
}
