//! The published values that a run is shown beside: `fixtures/baselines/published.json`, stored in the
//! record so that it can be reported again without the repository.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::measure::Metric;
use crate::record::is_hex;
use crate::record::{Arm, ModelRecord, ProvenDevice};

const WEIGHTS: &str = "openvino_model.bin";

/// What was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedReference {
    /// The model that it holds for.
    pub model: PublishedModel,
    /// The device that it holds for.
    pub device: PublishedDevice,
    /// The value.
    pub reference: PublishedValue,
    /// Tokens of each answer.
    pub new_tokens: usize,
    /// Ids of the prompts.
    pub prompts: Vec<String>,
}

/// A model, by the hashes that are accepted as its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedModel {
    /// Its name for people.
    pub name: String,
    /// What it is made of; None in a record of an older arcgauge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<PublishedShape>,
    /// The accepted files.
    #[serde(default)]
    pub accepted: Vec<AcceptedModel>,
}

/// What files must be made of to be accepted as the published model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedShape {
    /// Layers.
    pub layers: u64,
    /// Width of the hidden state.
    pub hidden_size: u64,
    /// Experts of a layer.
    pub experts: u64,
    /// Tokens in the vocabulary.
    pub vocabulary_tokens: u64,
    /// Smallest size of the weights, bytes: more than half a byte a weight is needed in INT4.
    pub weights_bytes_from: u64,
    /// Largest size of the weights, bytes: in INT8 they would be larger.
    pub weights_bytes_to: u64,
}

/// Files that were accepted as the published model, and the record that showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedModel {
    /// Identity of the files.
    pub sha256: String,
    /// Why they are the published ones.
    #[serde(alias = "because")]
    pub reason: String,
    /// When they were accepted, UTC.
    pub accepted_utc: String,
    /// The run whose answers were the golden ones.
    pub run_id: String,
    /// The commit that was measured.
    pub commit: String,
}

/// A device, by what it is and not by its name, which differs by system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedDevice {
    /// Its name for people.
    pub name: String,
    /// As in "8086:64a0".
    pub pci_ids: Vec<String>,
    /// Execution units.
    pub execution_units: u32,
}

/// A value with its definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedValue {
    /// Whose it is.
    pub series: String,
    /// By which definition.
    pub metric: Metric,
    /// In the definition's unit.
    pub value: f64,
    /// What was published beside it without the change, where it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
}

impl PublishedValue {
    /// The average of each engine in the file's text, in its order.
    ///
    /// # Errors
    /// A text that is not of this form.
    pub fn of_engines(text: &str) -> Result<Vec<Self>> {
        let average = |series: PublishedSeries| Self {
            baseline: None,
            series: series.name,
            metric: Metric::EndToEndThroughput,
            value: series.average_tok_s,
        };
        Ok(PublishedSeries::parse(text)?.into_iter().map(average).collect())
    }

    /// The values of changes of the KV cache in the file's text, in its order.
    ///
    /// # Errors
    /// A text that is not of this form.
    pub fn of_kv(text: &str) -> Result<Vec<Self>> {
        #[derive(Deserialize)]
        struct MeanValues {
            #[serde(default)]
            kv_cache: Vec<PublishedValue>,
        }
        let metric_values: MeanValues =
            serde_json::from_str(text).map_err(|cause| unreadable("published.json", &cause))?;
        Ok(metric_values.kv_cache)
    }
}

impl PublishedModel {
    /// How files were accepted as this model; None where they were not.
    pub fn accepted(&self, sha256: &str) -> Option<&AcceptedModel> {
        self.accepted.iter().find(|model| model.sha256 == sha256)
    }
}

