//! Where records are kept.

use std::path::PathBuf;

use clap::Args;

use crate::cli::root::Root;
use crate::error::Result;
use crate::record::History;

/// The flag that names a store.
#[derive(Debug, Clone, Args)]
pub(super) struct StoreFlag {
    /// Folder of the records [default: the checkout's `reports/history`]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

impl StoreFlag {
    /// The store.
    #[expect(clippy::unnecessary_wraps, reason = "settings may not be readable")]
    pub(super) fn open(&self, root: &Root) -> Result<History> {
        Ok(History::at(self.store.clone().unwrap_or_else(|| root.history())))
    }
}
