//! The page of a fleet. It is made of results that somebody names, so no site has it of itself, and it stays when a site
//! is made again.

use serde_json::json;

use crate::error::Result;
use crate::report::document::Place;
use crate::report::fleet::QueryResults;
use crate::report::number::counted;
use crate::report::render::{PageKind, Parts, Renderer, Shell, Site};
use crate::report::site::Page;
use crate::report::web::COMPARE_STYLE;

const TITLE: &str = "Fleet";

/// The page of these results.
///
/// # Errors
/// A template that does not fit, which is a fault of arcgauge.
pub fn fleet_page(results: &QueryResults, renderer: &Renderer) -> Result<Page> {
    let kind = PageKind::Fleet;
    let site = Site { made_of: counted(results.count(), "query result"), newest_utc: None, is_demo: false };
    let view = json!({
        "heading": TITLE,
        "links": [],
        "report": results.document().to_html(Place { root: "", level: 2, of: "" }),
    });
    let parts = Parts { styles: vec![COMPARE_STYLE], ..Parts::default() };
    let text = renderer.page(kind.template(), &Shell::new(kind, TITLE, &site), &view, parts)?;
    Ok(Page { path: kind.file().into(), text })
}
