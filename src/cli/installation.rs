//! Which installation this is: a random id beside the user's settings, made by the first verb that measures.

use std::path::PathBuf;

use crate::cli::say;
use crate::error::{ErrorKind, Result};
use crate::places;
use crate::record::Installation;

/// The id; None where nothing was measured yet.
pub(super) fn known() -> Result<Option<Installation>> {
    Installation::read(&folders())
}

/// The id, made where there is none. Where it can be written nowhere, measuring goes on without one.
pub(super) fn known_or_made() -> Result<Option<Installation>> {
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
