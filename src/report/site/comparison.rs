//! The page of two runs. No site needs it, so it is made when it is asked for, and it stays when a site is
//! made anew.

use std::path::Path;

use crate::error::Result;
use crate::judge::likeness::TwoRuns;
use crate::record::{RunRecord, Warning, sha256_of_bytes};
use crate::report::comparison::{ComparedRecord, ComparisonPage, PagesOfSide, comparison_view};
use crate::report::demo::WARNING_ID;
use crate::report::render::{PageKind, Parts, Renderer, Shell, Site};
use crate::report::site::Page;
use crate::report::view::CommitLink;
use crate::report::view::commit::strip_of_two;
use crate::report::web::COMPARE_STYLE;

/// A name of a run that is longer, or has other letters, is told by its hash in a file's name.
const LONGEST_NAME: usize = 64;

/// The page of two runs, with links to what the site in this folder has of them.
///
/// # Errors
/// A template that does not fit, which is a fault of arcgauge.
pub fn comparison_page(
    site_folder: &Path,
    a: ComparedRecord<'_>,
    b: ComparedRecord<'_>,
    two: &TwoRuns,
    renderer: &Renderer,
) -> Result<Page> {
    let comparison = comparison_view(a, b, two);
    let is_invented = |run: &RunRecord| run.warnings.iter().any(|warning: &Warning| warning.id == WARNING_ID);
    let site = Site {
        records: 2,
        newest_utc: [&comparison.a.when_utc, &comparison.b.when_utc].into_iter().max().cloned(),
        is_demo: is_invented(a.run) || is_invented(b.run),
    };
    let chart = if two.compares_speed() { strip_of_two(a.run, b.run) } else { None };
    let shell = Shell::new(PageKind::Comparison, comparison.title.clone(), &site);
    let name = format!("{}-{}.html", file_name(&a.run.run_id), file_name(&b.run.run_id));
    let view = ComparisonPage::of(comparison, chart, pages_of(site_folder, a), pages_of(site_folder, b));
    let text = renderer.page(
        "comparison.html",
        &shell,
        &view,
        Parts { styles: vec![COMPARE_STYLE], ..Parts::default() },
    )?;
    Ok(Page { path: Path::new(PageKind::Comparison.file()).join(name), text })
}

/// What the site has of a run.
fn pages_of(site_folder: &Path, record: ComparedRecord<'_>) -> PagesOfSide {
    let is_there = |path: &str| site_folder.join(path).is_file();
    let commit = record.run.commit.as_ref().and_then(|commit| CommitLink::of(&commit.sha));
    let copy = Path::new(record.file).file_name().and_then(|name| name.to_str());
    let copy =
        copy.filter(|name| is_plain(name.trim_end_matches(".json"))).map(|name| format!("records/{name}"));
    PagesOfSide {
        commit: commit.filter(|link| is_there(&link.href)),
        record: copy.filter(|path| is_there(path)),
    }
}

/// A run's name as it may stand in the name of a file.
fn file_name(run_id: &str) -> String {
    let hash = || sha256_of_bytes(run_id.as_bytes()).chars().take(12).collect();
    if is_plain(run_id) { run_id.to_owned() } else { hash() }
}

fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_run_leads_out_of_the_folder() {
        assert_eq!(file_name("0123456789ab"), "0123456789ab");
        for hostile in ["", "../../index", "a/b", "a b", "<x>", ".", &"a".repeat(65)] {
            let name = file_name(hostile);
            assert!(name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        }
    }
}
