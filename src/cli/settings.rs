//! The user's settings: `settings.json` in the config folder, written by verbs such as `model use`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind, Overwrite, write_whole};
use crate::places;

/// What the user said once and for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// The model folder that bare verbs use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) model_dir: Option<PathBuf>,
    /// The store of records that every verb uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) store: Option<PathBuf>,
    /// What a newer arcgauge has written; kept.
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

impl Settings {
    /// The file; None where the user has no home folder.
    pub(super) fn file() -> Option<PathBuf> {
        Some(places::config_dir()?.join("settings.json"))
    }

    /// What the file says; a file that is not there says nothing.
    pub(super) fn load() -> Result<Self> {
        let Some(file) = Self::file() else { return Ok(Self::default()) };
        let read = files::read_text_if_there(&file, FileKind::Text);
        let Some(text) = read.map_err(|error| error.or_hint("run `cargo xtask doctor`"))? else {
            return Ok(Self::default());
        };
        serde_json::from_str(&text).map_err(|cause| {
            Error::input(format!("settings `{}` cannot be read: {cause}", file.display()))
                .hint("fix the file, or delete it to start over")
        })
    }

    /// Writes the file, whole or not at all.
    pub(super) fn save(&self) -> Result<PathBuf> {
        let file =
            Self::file().ok_or_else(|| Error::harness("this user has no home folder and so no settings"))?;
        let text = serde_json::to_string_pretty(self)
            .map_err(|cause| Error::harness(format!("cannot write `{}`: {cause}", file.display())))?;
        write_whole(&file, (text + "\n").as_bytes(), Overwrite::ReplaceBehindLink)?;
        Ok(file)
    }
}