impl PublishedShape {
    /// In what a model is made otherwise; None where it is not.
    pub fn difference_to(&self, model: &ModelRecord) -> Option<String> {
        let Some(shape) = &model.shape else {
            return Some("the record does not say what the model is made of".to_owned());
        };
        let counts = [
            ("layers", shape.layers, self.layers),
            ("hidden size", shape.hidden_size, self.hidden_size),
            ("experts", shape.experts, self.experts),
            ("tokens of the vocabulary", shape.vocabulary_tokens, self.vocabulary_tokens),
        ];
        let unlike = counts.into_iter().find(|(_, found, published)| *found != Some(*published));
        if let Some((what, found, published)) = unlike {
            let found = found.map_or("unknown".to_owned(), |found| found.to_string());
            return Some(format!("its {what}: `{found}`, the published model's: {published}"));
        }
        let weights = model.files.iter().find(|file| file.path == WEIGHTS).map_or(0, |file| file.size_bytes);
        let expected = self.weights_bytes_from..=self.weights_bytes_to;
        (!expected.contains(&weights)).then(|| {
            let (from, to) = expected.into_inner();
            format!("its weights have `{weights}` bytes, the published model's {from} to {to}")
        })
    }
}

impl PublishedDevice {
    /// Whether a device of this PCI id and so many execution units is of this kind.
    pub fn is(&self, pci_id: Option<&str>, execution_units: Option<u32>) -> bool {
        pci_id.is_some_and(|id| self.pci_ids.iter().any(|known| known == id))
            && execution_units == Some(self.execution_units)
    }
}

impl PublishedReference {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that cannot be read, or is not of this form.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse_named(&text_of(path)?, &path.display().to_string())
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// A text that is not of this form.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_named(text, "published.json")
    }

    fn parse_named(text: &str, name: &str) -> Result<Self> {
        let published: Self = serde_json::from_str(text).map_err(|cause| unreadable(name, &cause))?;
        let accepted = &published.model.accepted;
        if let Some(bad) = accepted.iter().find(|model| !is_hex(&model.sha256, 64)) {
            let what = format!("`{name}` accepts a model of sha256 `{}`", bad.sha256);
            return Err(Error::input(format!("{what}, which is not 64 lower-case hexadecimal digits"))
                .hint(format!("remove that entry and accept the model again: {ACCEPT}; or {RESTORE}")));
        }
        Ok(published)
    }

    /// In what a run is another thing than what was published; None where it is the same model, device and
    /// workload. The device is recognised by PCI id and execution units, for its name differs by system;
    /// the model by its hash.
    pub fn difference_to(&self, run: &Arm) -> Option<&'static str> {
        if run.device.emulated_reason().is_some() {
            return Some("the device is emulated");
        }
        let facts = run.device.ran.as_ref().map(ProvenDevice::facts);
        let same_device =
            facts.is_some_and(|facts| self.device.is(facts.pci_id.as_deref(), facts.execution_units));
        let same_model = self.model.accepted(&run.model.sha256).is_some();
        match (same_model, same_device) {
            (false, false) => Some("another model and device"),
            (false, true) => Some("another model"),
            (true, false) => Some("another device"),
            (true, true) if !self.is_workload_of(run) => Some("other prompts or another number of tokens"),
            (true, true) => None,
        }
    }

    /// Whether a run is of the same prompts and number of tokens.
    pub fn is_workload_of(&self, run: &Arm) -> bool {
        let requested = run.workload.prompts.iter().map(|prompt| &prompt.id);
        requested.eq(&self.prompts) && run.workload.new_tokens == self.new_tokens
    }
}

/// The file as a whole, in its order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedFile {
    schema: u32,
    #[serde(alias = "because")]
    reason: String,
    model: PublishedModel,
    device: PublishedDevice,
    conditions: String,
    new_tokens: usize,
    prompts: Vec<String>,
    reference: PublishedValue,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kv_cache: Vec<PublishedValue>,
    series: Vec<PublishedTable>,
}

