//! Every page of a site, one after the other.

use std::path::PathBuf;

use crate::error::Result;
use crate::judge::policy::Policy;
use crate::record::{Ancestry, AnyRecord, Entry, History, Index, PublishedReference};
use crate::report::render::{PageKind, Parts, Renderer, Shell, Site};
use crate::report::view::overview::{OverviewSources, OverviewView};
use crate::report::view::{Timeline, timelines};

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

impl<'a> SiteSources<'a> {
    /// Every timeline of the records.
    ///
    /// # Errors
    /// A figure that is no number.
    pub fn timelines(&self) -> Result<Vec<Timeline<'a>>> {
        timelines(&self.index.entries, self.ancestry)
    }

    /// The pages that are made of the index, and of little else.
    ///
    /// # Errors
    /// A figure that is no number, or a template that does not fit, which are faults of arcgauge.
    pub fn index_pages(&self, timelines: &[Timeline<'_>], renderer: &Renderer) -> Result<Vec<Page>> {
        let entries = &self.index.entries;
        let site = Site {
            records: entries.len(),
            newest_utc: entries.iter().map(|entry| entry.when_utc.as_str()).max().map(str::to_owned),
            is_demo: self.is_demo,
        };
        let subject_of = |entry: &Entry| subject(self.history, entry);
        let overview = OverviewView::of(OverviewSources {
            entries,
            timelines,
            published: self.published,
            policy: self.policy,
            subject_of: &subject_of,
            damaged: self.index.damaged.len(),
        })?;
        let shell = Shell::new(PageKind::Overview, "Are we all right?", &site);
        let html = renderer.page("index.html", &shell, &overview, Parts::default())?;
        Ok(vec![Page { path: PageKind::Overview.file().into(), html }])
    }
}

/// The subject of a record's commit. A record that cannot be read any more has none here, and is named as
/// damaged when the index is made.
fn subject(history: &History, entry: &Entry) -> Option<String> {
    let record: AnyRecord = History::read_any(&history.root().join(&entry.path)).ok()?.record;
    Some(record.run().commit.as_ref()?.subject.clone())
}
