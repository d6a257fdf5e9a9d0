//! The published reference: shown beside every result, judged only for its own model and device.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::measure::Metric;
use crate::record::RunRecord;

/// What was published: `fixtures/baselines/published.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Published {
    model: PublishedModel,
    device: PublishedDevice,
    reference: Reference,
    new_tokens: usize,
    prompts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct PublishedModel {
    name: String,
    accepted_sha256: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct PublishedDevice {
    name: String,
    pci_ids: Vec<String>,
    execution_units: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Reference {
    metric: Metric,
    value: f64,
}

/// How a result stands to the published figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is of another model or device, or has no verified speed: no comparison.
    NotJudged(String),
    /// At the published figure or above.
    Reached,
    /// Below it.
    Below,
}

impl Published {
    /// Reads the file's text.
    ///
    /// # Errors
    /// A text that is not of this form.
    pub fn parse(text: &str) -> Result<Self> {
        let published: Self = serde_json::from_str(text)
            .map_err(|cause| Error::input(format!("the published baseline cannot be read: {cause}")))?;
        if published.reference.metric != Metric::EndToEndThroughput {
            return Err(Error::input(format!(
                "the published reference is `{}`, not `{}`",
                published.reference.metric.id(),
                Metric::EndToEndThroughput.id()
            )));
        }
        Ok(published)
    }

    /// The published `e2e_throughput@1`, tokens per second.
    #[must_use]
    pub fn throughput_tok_s(&self) -> f64 {
        self.reference.value
    }

    /// Model and device that it holds for.
    #[must_use]
    pub fn holds_for(&self) -> String {
        format!("{}, {}", self.model.name, self.device.name)
    }

    /// Compares like with like, or says why not. The device is recognised by PCI id and execution
    /// units, for its name differs by system; the model by its hash.
    #[must_use]
    pub fn standing(&self, record: &RunRecord, throughput_tok_s: Option<f64>) -> Standing {
        let device = &record.device;
        let same_device = device.pci_id.as_ref().is_some_and(|id| self.device.pci_ids.contains(id))
            && device.execution_units == Some(self.device.execution_units);
        let same_model = self.model.accepted_sha256.contains(&record.model.sha256);
        let asked = record.workload.prompts.iter().map(|prompt| &prompt.id);
        let same_workload = asked.eq(&self.prompts) && record.workload.new_tokens == self.new_tokens;
        let verified = record.prompts.iter().all(|prompt| prompt.golden.is_verified());
        let unlike = match (same_model, same_device) {
            (false, false) => "another model and device",
            (false, true) => "another model",
            (true, false) => "another device",
            (true, true) if !same_workload => "other prompts or another number of tokens",
            (true, true) if !verified => "the output is not verified",
            (true, true) => "",
        };
        match throughput_tok_s {
            _ if !unlike.is_empty() => Standing::NotJudged(unlike.to_owned()),
            None => Standing::NotJudged("there is no speed".to_owned()),
            Some(speed) if speed < self.reference.value => Standing::Below,
            Some(_) => Standing::Reached,
        }
    }
}
