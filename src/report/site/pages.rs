//! Every page of a site, one after the other.

use std::path::PathBuf;

use crate::error::Result;
use crate::judge::policy::Policy;
use crate::record::{Ancestry, AnyRecord, Entry, History, Index, PublishedReference, PublishedSeries};
use crate::report::render::{PageKind, Parts, Renderer, Shell, Site};
use crate::report::view::history::{HistoryPage, HistorySources};
use crate::report::view::overview::{OverviewSources, OverviewView};
use crate::report::view::{Timeline, timelines};
use crate::report::web::{HISTORY_SCRIPTS, HISTORY_STYLE};

/// What a site is made of.
#[derive(Debug, Clone, Copy)]
pub struct SiteSources<'a> {
    /// The store, for what the index does not hold.
    pub history: &'a History,
    /// Its index.
    pub index: &'a Index,
    /// The line of commits along which the pages go.
    pub ancestry: &'a Ancestry,
    /// What the gate decides by.
    pub policy: &'a Policy,
    /// What was published.
    pub published: &'a PublishedReference,
    /// What was published beside it.
    pub published_series: &'a [PublishedSeries],
    /// Whether the records are invented.
    pub is_demo: bool,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its file, below the site's folder.
    pub path: PathBuf,
    /// Its bytes.
    pub html: String,
}

/// The pages that are made of the index.
///
/// # Errors
/// A figure that is no number, or a template that does not fit, which are faults of arcgauge.
pub fn pages(sources: SiteSources<'_>, renderer: &Renderer) -> Result<Vec<Page>> {
    let entries = &sources.index.entries;
    let site = Site {
        records: entries.len(),
        newest_utc: entries.iter().map(|entry| entry.when_utc.as_str()).max().map(str::to_owned),
        is_demo: sources.is_demo,
    };
    let timelines = timelines(entries, sources.ancestry)?;
    let subject_of = |entry: &Entry| subject(sources.history, entry);
    let overview = OverviewView::of(OverviewSources {
        entries,
        timelines: &timelines,
        published: sources.published,
        policy: sources.policy,
        subject_of: &subject_of,
        damaged: sources.index.damaged.len(),
    })?;
    let shell = Shell::new(PageKind::Overview, "Are we all right?", &site);
    let html = renderer.page("index.html", &shell, &overview, Parts::default())?;
    let mut pages = vec![Page { path: PageKind::Overview.file().into(), html }];
    pages.extend(history_pages(sources, &timelines, &site, renderer)?);
    Ok(pages)
}

/// The page of the history and the files that it leads to.
fn history_pages(
    sources: SiteSources<'_>,
    timelines: &[Timeline<'_>],
    site: &Site,
    renderer: &Renderer,
) -> Result<Vec<Page>> {
    let SiteSources { published, published_series, .. } = sources;
    let history = HistoryPage::of(HistorySources { timelines, published, published_series })?;
    let shell = Shell::new(PageKind::History, "How did it move?", site);
    let parts = Parts {
        styles: vec![HISTORY_STYLE],
        scripts: HISTORY_SCRIPTS.to_vec(),
        data: Some(history.data),
        has_live_charts: true,
    };
    let html = renderer.page("history.html", &shell, &history.view, parts)?;
    let files = history.csv_files.into_iter().map(|file| Page { path: file.path, html: file.text });
    Ok([Page { path: PageKind::History.file().into(), html }].into_iter().chain(files).collect())
}

/// The subject of a record's commit. A record that cannot be read any more has none here, and is named as
/// damaged when the index is made.
fn subject(history: &History, entry: &Entry) -> Option<String> {
    let record: AnyRecord = History::read_any(&history.root().join(&entry.path)).ok()?.record;
    Some(record.run().commit.as_ref()?.subject.clone())
}
