//! The pages that no site needs, of two runs and of a fleet: each is made when it is requested, and stays when a site is
//! made again.

use std::path::Path;

use serde_json::{Value, json};

use crate::error::Result;
use crate::judge::comparability::TwoRuns;
use crate::record::{ArmView, Warning, sha256_of_bytes};
use crate::report::comparison::{ComparedRecord, OfPage, comparison_document};
use crate::report::demo::WARNING_ID;
use crate::report::document::{Document, Place};
use crate::report::fleet::QueryResults;
use crate::report::number::counted;
use crate::report::render::{Page, PageKind, Parts, Renderer, Site};
use crate::report::view::CommitLink;
use crate::report::view::commit::strip_of_two;
use crate::report::web::COMPARE_STYLE;
use crate::visible::one_line;

/// A name of a run that is longer, or has other letters, is named by its hash in a file's name.
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
    let is_invented =
        |run: ArmView<'_>| run.warnings.iter().any(|warning: &Warning| warning.id == WARNING_ID);
    let site = Site {
        made_of: "2 records".to_owned(),
        newest_utc: [a, b].iter().map(|record| record.run.experiment.when_utc.clone()).max(),
        is_demo: is_invented(a.run) || is_invented(b.run),
    };
    let (id_a, id_b) = (&a.run.experiment.run_id, &b.run.experiment.run_id);
    let of_page = OfPage {
        chart: if two.compares_speed() { strip_of_two(a.run, b.run) } else { None },
        commits: [a, b].map(|record| commit_page(site_folder, record)),
        records: [a, b].map(|record| copy_of_record(site_folder, record)),
    };
    let links = json!([{ "href": "../compare.html", "text": "Compare two other runs" }]);
    let view = view("Two runs compared", &links, &comparison_document(a, b, two, of_page), "../");
    let title = one_line(&format!("{id_b} compared with {id_a}"));
    let page = renderer.page(PageKind::Comparison, &title, &site, &view, parts())?;
    let name = format!("{}-{}.html", file_name(id_a), file_name(id_b));
    Ok(Page { path: page.path.join(name), ..page })
}

/// The page of the results of queries on the records of a fleet.
///
/// # Errors
/// A template that does not fit, which is a fault of arcgauge.
pub fn fleet_page(results: &QueryResults, renderer: &Renderer) -> Result<Page> {
    let site = Site { made_of: counted(results.count(), "query result"), newest_utc: None, is_demo: false };
    let view = view("Fleet", &json!([]), &results.document(), "");
    renderer.page(PageKind::Fleet, "Fleet", &site, &view, parts())
}

fn view(heading: &str, links: &Value, document: &Document, root: &str) -> Value {
    let report = document.to_html(Place { root, level: 2, of: "" });
    json!({ "heading": heading, "links": links, "report": report })
}

fn parts() -> Parts<'static> {
    Parts { styles: vec![COMPARE_STYLE], ..Parts::default() }
}

/// The page of a record's commit, where the site has it.
fn commit_page(site_folder: &Path, record: ComparedRecord<'_>) -> Option<CommitLink> {
    let link = CommitLink::of(&record.run.commit.as_ref()?.sha)?;
    site_folder.join(&link.href).is_file().then_some(link)
}

/// The copy of a record, where the site has it.
fn copy_of_record(site_folder: &Path, record: ComparedRecord<'_>) -> Option<String> {
    let name = Path::new(record.file).file_name()?.to_str()?;
    let path = format!("records/{name}");
    (is_plain(name.trim_end_matches(".json")) && site_folder.join(&path).is_file()).then_some(path)
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