/// The text of the file with one more accepted model, all else as it was: what `baseline accept-model` writes.
///
/// # Errors
/// A file that cannot be read, or has what this arcgauge does not know and would lose.
pub fn with_accepted_model(path: &Path, accepted: AcceptedModel) -> Result<String> {
    let name = path.display().to_string();
    let mut file: PublishedFile =
        serde_json::from_str(&text_of(path)?).map_err(|cause| unreadable(&name, &cause))?;
    file.model.accepted.push(accepted);
    let text = serde_json::to_string_pretty(&file)
        .map_err(|cause| Error::harness(format!("`{name}` cannot be written: {cause}")))?;
    Ok(text + "\n")
}

fn text_of(path: &Path) -> Result<String> {
    files::read_text(path, FileKind::Text).map_err(|error| error.or_hint(RESTORE))
}

fn unreadable(name: &str, cause: &serde_json::Error) -> Error {
    Error::input(format!("the published values in `{name}` are not of the expected form: {cause}"))
        .hint(RESTORE)
}

const ACCEPT: &str = "`cargo xtask baseline accept-model RECORD --reason \"...\"`";
const RESTORE: &str = "restore the file: `git checkout -- fixtures/baselines`";

/// A series of the published values as a whole, by its name. Beside the one that runs are compared with there
/// may be others, to be seen and not to be judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedSeries {
    /// Whose it is.
    pub name: String,
    /// `e2e_throughput@1` over all prompts, tokens per second.
    pub average_tok_s: f64,
}

#[derive(Deserialize)]
struct PublishedTables {
    series: Vec<PublishedTable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedTable {
    name: String,
    rows: Vec<PublishedRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedRow {
    prompt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e2e_latency_s: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e2e_per_token_ms: Option<f64>,
    e2e_throughput_tok_s: f64,
}

impl PublishedSeries {
    const AVERAGE: &str = "average";

    /// Reads the series of the file's text, in its order; a series without an average is left out.
    ///
    /// # Errors
    /// A text that is not of this form.
    pub fn parse(text: &str) -> Result<Vec<Self>> {
        let tables: PublishedTables =
            serde_json::from_str(text).map_err(|cause| unreadable("published.json", &cause))?;
        let series = tables.series.into_iter().filter_map(|table| {
            let row = table.rows.iter().find(|row| row.prompt == Self::AVERAGE)?;
            Some(Self { average_tok_s: row.e2e_throughput_tok_s, name: table.name })
        });
        Ok(series.collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_published_series_has_its_average_over_all_prompts() {
        let series = PublishedSeries::parse(include_str!("../../fixtures/baselines/published.json")).unwrap();
        let reported: Vec<_> = series.iter().map(|it| (it.name.as_str(), it.average_tok_s)).collect();
        assert_eq!(reported, [("optimum-intel", 21.24), ("openvino_genai LLMPipeline", 27.0)]);
    }

    #[test]
    fn a_text_of_another_form_is_refused_with_the_way_to_fix_it() {
        let error = PublishedSeries::parse("{}").unwrap_err();
        assert!(error.to_string().contains("are not of the expected form"), "{error}");
    }

    #[test]
    fn accepting_a_model_adds_its_lines_to_the_file_and_changes_no_other() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/baselines/published.json");
        let accepted = AcceptedModel {
            sha256: "a".repeat(64),
            reason: "the hub's files".into(),
            accepted_utc: "2026-11-29T07:00:00Z".into(),
            run_id: "0123456789ab".into(),
            commit: "5".repeat(40),
        };
        let before = fs::read_to_string(&path).unwrap();
        let after = with_accepted_model(&path, accepted.clone()).unwrap();
        let lines = serde_json::to_string_pretty(&[&accepted]).unwrap().replace('\n', "\n    ");
        assert_eq!(before.replacen("\"accepted\": []", &format!("\"accepted\": {lines}"), 1), after);
        assert_eq!(PublishedReference::parse(&after).unwrap().model.accepted, [accepted]);
    }
}
