//! What other tools measured, as their files say it: stored, shown, and compared with nothing.
//!
//! Such a record has no tokens, so nothing in it was ever verified. It lies in a folder of its own, where
//! no index, timeline, baseline or gate looks.

mod format;
mod llama_bench;
mod llm_bench;
mod published_results;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::measure::{Metric, Role};
use crate::record::history::IMPORTED_FOLDER;
use crate::record::is_hex;
use crate::record::{Place, Schema, StoredRecord};

pub use format::{ImportedFormat, LARGEST_IMPORTED_BYTES, read_imported};

/// How an average of many is made: always total tokens over total seconds, whichever way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AverageBy {
    /// Time of a whole generation: every generation counts once.
    Generation,
    /// Time a token: every token counts once.
    Token,
    /// Time a token after the first: every token but the first counts once.
    LaterToken,
    /// Tokens a second: every second counts once.
    Second,
}

/// A definition that a value of another tool may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The id: values of different ids are never compared.
    pub id: &'static str,
    /// The unit.
    pub unit: &'static str,
    /// What it is, in words or as a formula.
    pub meaning: &'static str,
    /// How an average is made.
    pub average_by: AverageBy,
}

const fn of_tool(
    id: &'static str,
    unit: &'static str,
    average_by: AverageBy,
    meaning: &'static str,
) -> Definition {
    Definition { id, unit, meaning, average_by }
}

const OF_TOOLS: [Definition; 10] = [
    of_tool(
        "llm_bench.first_latency@1",
        "ms",
        AverageBy::Generation,
        "first token: from the call on with the genai pipeline, the first step alone with optimum",
    ),
    of_tool(
        "llm_bench.second_avg_latency@1",
        "ms/token",
        AverageBy::LaterToken,
        "tokens after the first: (t_N - t_1) / (N - 1) with the genai pipeline, mean step with optimum",
    ),
    of_tool("llm_bench.first_infer_latency@1", "ms", AverageBy::Generation, "the first inference alone"),
    of_tool(
        "llm_bench.second_infer_avg_latency@1",
        "ms/token",
        AverageBy::LaterToken,
        "mean of the inferences after the first, without all else of a step",
    ),
    of_tool("llm_bench.tokenization_time@1", "ms", AverageBy::Generation, "text to tokens"),
    of_tool("llm_bench.detokenization_time@1", "ms", AverageBy::Generation, "tokens to text"),
    of_tool(
        "llm_bench.compile_time@1",
        "s",
        AverageBy::Generation,
        "from the call that makes the pipeline to its end; whether from a cache is not reported",
    ),
    of_tool(
        "llama_bench.pp@1",
        "token/s",
        AverageBy::Second,
        "tokens of a prompt of random tokens over the time of its pass: no token is chosen",
    ),
    of_tool(
        "llama_bench.tg@1",
        "token/s",
        AverageBy::Second,
        "steps of one token over their time: no prompt, and random tokens instead of chosen ones",
    ),
    of_tool(
        "llama_bench.pg@1",
        "token/s",
        AverageBy::Second,
        "tokens of a prompt and steps after it, added up, over the time of both",
    ),
];

/// The definition of an id; None where values of other tools have none such.
pub fn definition(id: &str) -> Option<Definition> {
    ours(id).or_else(|| OF_TOOLS.into_iter().find(|definition| definition.id == id))
}

/// The definitions of ours that others measure by, too.
fn ours(id: &str) -> Option<Definition> {
    let metric = Metric::ALL.iter().copied().find(|metric| metric.id() == id)?;
    let average_by = match metric {
        Metric::EndToEndLatency => AverageBy::Generation,
        Metric::EndToEndPerToken => AverageBy::Token,
        Metric::EndToEndThroughput => AverageBy::Second,
        _ => return None,
    };
    Some(Definition { id: metric.id(), unit: metric.unit(), meaning: metric.formula(), average_by })
}

/// So many digits of a file's hash name its record.
const ID_DIGITS: usize = 12;

