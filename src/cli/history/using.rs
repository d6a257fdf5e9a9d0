//! `history use`, `history forget`: the store that every verb takes.

use std::path::Path;
use std::process::ExitCode;

use crate::cli::settings::Settings;
use crate::cli::store::absolute;
use crate::cli::{exit_code, say, shell};
use crate::error::{Error, Result};

/// Remembers a folder.
pub(super) fn remember(folder: &Path) -> Result<ExitCode> {
    if folder.exists() && !folder.is_dir() {
        return Err(Error::input(format!("`{}` is no folder", folder.display())).hint("name a folder"));
    }
    // A name with a slip in it would else be a store without records.
    if !folder.is_dir() {
        return Err(Error::input(format!("there is no folder `{}`", folder.display()))
            .hint(format!("make it first: `mkdir -p {}`", shell::word(folder))));
    }
    let mut settings = Settings::load()?;
    let folder = absolute(folder.to_owned());
    settings.store = Some(folder.clone());
    let file = settings.save()?;
    say(&format!("records are now kept in `{}` (in `{}`)", folder.display(), file.display()));
    Ok(ExitCode::from(exit_code::PASS))
}

/// Forgets it.
pub(super) fn forget() -> Result<ExitCode> {
    let mut settings = Settings::load()?;
    settings.store = None;
    settings.save()?;
    say("records are now kept in `reports/history` of the checkout");
    Ok(ExitCode::from(exit_code::PASS))
}
