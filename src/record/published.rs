//! The published figures that a run is shown beside: `fixtures/baselines/published.json`, kept in the
//! record so that it can be told again without the repository.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::measure::Metric;
use crate::record::{ProvenDevice, RunRecord};

/// What was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedReference {
    /// The model that it holds for.
    pub model: PublishedModel,
    /// The device that it holds for.
    pub device: PublishedDevice,
    /// The figure.
    pub reference: PublishedFigure,
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
    /// Identities of its files.
    pub accepted_sha256: Vec<String>,
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

/// A figure with its definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedFigure {
    /// Whose it is.
    pub series: String,
    /// By which definition.
    pub metric: Metric,
    /// In the definition's unit.
    pub value: f64,
}

impl PublishedReference {
    /// Reads the file's text.
    ///
    /// # Errors
    /// A text that is not of this form.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|cause| {
            Error::input(format!("the published baseline cannot be read: {cause}"))
                .hint("restore it: `git checkout -- fixtures/baselines`")
        })
    }

    /// In what a run is another thing than what was published; None where it is the same model, device and
    /// workload. The device is recognised by PCI id and execution units, for its name differs by system;
    /// the model by its hash.
    #[must_use]
    pub fn difference_to(&self, run: &RunRecord) -> Option<&'static str> {
        if run.device.emulated_reason().is_some() {
            return Some("the device is emulated");
        }
        let facts = run.device.ran.as_ref().map(ProvenDevice::facts);
        let same_device = facts.is_some_and(|facts| {
            facts.pci_id.as_ref().is_some_and(|id| self.device.pci_ids.contains(id))
                && facts.execution_units == Some(self.device.execution_units)
        });
        let same_model = self.model.accepted_sha256.contains(&run.model.sha256);
        let asked = run.workload.prompts.iter().map(|prompt| &prompt.id);
        let same_workload = asked.eq(&self.prompts) && run.workload.new_tokens == self.new_tokens;
        match (same_model, same_device) {
            (false, false) => Some("another model and device"),
            (false, true) => Some("another model"),
            (true, false) => Some("another device"),
            (true, true) if !same_workload => Some("other prompts or another number of tokens"),
            (true, true) => None,
        }
    }
}

/// A series of the published figures as a whole, by its name. Beside the one that runs are held against there
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

#[derive(Deserialize)]
struct PublishedTable {
    name: String,
    rows: Vec<PublishedRow>,
}

#[derive(Deserialize)]
struct PublishedRow {
    prompt: String,
    e2e_throughput_tok_s: f64,
}

impl PublishedSeries {
    /// The row over all prompts.
    const AVERAGE: &str = "average";

    /// Reads the series of the file's text, in its order; a series without an average is left out.
    ///
    /// # Errors
    /// A text that is not of this form.
    pub fn parse(text: &str) -> Result<Vec<Self>> {
        let tables: PublishedTables = serde_json::from_str(text).map_err(|cause| {
            Error::input(format!("the published series cannot be read: {cause}"))
                .hint("restore it: `git checkout -- fixtures/baselines`")
        })?;
        let series = tables.series.into_iter().filter_map(|table| {
            let row = table.rows.iter().find(|row| row.prompt == Self::AVERAGE)?;
            Some(Self { average_tok_s: row.e2e_throughput_tok_s, name: table.name })
        });
        Ok(series.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_published_series_has_its_average_over_all_prompts() {
        let series = PublishedSeries::parse(include_str!("../../fixtures/baselines/published.json")).unwrap();
        let told: Vec<_> = series.iter().map(|it| (it.name.as_str(), it.average_tok_s)).collect();
        assert_eq!(told, [("optimum-intel", 21.24), ("openvino_genai LLMPipeline", 27.0)]);
    }

    #[test]
    fn a_text_of_another_form_is_refused_with_the_way_to_mend_it() {
        let error = PublishedSeries::parse("{}").unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
    }
}
