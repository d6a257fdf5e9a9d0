//! What both sides of a comparison are asked and judged by: it is the base's, whatever the head says.

use crate::error::Result;
use crate::record::{Repository, Source, sha256_of_files};
use std::path::Path;

const PROMPTS: &str = "fixtures/prompts";
const GOLDENS: &str = "fixtures/golden";
const BASELINES: &str = "fixtures/baselines";
const POLICY: &str = "ci/gate.json";
/// Both sides are measured with the base's model and the caller's runtime, and so tell nothing of these.
const MODELS: &str = "fixtures/models";
const RELEASES: &str = "src/engine/openvino/releases.json";

/// Digests of the fixtures of a checkout; equal ones are of equal files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Of `fixtures/prompts`: what is asked.
    pub prompts: String,
    /// Of `fixtures/golden`: what the answers must be.
    pub goldens: String,
    /// Of `fixtures/baselines` and `ci/gate.json`: what is accepted.
    pub policy: String,
}

impl Inputs {
    /// Reads them in a checkout. What is not there counts as empty.
    ///
    /// # Errors
    /// When a file that is there cannot be read.
    pub fn of(checkout: &Path) -> Result<Self> {
        Ok(Self {
            prompts: sha256_of_files(checkout, &[PROMPTS])?,
            goldens: sha256_of_files(checkout, &[GOLDENS])?,
            policy: sha256_of_files(checkout, &[BASELINES, POLICY])?,
        })
    }
}

/// Files by which a change would judge itself, had it changed them: none of them, in most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedInputs {
    /// Below `fixtures/prompts`.
    pub prompts: Vec<String>,
    /// Below `fixtures/golden`.
    pub goldens: Vec<String>,
    /// Below `fixtures/baselines`.
    pub baselines: Vec<String>,
    /// `ci/gate.json`.
    pub policy: Vec<String>,
    /// Below `fixtures/models`.
    pub models: Vec<String>,
    /// The list of pinned releases of OpenVINO.
    pub releases: Vec<String>,
}

impl ChangedInputs {
    /// The files that differ between the commit of this sha and the head.
    ///
    /// # Errors
    /// When a commit is missing, or git cannot read the repository.
    pub fn between(repository: &Repository, base: &str, head: &Source) -> Result<Self> {
        let below = |path: &str| repository.changed_between(base, head, &[path]);
        Ok(Self {
            prompts: below(PROMPTS)?,
            goldens: below(GOLDENS)?,
            baselines: below(BASELINES)?,
            policy: below(POLICY)?,
            models: below(MODELS)?,
            releases: below(RELEASES)?,
        })
    }

    /// Whether the head has all of them as the base has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds().is_empty()
    }

    /// What was changed, in words, with the files.
    #[must_use]
    pub fn kinds(&self) -> Vec<(&'static str, &[String])> {
        let Self { prompts, goldens, baselines, policy, models, releases } = self;
        let kinds = [
            ("goldens", goldens),
            ("prompts", prompts),
            ("baselines", baselines),
            ("policy", policy),
            ("models", models),
            ("openvino", releases),
        ];
        kinds
            .into_iter()
            .filter(|(_, files)| !files.is_empty())
            .map(|(kind, files)| (kind, &files[..]))
            .collect()
    }
}
