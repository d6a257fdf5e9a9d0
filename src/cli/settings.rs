//! What belongs to this user and machine: `settings.json` in the config folder, written by verbs such as `model use`; the
//! store of records, which a flag or a setting names; and the installation's id, made by the first verb that measures.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::root::Root;
use crate::cli::say;
use crate::error::{Error, ErrorKind, Result};
use crate::files::{self, FileKind, Overwrite, write_whole};
use crate::places;
use crate::record::{self, History, Installation};

/// What the user said once and for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// The model folder that bare verbs use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) model_dir: Option<PathBuf>,
    /// The store of records that every verb uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) store: Option<PathBuf>,
    /// Whether records say which of several machines of one model measured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unit: bool,
    /// What a newer arcgauge has written; it is written back.
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

/// Which store.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct StoreFlag {
    /// Folder of the records [default: the one of `history use`, else reports/history]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

/// A store, and who named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ChosenStore {
    /// `--store`.
    Flag(PathBuf),
    /// `history use`.
    Setting(PathBuf),
    /// Nobody: it is the checkout's own.
    Own(PathBuf),
}

impl ChosenStore {
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Flag(folder) | Self::Setting(folder) | Self::Own(folder) => folder,
        }
    }
}

impl StoreFlag {
    /// The store.
    pub(super) fn find(&self, root: &Root) -> Result<History> {
        Ok(History::at(self.folder(root)?).seen_from(Installation::read(&folders())?))
    }

    /// The store, for a verb that measures: what it adds was measured here.
    pub(super) fn find_to_measure(&self, root: &Root) -> Result<History> {
        Ok(History::at(self.folder(root)?).seen_from(known_or_made_installation()?))
    }

    /// The flag as it is typed, for a process of this program's own.
    pub(super) fn as_typed(&self) -> Vec<OsString> {
        let typed = |folder: &PathBuf| vec!["--store".into(), folder.clone().into_os_string()];
        self.store.as_ref().map(typed).unwrap_or_default()
    }

    /// The store, though the settings may be unreadable: for verbs that go on.
    pub(super) fn or_default(&self, root: &Root) -> ChosenStore {
        self.chosen(root).unwrap_or_else(|_| ChosenStore::Own(root.history()))
    }

    /// The store's folder, which need not be there yet.
    fn folder(&self, root: &Root) -> Result<PathBuf> {
        let chosen = self.chosen(root)?;
        let folder = chosen.folder();
        let refuse = |what: &str| {
            Err(Error::input(format!("the record store `{}` {what}", folder.display()))
                .hint("name a folder: `--store DIR`, or once `cargo xtask history use DIR`"))
        };
        match fs::metadata(folder) {
            Ok(found) if found.is_dir() => Ok(folder.to_owned()),
            Ok(_) => refuse("is not a folder"),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && !folder.is_symlink() => {
                Ok(folder.to_owned())
            }
            Err(cause) => refuse(&format!("cannot be read: {cause}")),
        }
    }

    fn chosen(&self, root: &Root) -> Result<ChosenStore> {
        if let Some(folder) = &self.store {
            return Ok(ChosenStore::Flag(folder.clone()));
        }
        let setting = Settings::load()?.store.map(ChosenStore::Setting);
        Ok(setting.unwrap_or_else(|| ChosenStore::Own(root.history())))
    }
}

/// The id of this machine among those of its model; None where records are not to say it.
pub(super) fn unit_id() -> Result<Option<String>> {
    Settings::load()?.unit.then(record::unit_id).transpose()
}

/// The user's cache folder.
pub(super) fn cache_folder() -> Result<PathBuf> {
    places::cache_dir().ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))
}

/// A folder as it can be remembered: seen from everywhere, whether it is there yet or not.
pub(super) fn absolute(folder: PathBuf) -> PathBuf {
    if folder.is_absolute() { folder } else { env::current_dir().unwrap_or_default().join(folder) }
}

/// The id, made where there is none. Where it can be written nowhere, measuring goes on without one.
fn known_or_made_installation() -> Result<Option<Installation>> {
    match Installation::read_or_make(&folders()) {
        Ok(installation) => Ok(Some(installation)),
        Err(error) if error.kind() == ErrorKind::Input => Err(error),
        Err(error) => {
            say(&format!("warning: the record of this run will not count as measured here: {error}"));
            Ok(None)
        }
    }
}

/// The settings; else, as where an administrator keeps these, the cache.
fn folders() -> Vec<PathBuf> {
    places::config_dir().into_iter().chain(places::cache_dir()).collect()
}
