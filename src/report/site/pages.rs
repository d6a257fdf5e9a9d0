//! Every page of a site: which would come out otherwise, and what each is made of.

use std::path::PathBuf;

use serde_json::Value;

use crate::error::Result;
use crate::files;
use crate::files::FileKind;
use crate::judge::policy::Policy;
use crate::record::{
    Ancestry, Entry, Experiment, History, Index, PlanKind, PublishedReference, PublishedSeries,
    sha256_of_bytes,
};
use crate::report::number::counted;
use crate::report::render::{Page, PageKind, Parts, Renderer, Site};
use crate::report::site::commits::{CommitPage, CommitPages, record_file};
use crate::report::site::folder::{SiteFolder, Written};
use crate::report::view::bisect::bisects_page;
use crate::report::view::commit::Neighbours;
use crate::report::view::compare::ComparePage;
use crate::report::view::history::{HistoryPage, HistorySources};
use crate::report::view::machines::machines_page;
use crate::report::view::method::method_page;
use crate::report::view::overview::{OverviewSources, overview_page};
use crate::report::view::peers::{arms_page, arms_part};
use crate::report::view::{Forge, Timeline, timelines};
use crate::report::web::{COMPARE_SCRIPT, COMPARE_STYLE, HISTORY_SCRIPTS, HISTORY_STYLE};

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

