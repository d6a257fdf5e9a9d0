//! Which tool wrote a file: told by what is in it, or by the user.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::record::foreign::field::refused;
use crate::record::foreign::{ForeignRecord, ForeignSource, llama_bench, llm_bench_csv, llm_bench_json};
use crate::record::foreign::{published_results, wire};
use crate::record::sha256_of_bytes;

/// A file of another tool is read up to this size.
pub const LARGEST_FOREIGN_BYTES: u64 = 16 << 20;
/// What some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A format of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForeignFormat {
    /// `llm_bench`, its report as JSON.
    LlmBenchJson,
    /// `llm_bench`, its report as CSV.
    LlmBenchCsv,
    /// llama-bench, its output as JSON.
    LlamaBenchJson,
    /// The results of the published benchmark.
    PublishedResults,
}

impl ForeignFormat {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::LlmBenchJson, Self::LlmBenchCsv, Self::LlamaBenchJson, Self::PublishedResults];

    /// Its name, as it is typed and as it is kept.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LlmBenchJson => "llm-bench-json",
            Self::LlmBenchCsv => "llm-bench-csv",
            Self::LlamaBenchJson => "llama-bench-json",
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
            Self::PublishedResults => "the published benchmark (results)",
        }
    }

    /// The formats that a JSON file could be of.
    fn of_json(value: &Value) -> Vec<Self> {
        let looks_like = |format: &Self| match format {
            Self::LlmBenchJson => llm_bench_json::looks_like(value),
            Self::LlmBenchCsv => false,
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
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let is_csv = match said {
        Some(format) => format == ForeignFormat::LlmBenchCsv,
        None if llm_bench_csv::looks_like(text) => true,
        None if !text.trim_ascii_start().starts_with(b"{") && !text.trim_ascii_start().starts_with(b"[") => {
            return Ok(None);
        }
        None => false,
    };
    let found = if is_csv { llm_bench_csv::read(text)? } else { of_json(text, said)? };
    Ok(Some(wire::ForeignRecord {
        format: found.format,
        imported_utc: imported_utc.to_owned(),
        source,
        told_by_tool: found.told_by_tool,
        figures: found.figures,
        rows: found.rows,
        averages_told: found.averages_told,
    }))
}

/// What a reader found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) format: ForeignFormat,
    pub(super) told_by_tool: wire::ToldByTool,
    pub(super) figures: Vec<wire::ForeignFigure>,
    pub(super) rows: Vec<wire::ForeignRow>,
    pub(super) averages_told: Vec<wire::ToldAverage>,
}

fn of_json(text: &[u8], said: Option<ForeignFormat>) -> Result<Found> {
    let value: Value = serde_json::from_slice(text).map_err(|cause| {
        refused(format!(
            "it cannot be read as JSON: {cause} (`NaN` and numbers beyond 1e308 are none in JSON)"
        ))
    })?;
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
        ForeignFormat::LlamaBenchJson => llama_bench::read(&value),
        ForeignFormat::PublishedResults => published_results::read(&value),
        ForeignFormat::LlmBenchJson | ForeignFormat::LlmBenchCsv => llm_bench_json::read(&value),
    }
}

fn unknown() -> Error {
    let names = ForeignFormat::ALL.map(ForeignFormat::name).join("`, `");
    Error::input("it is neither a record nor a file of a tool that is known here")
        .hint(format!("say which it is with `--as FORMAT`: one of `{names}`"))
}