/// What a file of another tool says. Its tokens were never checked, for it has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportedRecord {
    /// What the file was taken for.
    pub format: ImportedFormat,
    /// When it was imported, UTC.
    pub imported_utc: String,
    /// The file.
    pub source: ImportedSource,
    /// What the tool says of itself, the model and the machine: reported, and not checked.
    pub reported_by_tool: ReportedByTool,
    /// Values of the whole file, as the time to load.
    #[serde(rename = "figures", default, skip_serializing_if = "Vec::is_empty")]
    pub metric_values: Vec<ImportedValue>,
    /// Its generations, or its passes over a prompt, in its order.
    pub rows: Vec<ImportedRow>,
    /// Averages that the file has. They are compared with those of the rows, and used for nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub averages_reported: Vec<ReportedAverage>,
    /// What the file says that cannot be, and is not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A file of another tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedSource {
    /// Its name, without folders.
    pub file_name: String,
    /// The sha256 of its bytes.
    pub sha256: String,
    /// Its size, bytes.
    pub size_bytes: u64,
}

/// What a tool reports, verbatim; None where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedByTool {
    /// Its own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_version: Option<String>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// All else that it was set to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

/// One generation, or one pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedRow {
    /// What the tool calls the prompt or the test.
    pub prompt: String,
    /// Which time it was.
    pub iteration: u64,
    /// Whether it counts.
    pub role: Role,
    /// Tokens of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Tokens that were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_tokens: Option<u64>,
    /// Tokens that were in the cache before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u64>,
    /// What was measured.
    #[serde(rename = "figures")]
    pub metric_values: Vec<ImportedValue>,
}

/// A value with the id of its definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedValue {
    /// The id: values of different ids are never compared.
    pub definition: String,
    /// In the definition's unit.
    pub value: f64,
    /// The unit.
    pub unit: String,
}

/// An average that a file has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportedAverage {
    /// Of which prompt; None where it is of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The id of the definition that it is reported under.
    pub definition: String,
    /// In the definition's unit.
    pub value: f64,
}

/// A value by a definition of the list; None where the value is none.
pub fn metric_value(id: &str, value: Option<f64>) -> Option<ImportedValue> {
    let definition = definition(id)?;
    value.map(|value| ImportedValue {
        definition: definition.id.to_owned(),
        value,
        unit: definition.unit.to_owned(),
    })
}

/// Where such a record lies below the root of a store. The same file taken for the same format has one
/// place, whenever it is imported.
pub fn imported_file(record: &ImportedRecord) -> PathBuf {
    PathBuf::from(IMPORTED_FOLDER).join(format!("{}-{}.json", record.format.name(), record.id()))
}

impl ImportedRecord {
    /// Its id: the first digits of the hash of the file that it is of.
    pub fn id(&self) -> &str {
        self.source.sha256.get(..ID_DIGITS).unwrap_or_default()
    }

    fn all_values(&self) -> impl Iterator<Item = &ImportedValue> {
        self.metric_values.iter().chain(self.rows.iter().flat_map(|row| &row.metric_values))
    }
}

impl StoredRecord for ImportedRecord {
    const KIND: &'static str = "foreign-record";
    const SCHEMA: Schema = Schema { major: 1, minor: 0 };

    fn check(&self) -> Result<()> {
        if !is_hex(&self.source.sha256, 64) {
            return refuse(&format!("the file's identity is `{}`, not a sha256", self.source.sha256));
        }
        for metric_value in self.all_values() {
            let Some(known) = definition(&metric_value.definition) else {
                return refuse(&format!(
                    "it has a value by `{}`, which is no definition",
                    metric_value.definition
                ));
            };
            if known.unit != metric_value.unit {
                let what = format!("`{}` is in {}, not in `{}`", known.id, known.unit, metric_value.unit);
                return refuse(&what);
            }
            if !metric_value.value.is_finite() || metric_value.value < 0.0 {
                return refuse(&format!(
                    "`{}` is `{}`, which nothing can take",
                    known.id, metric_value.value
                ));
            }
        }
        if self.rows.iter().all(|row| row.role != Role::Measured) {
            return refuse("it has no row that counts");
        }
        Ok(())
    }

    fn place(&self) -> Place<'_> {
        Place { machine: IMPORTED_FOLDER, commit: None, when_utc: &self.imported_utc, run_id: self.id() }
    }
}

fn refuse(what: &str) -> Result<()> {
    Err(Error::harness(format!("the import cannot be stored: {what}")).hint("import its file again"))
}