impl<'a> SiteSources<'a> {
    /// Every timeline of the records.
    pub fn timelines(&self) -> Vec<Timeline<'a>> {
        timelines(&self.index.entries, self.ancestry)
    }

    /// The pages that are made of the index, and of little else.
    ///
    /// # Errors
    /// A value that is no number, or a template that does not fit, which are faults of arcgauge.
    pub fn index_pages(&self, timelines: &[Timeline<'_>], renderer: &Renderer) -> Result<Vec<Page>> {
        let entries = &self.index.entries;
        let site = Site {
            made_of: counted(entries.len(), "record"),
            newest_utc: entries.iter().map(|entry| entry.when_utc.as_str()).max().map(str::to_owned),
            is_demo: self.is_demo,
        };
        let machine_of = |entry: &Entry| Some(self.read(entry)?.machine);
        let pages = [
            (PageKind::Overview, "Status", self.overview(timelines)?),
            (PageKind::Machines, "Machines, epochs, noise", machines_page(entries, timelines, &machine_of)),
            (PageKind::Bisects, "Bisects", bisects_page(entries, &|entry| self.read(entry))),
            (PageKind::Peers, "Engines side by side", self.arms_page(PlanKind::Peers)),
            (PageKind::Kv, "Changes of the KV cache", self.arms_page(PlanKind::Kv)),
            (
                PageKind::Method,
                "How it is measured and judged",
                method_page(self.policy, self.policy_sha256, self.published),
            ),
        ];
        let page =
            |(kind, title, view): (_, &str, _)| renderer.page(kind, title, &site, &view, Parts::default());
        let mut pages = pages.into_iter().map(page).collect::<Result<Vec<Page>>>()?;
        let ComparePage { view, data } = ComparePage::of(entries)?;
        let parts = Parts {
            styles: vec![COMPARE_STYLE],
            scripts: data.iter().map(|_| COMPARE_SCRIPT).collect(),
            data,
            has_live_charts: false,
        };
        pages.push(renderer.page(PageKind::Compare, "Compare two runs", &site, &view, parts)?);
        let Self { published, published_series, .. } = *self;
        let history = HistorySources { timelines, published, published_series };
        pages.extend(history_pages(history, &site, renderer)?);
        Ok(pages)
    }

    fn overview(&self, timelines: &[Timeline<'_>]) -> Result<Value> {
        let subject_of = |entry: &Entry| Some(self.read(entry)?.subject().commit.as_ref()?.subject.clone());
        overview_page(OverviewSources {
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

    fn arms_page(&self, plan: PlanKind) -> Value {
        arms_page(&self.index.entries, plan, &|entry| {
            let record = self.read(entry).filter(|record| record.plan == plan)?;
            Some(arms_part(&record, entry, &record_file(entry).display().to_string()))
        })
    }

    /// A record, for what the index does not hold. One that cannot be read any more is none here, and is
    /// named as damaged when the index is made.
    fn read(&self, entry: &Entry) -> Option<Experiment> {
        Some(History::read(&self.history.root().join(&entry.path)).ok()?.record)
    }
}

fn history_pages(sources: HistorySources<'_>, site: &Site, renderer: &Renderer) -> Result<Vec<Page>> {
    let history = HistoryPage::of(sources)?;
    let parts = Parts {
        styles: vec![HISTORY_STYLE],
        scripts: HISTORY_SCRIPTS.to_vec(),
        data: Some(history.data),
        has_live_charts: true,
    };
    let page = renderer.page(PageKind::History, "Trends", site, &history.view, parts)?;
    let files = history.csv_files.into_iter().map(|(path, text)| Page { path, text });
    Ok([page].into_iter().chain(files).collect())
}

/// How a site is made.
pub struct MakeOptions<'a> {
    /// Its folder.
    pub output: PathBuf,
    /// Make every file, also those that are there.
    pub render_all: bool,
    /// The hash of the program that makes it: another one may render the same records otherwise.
    pub program_sha256: &'a str,
    /// Called with the commits done and all of them.
    pub progress: &'a mut dyn FnMut(usize, usize),
}

/// Makes the site of these records.
///
/// # Errors
/// When a file cannot be read or written; what stands in the folder is whole pages.
pub fn make_site(sources: SiteSources<'_>, renderer: &Renderer, options: MakeOptions<'_>) -> Result<Written> {
    let mut folder = SiteFolder::open(options.output, options.render_all)?;
    let timelines = sources.timelines();
    for page in sources.index_pages(&timelines, renderer)? {
        // They are made of every record, so they are made each time.
        let sha256 = sha256_of_bytes(page.text.as_bytes());
        folder.provide(&page.path, sha256, || Ok(page.text.clone().into_bytes()))?;
    }
    let commits = CommitPages::of(&sources.index.entries, &timelines, sources.forge);
    let identity = format!("{} {}", options.program_sha256, renderer.identity());
    for (done, page) in commits.pages().enumerate() {
        (options.progress)(done, commits.count());
        let file = |entry: &Entry| sources.history.root().join(&entry.path);
        let sha256s = page.entries.iter().map(|entry| History::payload_sha256(&file(entry)));
        let sha256s: Vec<String> = sha256s.collect::<Result<_>>()?;
        let made_of = sources_of(&page, &sha256s, &identity, sources.is_demo);
        folder.provide(&page.path, made_of, || {
            Ok(page.make(sources.history, sources.is_demo, renderer)?.text.into_bytes())
        })?;
        for (entry, sha256) in page.entries.iter().zip(sha256s) {
            folder.provide(&record_file(entry), sha256, || files::read(&file(entry), FileKind::Record))?;
        }
    }
    folder.close()
}

/// A hash over all that a commit's page is made of.
fn sources_of(page: &CommitPage<'_>, sha256s: &[String], identity: &str, is_demo: bool) -> String {
    let Neighbours { previous, next, forge } = page.neighbours;
    let mut all = vec![identity.to_owned(), is_demo.to_string()];
    all.extend([previous, next, forge.map(Forge::template)].map(|it| it.unwrap_or_default().to_owned()));
    all.push(page.linked.join(" "));
    for ((entry, before), sha256) in page.entries.iter().zip(&page.before).zip(sha256s) {
        all.push(format!("{sha256} {}", entry.origin.in_words()));
        all.push(entry.path.display().to_string());
        // Of the commit before the page takes what the index says.
        all.push(format!("{before:?}"));
    }
    sha256_of_bytes(all.join("\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_scripts_are_small() {
        let own: usize = HISTORY_SCRIPTS.iter().map(|script| script.len()).sum();
        // With the chart library, which has 53,000 bytes, no more than 100,000.
        assert!(own <= 46_000, "{own}");
    }
}
