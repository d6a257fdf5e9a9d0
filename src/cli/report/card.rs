//! `report --card`: a run as the tables of the published model card.

use std::path::Path;

use crate::cli::named_run::find;
use crate::cli::root::Root;
use crate::cli::{print, say};
use crate::error::Result;
use crate::record::History;
use crate::report::{CardRecord, card};

/// Prints the card of the run that is meant.
pub(super) fn print_card(name: &str, store: &History, root: &Root) -> Result<()> {
    let named = find(name, store, root)?;
    if let Some(taken) = &named.taken {
        say(taken);
    }
    let file = Path::new(&named.file);
    let file_name = file.file_name().unwrap_or_default().to_string_lossy();
    let payload_sha256 = History::payload_sha256(file)?;
    let record = CardRecord { run: &named.run, file_name: &file_name, payload_sha256: &payload_sha256 };
    print(&card(record)?);
    Ok(())
}
