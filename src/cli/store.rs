//! Which store of records: the flag's, else the setting's, else the checkout's own.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::installation;
use crate::cli::root::Root;
use crate::cli::settings::Settings;
use crate::error::Result;
use crate::record::History;

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
        Ok(History::at(self.chosen(root)?.folder().to_owned()).seen_from(installation::known()?))
    }

    /// The store, for a verb that measures: what it adds was measured here.
    pub(super) fn find_to_measure(&self, root: &Root) -> Result<History> {
        let folder = self.chosen(root)?.folder().to_owned();
        Ok(History::at(folder).seen_from(installation::known_or_made()?))
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

    fn chosen(&self, root: &Root) -> Result<ChosenStore> {
        if let Some(folder) = &self.store {
            return Ok(ChosenStore::Flag(folder.clone()));
        }
        let setting = Settings::load()?.store.map(ChosenStore::Setting);
        Ok(setting.unwrap_or_else(|| ChosenStore::Own(root.history())))
    }
}

/// A folder as it can be remembered: seen from everywhere, whether it is there yet or not.
pub(super) fn absolute(folder: PathBuf) -> PathBuf {
    if folder.is_absolute() { folder } else { env::current_dir().unwrap_or_default().join(folder) }
}
