//! The checkout that the binary works in: its fixtures and its records.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::files::{self, FileKind};
use crate::judge::policy::Policy;

/// What marks a checkout of arcgauge.
const MARK: &str = "fixtures/prompts/reference.json";

/// A checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root(PathBuf);

impl Root {
    /// The checkout around the current folder; else the one that the binary was built in. A mark that is no file is a
    /// damaged checkout, which whoever reads it names, and not a reason to measure another one.
    pub(super) fn find() -> Self {
        let here = env::current_dir().unwrap_or_default();
        let around = here.ancestors().find(|folder| folder.join(MARK).symlink_metadata().is_ok());
        Self(around.unwrap_or(Path::new(env!("CARGO_MANIFEST_DIR"))).to_owned())
    }

    /// The checkout in this folder.
    pub(super) fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// With the separators of this system alone.
    fn below(&self, path: &str) -> PathBuf {
        self.0.join(path).components().collect()
    }

    pub(super) fn shipped_model(&self) -> PathBuf {
        self.below("fixtures/models/tiny-gpt-oss")
    }

    /// The workers of engines in other languages, and what they need.
    pub(super) fn peers(&self) -> PathBuf {
        self.below("benches/peers")
    }

    /// What downloads models, and what it needs.
    pub(super) fn hub_client(&self) -> PathBuf {
        self.below("xtask/hub")
    }

    pub(super) fn prompts(&self) -> PathBuf {
        self.below("fixtures/prompts")
    }

    pub(super) fn goldens(&self, model: &str) -> PathBuf {
        self.below("fixtures/golden").join(model)
    }

    pub(super) fn published(&self) -> PathBuf {
        self.below("fixtures/baselines/published.json")
    }

    /// The file of the gate's policy.
    pub(super) fn policy(&self) -> PathBuf {
        self.below("ci/gate.json")
    }

    /// The gate's policy.
    pub(super) fn read_policy(&self) -> Result<Policy> {
        let file = self.policy();
        Policy::parse(&files::read_text(&file, FileKind::Text)?, &file.display().to_string())
    }

    /// The pages of the records.
    pub(super) fn site(&self) -> PathBuf {
        self.below("reports/site")
    }

    /// The pages of the demonstration.
    pub(super) fn demo_site(&self) -> PathBuf {
        self.below("reports/demo")
    }

    pub(super) fn history(&self) -> PathBuf {
        self.below("reports/history")
    }
}
