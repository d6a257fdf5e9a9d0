//! Shows a page in the browser of this user.

use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// What opens a page on this system.
const PROGRAM: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Opens a file or an address.
///
/// # Errors
/// Where there is no program that does it, or it fails.
pub(super) fn open(page: &str) -> Result<()> {
    let quiet = Stdio::null;
    let ended = Command::new(PROGRAM).arg(page).stdin(quiet()).stdout(quiet()).stderr(quiet()).status();
    let how = match ended {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(cause) => cause.to_string(),
    };
    Err(Error::harness(format!("`{PROGRAM}` cannot open `{page}`: {how}"))
        .hint("the pages are made; open that one in a browser by hand, or use `--serve`"))
}
