//! The page of the two, beside what is printed.

use std::path::{Path, PathBuf};

use crate::cli::say;
use crate::error::Result;
use crate::judge::comparability::TwoRuns;
use crate::report::comparison::ComparedRecord;
use crate::report::render::{PageKind, Renderer};
use crate::report::site::{comparison_page, write_page};

/// Writes the page into the folder of a site and names it. The comparison is reported, whether its page can be
/// written or not.
pub(super) fn show(site_folder: &Path, a: ComparedRecord<'_>, b: ComparedRecord<'_>, two: &TwoRuns) {
    match write(site_folder, a, b, two) {
        Ok(file) => {
            say(&format!("page: {}", file.display()));
            if !site_folder.join(PageKind::Overview.file()).is_file() {
                say("  `cargo xtask report` makes the pages that it leads to");
            }
        }
        Err(error) => say(&format!("the page of the two is not written: {error}")),
    }
}

fn write(site_folder: &Path, a: ComparedRecord<'_>, b: ComparedRecord<'_>, two: &TwoRuns) -> Result<PathBuf> {
    // Its tables need no chart library.
    let page = comparison_page(site_folder, a, b, two, &Renderer::new(None)?)?;
    write_page(site_folder, &page)
}
