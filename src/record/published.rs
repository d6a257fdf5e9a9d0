//! The published figures that a run is shown beside: `fixtures/baselines/published.json`, kept in the
//! record so that it can be told again without the repository.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::measure::Metric;

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
}
