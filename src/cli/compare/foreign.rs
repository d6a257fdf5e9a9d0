//! A run of ours beside what another tool measured: both are shown, and neither is compared with the other.

use std::path::Path;
use std::process::ExitCode;

use crate::cli::named_record::NamedRecord;
use crate::cli::{exit_code, print_document};
use crate::error::{Error, Result};
use crate::record::{ForeignRecord, History};
use crate::report::foreign_beside;

/// The record of another tool's file that a word names; None where it names something else.
pub(super) fn named(word: &str) -> Result<Option<ForeignRecord>> {
    let file = Path::new(word);
    if !History::is_foreign(file) {
        return Ok(None);
    }
    History::read_foreign(file).map(|stored| Some(stored.record))
}

/// Shows both.
pub(super) fn show(ours: &NamedRecord, theirs: &ForeignRecord) -> Result<ExitCode> {
    print_document(foreign_beside(ours.record.subject(), theirs))?;
    Ok(ExitCode::from(exit_code::INCONCLUSIVE))
}

/// What another tool measured has one place, and one form.
pub(super) fn refused(word: &str) -> Error {
    Error::input(format!("`{word}` is what another tool measured: it can be B alone, and as text alone"))
        .hint("`cargo xtask compare RUN FILE` shows it beside a run of ours")
}
