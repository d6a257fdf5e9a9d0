//! Which tool wrote a file: recognised by what is in it, or by the user.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::files::FileKind;
use crate::files::text::{NoText, text_of};
use crate::record::foreign::field::refused;
use crate::record::foreign::{
    ForeignRecord, ForeignSource, llama_bench, llama_bench_text, llm_bench_csv, llm_bench_json,
};
use crate::record::foreign::{published_results, wire};
use crate::record::sha256_of_bytes;

/// A file of another tool is read up to this size.
pub const LARGEST_FOREIGN_BYTES: u64 = FileKind::Imported.largest_bytes();

/// A format of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForeignFormat {
    /// `llm_bench`, its report as JSON.
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

impl ForeignFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::LlmBenchJson,
        Self::LlmBenchCsv,
        Self::LlamaBenchJson,
        Self::LlamaBenchCsv,
        Self::PublishedResults,
    ];

    /// Its name, as it is typed and as it is kept.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LlmBenchJson => "llm-bench-json",
            Self::LlmBenchCsv => "llm-bench-csv",
            Self::LlamaBenchJson => "llama-bench-json",
            Self::LlamaBenchCsv => "llama-bench-csv",
            Self::PublishedResults => "published-results",
        }
    }

    /// The format of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The tool, and which of its files.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::LlmBenchJson => "llm_bench (JSON)",
            Self::LlmBenchCsv => "llm_bench (CSV)",
            Self::LlamaBenchJson => "llama-bench (JSON)",
            Self::LlamaBenchCsv => "llama-bench (CSV)",
            Self::PublishedResults => "the published benchmark (results)",
        }
    }

    /// The formats that a JSON file could be of.
    fn of_json(value: &Value) -> Vec<Self> {
        let looks_like = |format: &Self| match format {
            Self::LlmBenchJson => llm_bench_json::looks_like(value),
            Self::LlmBenchCsv | Self::LlamaBenchCsv => false,
            Self::LlamaBenchJson => llama_bench::looks_like(value),
            Self::PublishedResults => published_results::looks_like(value),
        };
        Self::ALL.into_iter().filter(looks_like).collect()
    }
}

/// Reads a file of another tool, of the format that is said or that is seen in it. None where it is no
/// such file by its looks, so that it may be something else.
///
/// # Errors
/// What is of a tool and cannot be read, says two things, or leaves open what was measured.
pub fn read_foreign(
    bytes: &[u8],
    file_name: &str,
    said: Option<ForeignFormat>,
    imported_utc: &str,
) -> Result<Option<ForeignRecord>> {
    if bytes.len() as u64 > LARGEST_FOREIGN_BYTES {
        return Err(refused(format!("it has more than {LARGEST_FOREIGN_BYTES} bytes")));
    }
    let source = ForeignSource {
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
            (ForeignFormat::LlmBenchCsv, llm_bench_csv::looks_like(text.as_bytes())),
            (ForeignFormat::LlamaBenchCsv, llama_bench_text::looks_like_csv(text)),
        ];
        csv.into_iter().find(|(_, looks_like)| *looks_like).map(|(format, _)| format)
    });
    let found = match format {
        Some(ForeignFormat::LlmBenchCsv) => llm_bench_csv::read(text.as_bytes())?,
        Some(ForeignFormat::LlamaBenchCsv) => llama_bench_text::read_csv(text)?,
        None if !text.starts_with('{') && !text.starts_with('[') => {
            return llama_bench_text::other_output(text).map_or(Ok(None), Err);
        }
        _ => of_json(text, said)?,
    };
    Ok(Some(wire::ForeignRecord {
        format: found.format,
        imported_utc: imported_utc.to_owned(),
        source,
        reported_by_tool: found.reported_by_tool,
        figures: found.figures,
        rows: found.rows,
        averages_reported: found.averages_reported,
        warnings: found.warnings,
    }))
}

/// What a reader found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) format: ForeignFormat,
    pub(super) reported_by_tool: wire::ReportedByTool,
    pub(super) figures: Vec<wire::ForeignFigure>,
    pub(super) rows: Vec<wire::ForeignRow>,
    pub(super) averages_reported: Vec<wire::ReportedAverage>,
    pub(super) warnings: Vec<String>,
}

fn of_json(text: &str, said: Option<ForeignFormat>) -> Result<Found> {
    let value: Value = serde_json::from_str(text).or_else(|cause| {
        llm_bench_json::with_averages_as_text(text).or_else(|| llama_bench_text::json_lines(text)).ok_or_else(
            || {
                // JSON that was cut off has nothing before it.
                let other = if cause.is_eof() { None } else { llama_bench_text::other_output(text) };
                other.unwrap_or_else(|| {
                    refused(format!(
                        "it cannot be read as JSON: {cause} (`NaN` and numbers beyond 1e308 are none in JSON)"
                    ))
                })
            },
        )
    })?;
    // A single test is a file of one line.
    let value = if llama_bench_text::is_test(&value) { Value::Array(vec![value]) } else { value };
    let format = match (said, &ForeignFormat::of_json(&value)[..]) {
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
        ForeignFormat::LlamaBenchJson | ForeignFormat::LlamaBenchCsv => {
            llama_bench::read(&value, ForeignFormat::LlamaBenchJson)
        }
        ForeignFormat::PublishedResults => published_results::read(&value),
        ForeignFormat::LlmBenchJson | ForeignFormat::LlmBenchCsv => llm_bench_json::read(&value),
    }
}

fn unknown() -> Error {
    let names = ForeignFormat::ALL.map(ForeignFormat::name).join("`, `");
    Error::input("it is neither a record nor a file of a tool that is known here")
        .hint(format!("say which it is with `--as FORMAT`: one of `{names}`"))
}
