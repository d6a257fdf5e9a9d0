//! `report --card`: a run as the tables of the published model card.

use crate::cli::named_record::find_run;
use crate::cli::print;
use crate::cli::root::Root;
use crate::error::Result;
use crate::record::History;
use crate::report::{CardRecord, card};

/// Prints the card of the run that is meant.
pub(super) fn print_card(name: &str, store: &History, root: &Root) -> Result<()> {
    let named = find_run(name, store, root)?.announced();
    let file = named.path();
    let file_name = file.file_name().unwrap_or_default().to_string_lossy();
    let payload_sha256 = History::payload_sha256(file)?;
    let record =
        CardRecord { run: named.record.subject(), file_name: &file_name, payload_sha256: &payload_sha256 };
    print(&card(record)?)
}
