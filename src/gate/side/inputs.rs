//! What both sides of a comparison are asked and judged by: it is the base's, whatever the head says.

use std::path::Path;

use crate::error::{Error, Result};
use crate::files::is_file_name;
use crate::golden::GoldenSet;
use crate::record::{Arm, Repository, Source, sha256_of_files};

const PROMPTS: &str = "fixtures/prompts";
const GOLDENS: &str = "fixtures/golden";
const BASELINES: &str = "fixtures/baselines";
const POLICY: &str = "ci/gate.json";
/// Both sides are measured with the base's model and the caller's runtime, and so tell nothing of these.
const MODELS: &str = "fixtures/models";
const RELEASES: &str = "src/engine/openvino/releases.json";
/// Folders of which nothing is built into the product or read while it is measured.
const UNUSED_FOLDERS: [&str; 9] = [
    ".ci/",
    ".github/",
    "benches/",
    "docs/",
    "examples/",
    "reports/",
    "tests/",
    "xtask/",
    "fixtures/records/",
];
/// Files of the same kind.
const UNUSED_FILES: [&str; 6] =
    [".gitattributes", ".gitignore", "LICENSE", "clippy.toml", "deny.toml", "rustfmt.toml"];

/// The files that differ between the commit of this sha and the head, and are built into the product or read while
/// it is measured: where there are none, both are the same program with the same inputs. What is not known counts.
///
/// # Errors
/// When a commit is missing, or git cannot read the repository.
pub fn changed_in_use(repository: &Repository, base: &str, head: &Source) -> Result<Vec<String>> {
    let is_unused = |path: &String| {
        let is_text = !path.contains('/') && Path::new(path).extension().is_some_and(|it| it == "md");
        is_text
            || UNUSED_FILES.contains(&path.as_str())
            || UNUSED_FOLDERS.iter().any(|folder| path.starts_with(folder))
    };
    let mut changed = repository.changed_between(base, head, &[])?;
    changed.retain(|path| !is_unused(path));
    Ok(changed)
}

/// The goldens by which a run's answers are judged at a commit.
///
/// # Errors
/// A model whose name is no plain one; when a commit is missing; goldens that are not of their form.
pub fn goldens_at(repository: &Repository, sha: &str, run: &Arm) -> Result<GoldenSet> {
    let model = &run.model.name;
    if !is_file_name(model) {
        return Err(Error::input(format!("the model's name is `{model}`, which is no plain name"))
            .hint("measure again: `cargo xtask ab`"));
    }
    // What is no plain name has no golden: it would be another file.
    let ids = run.workload.prompts.iter().map(|prompt| prompt.id.as_str()).filter(|id| is_file_name(id));
    GoldenSet::of_prompts(ids, |name| repository.file_at(sha, &format!("{GOLDENS}/{model}/{name}")))
}

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
