//! The pages of the invented history, in a folder of their own: with the chart library and without it. They
//! are made once for the tests that need them at the same time, and go with the last of these.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arcgauge::gate::{Strictness, decide};
use arcgauge::judge::policy::Policy;
use arcgauge::record::{
    Ancestry, Entry, Experiment, History, Index, PublishedReference, PublishedSeries, sha256_of_bytes,
};
use arcgauge::report::demo::{DemoDecisions, DemoInputs, DemoPlan, commits, fill};
use arcgauge::report::render::Renderer;
use arcgauge::report::site::{MakeOptions, SiteSources, make_site, page_of};
use arcgauge::report::web::ChartLibrary;
use tempfile::TempDir;

use crate::checkout::repository;
use crate::forged_pairs::policy_text;

static NEWEST: Mutex<Weak<DemoSite>> = Mutex::new(Weak::new());

/// The site, and what it was made of.
pub(crate) struct DemoSite {
    folder: TempDir,
    index: Index,
}

/// The site of this process.
///
/// # Panics
/// Where the chart library is not set up.
pub(crate) fn demo_site() -> Arc<DemoSite> {
    let mut newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
    newest.upgrade().unwrap_or_else(|| {
        let made = Arc::new(DemoSite::make());
        *newest = Arc::downgrade(&made);
        made
    })
}

impl DemoSite {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = History::at(folder.path().join("store"));
        let making = Making::of(repository());
        let judge = |record: &Experiment, judged_utc: &str| DemoDecisions {
            decision: decide(record, &making.policy, judged_utc, Strictness::Ab),
            gate_decision: decide(record, &making.policy, judged_utc, Strictness::Gate),
        };
        let (policy_text, published) = (&making.policy_text, &making.published);
        fill(&store, DemoPlan::sample(), DemoInputs { policy_text, published, decide: &judge }).unwrap();
        let index = store.index();
        let line = commits(&DemoPlan::sample()).into_iter().rev().map(|commit| commit.sha);
        let ancestry = Ancestry::of_line(line);
        let sources = SiteSources { is_demo: true, ..making.sources(&store, &index, &ancestry) };
        make(sources, &Renderer::new(Some(chart_library())).unwrap(), folder.path().join("site"));
        // Only the pages of the index differ, and the others are found from here as well.
        let plain = Renderer::new(None).unwrap();
        for page in sources.index_pages(&sources.timelines(), &plain).unwrap() {
            if page.path.extension().is_some_and(|extension| extension == "html") {
                let name = page.path.file_stem().unwrap().to_str().unwrap();
                fs::write(folder.path().join(format!("site/{name}-plain.html")), page.text).unwrap();
            }
        }
        Self { folder, index }
    }

    /// A page by the name of its file.
    #[track_caller]
    pub(crate) fn page(&self, name: &str) -> PathBuf {
        let page = self.folder.path().join("site").join(name);
        assert!(page.is_file(), "there is no {name}");
        page
    }

    /// The same as it is without the chart library.
    #[track_caller]
    pub(crate) fn plain_page(&self, name: &str) -> PathBuf {
        self.page(&name.replace(".html", "-plain.html"))
    }

    /// The page of the first commit with such a record.
    #[track_caller]
    pub(crate) fn commit_with(&self, is_meant: impl Fn(&Entry) -> bool) -> PathBuf {
        let entry = self.index.entries.iter().find(|entry| is_meant(entry)).unwrap();
        self.page(page_of(entry.commit.as_ref().map(|commit| commit.sha.as_str())).to_str().unwrap())
    }
}

/// What the checkout gives to a site.
pub(crate) struct Making {
    policy_text: String,
    policy: Policy,
    policy_sha256: String,
    published: PublishedReference,
    published_series: Vec<PublishedSeries>,
}

impl Making {
    pub(crate) fn of(checkout: &Path) -> Self {
        let published = fs::read_to_string(checkout.join("fixtures/baselines/published.json")).unwrap();
        let policy_text = policy_text();
        Self {
            policy: Policy::parse(&policy_text, "ci/gate.json").unwrap(),
            policy_sha256: sha256_of_bytes(policy_text.as_bytes()),
            policy_text,
            published: PublishedReference::parse(&published).unwrap(),
            published_series: PublishedSeries::parse(&published).unwrap(),
        }
    }

    /// Of a store that was measured.
    pub(crate) fn sources<'a>(
        &'a self,
        history: &'a History,
        index: &'a Index,
        ancestry: &'a Ancestry,
    ) -> SiteSources<'a> {
        SiteSources {
            along: None,
            forge: None,
            history,
            index,
            ancestry,
            policy: &self.policy,
            policy_sha256: &self.policy_sha256,
            published: &self.published,
            published_series: &self.published_series,
            is_demo: false,
        }
    }
}

/// Makes a site in a folder.
pub(crate) fn make(sources: SiteSources<'_>, renderer: &Renderer, output: PathBuf) {
    make_site(
        sources,
        renderer,
        MakeOptions { output, render_all: false, program_sha256: "", progress: &mut |_, _| {} },
    )
    .unwrap();
}

/// The library as it was set up.
pub(crate) fn chart_library() -> ChartLibrary {
    let library = ChartLibrary::folder().and_then(|folder| ChartLibrary::load(&folder));
    library.expect("the chart library is not set up: run `cargo xtask setup`")
}
