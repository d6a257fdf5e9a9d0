//! The pages after a measurement: a record is at once to be seen.

use crate::cli::report::make::Making;
use crate::cli::root::Root;
use crate::cli::say;
use crate::error::Result;
use crate::record::History;
use crate::report::site::page_of;

/// Brings the pages up to date and names that of a commit. What was measured is kept, whether its page can
/// be made or not.
pub(in crate::cli) fn show_commit(root: &Root, history: &History, sha: Option<&str>) {
    match bring_up(root, history) {
        Ok(()) => say(&format!("page: {}", root.site().join(page_of(sha)).display())),
        Err(error) => {
            say(&format!("the pages are not brought up to date: {error}"));
            say("  `cargo xtask report` tries again");
        }
    }
}

fn bring_up(root: &Root, history: &History) -> Result<()> {
    Making::of(root)?.site(root, history, root.site(), false).map(|_folder| ())
}
