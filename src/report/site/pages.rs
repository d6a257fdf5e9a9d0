//! Every page of a site, one after the other.

use std::path::PathBuf;

use crate::error::Result;
use crate::judge::policy::Policy;
use crate::record::{
    Ancestry, Entry, Experiment, History, Index, PlanKind, PublishedReference, PublishedSeries,
};
use crate::report::render::{PageKind, Parts, Renderer, Shell, Site};
use crate::report::site::commits::record_file;
use crate::report::site::history::history_pages;
use crate::report::view::compare::ComparePage;
use crate::report::view::history::HistorySources;
use crate::report::view::machines::MachinesView;
use crate::report::view::method::MethodView;
use crate::report::view::overview::{OverviewSources, OverviewView};
use crate::report::view::peers::{PeersPage, PeersPart};
use crate::report::view::{Forge, Timeline, timelines};
use crate::report::web::{COMPARE_SCRIPT, COMPARE_STYLE};

/// What a site is made of.
#[derive(Debug, Clone, Copy)]
pub struct SiteSources<'a> {
    /// The store, for what the index does not hold.
    pub history: &'a History,
    /// Its index.
    pub index: &'a Index,
    /// The line of commits along which the pages go.
    pub ancestry: &'a Ancestry,
    /// The same in words, as in "the first parents of `main`"; None where there is no line.
    pub along: Option<&'a str>,
    /// Where commits are compared on the web; None where that is not known.
    pub forge: Option<&'a Forge>,
    /// What the gate decides by.
    pub policy: &'a Policy,
    /// The hash of its text.
    pub policy_sha256: &'a str,
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
    pub text: String,
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
        let page = |kind: PageKind, title: &str, html: &dyn Fn(&Shell) -> Result<String>| -> Result<Page> {
            Ok(Page { path: kind.file().into(), text: html(&Shell::new(kind, title, &site))? })
        };
        let overview = self.overview(timelines)?;
        let machine_of = |entry: &Entry| Some(self.read(entry)?.machine);
        let machines = MachinesView::of(entries, timelines, &machine_of);
        let method = MethodView::of(self.policy, self.policy_sha256, self.published);
        let peers = PeersPage::of(entries, &|entry| self.peers_part(entry));
        let mut pages = vec![
            page(PageKind::Overview, "Status", &|shell| {
                renderer.page("index.html", shell, &overview, Parts::default())
            })?,
            page(PageKind::Machines, "Machines, epochs, noise", &|shell| {
                renderer.page("machines.html", shell, &machines, Parts::default())
            })?,
            page(PageKind::Peers, "Engines side by side", &|shell| {
                renderer.page("peers.html", shell, &peers, Parts::default())
            })?,
            page(PageKind::Method, "How it is measured and judged", &|shell| {
                renderer.page("method.html", shell, &method, Parts::default())
            })?,
        ];
        let Self { published, published_series, .. } = *self;
        let history = HistorySources { timelines, published, published_series };
        pages.push(self.compare_page(&site, renderer)?);
        pages.extend(history_pages(history, &site, renderer)?);
        Ok(pages)
    }

    fn compare_page(&self, site: &Site, renderer: &Renderer) -> Result<Page> {
        let ComparePage { view, data } = ComparePage::of(&self.index.entries)?;
        let shell = Shell::new(PageKind::Compare, "Compare two runs", site);
        let parts = Parts {
            styles: vec![COMPARE_STYLE],
            scripts: data.iter().map(|_| COMPARE_SCRIPT).collect(),
            data,
            has_live_charts: false,
        };
        let html = renderer.page("compare.html", &shell, &view, parts)?;
        Ok(Page { path: PageKind::Compare.file().into(), text: html })
    }

    fn overview(&self, timelines: &[Timeline<'_>]) -> Result<OverviewView> {
        let subject_of = |entry: &Entry| Some(self.read(entry)?.subject().commit.as_ref()?.subject.clone());
        OverviewView::of(OverviewSources {
            entries: &self.index.entries,
            timelines,
            published: self.published,
            policy: self.policy,
            subject_of: &subject_of,
            damaged: self.index.damaged.len(),
            along: self.along,
            forge: self.forge,
        })
    }

    fn peers_part(&self, entry: &Entry) -> Option<PeersPart> {
        let record = self.read(entry).filter(|record| record.plan == PlanKind::Peers)?;
        Some(PeersPart::of(&record, entry, &record_file(entry).display().to_string(), ""))
    }

    /// A record, for what the index does not hold. One that cannot be read any more is none here, and is
    /// named as damaged when the index is made.
    fn read(&self, entry: &Entry) -> Option<Experiment> {
        Some(History::read(&self.history.root().join(&entry.path)).ok()?.record)
    }
}
