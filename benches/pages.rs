//! The first page and the page of the history, from the index of 500 and of 10,000 commits.
//!
//! `cargo bench --bench pages` prints what they weigh and warns where both together take longer than two
//! seconds.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use arcgauge::gate::{Strictness, decide};
use arcgauge::judge::policy::Policy;
use arcgauge::record::{
    Ancestry, Entry, Experiment, History, Index, PublishedReference, PublishedSeries, sha256_of_bytes,
};
use arcgauge::report::demo::{DemoDecisions, DemoInputs, DemoPlan, commits, records};
use arcgauge::report::render::Renderer;
use arcgauge::report::site::SiteSources;
use arcgauge::report::web::ChartLibrary;
use criterion::{Criterion, criterion_group, criterion_main};

/// Commits of the histories.
const SIZES: [usize; 2] = [500, 10_000];
/// Both pages together must be made in less.
const LONGEST: Duration = Duration::from_secs(2);
const POLICY: &str = include_str!("../ci/gate.json");
const PUBLISHED: &str = include_str!("../fixtures/baselines/published.json");

/// What the pages are made of.
struct Scene {
    index: Index,
    ancestry: Ancestry,
    policy: Policy,
    published: PublishedReference,
    series: Vec<PublishedSeries>,
    policy_sha256: String,
    renderer: Renderer,
}

impl Scene {
    fn of(count: usize) -> Self {
        let policy = Policy::parse(POLICY, "ci/gate.json").unwrap();
        let published = PublishedReference::parse(PUBLISHED).unwrap();
        let judged = |record: &Experiment, utc: &str| DemoDecisions {
            decision: decide(record, &policy, utc, Strictness::Ab),
            gate_decision: decide(record, &policy, utc, Strictness::Gate),
        };
        let inputs = DemoInputs { policy_text: POLICY, published: &published, decide: &judged };
        let plan = DemoPlan { machines: 1, ..DemoPlan::of_commits(count) };
        let records = records(plan, inputs).unwrap();
        let entries = records.map(|record| Entry::of(PathBuf::from("record.json"), &record)).collect();
        let library = ChartLibrary::folder().and_then(|folder| ChartLibrary::load(&folder));
        Self {
            index: Index { entries, ..Index::default() },
            ancestry: Ancestry::of_line(commits(&plan).into_iter().rev().map(|commit| commit.sha)),
            series: PublishedSeries::parse(PUBLISHED).unwrap(),
            policy_sha256: sha256_of_bytes(POLICY.as_bytes()),
            renderer: Renderer::new(library).unwrap(),
            published,
            policy,
        }
    }

    /// The bytes of all pages of the index.
    fn make(&self) -> usize {
        // No record is there to be read: what the index does not hold is left out.
        let history = History::at(PathBuf::from("no store"));
        let sources = SiteSources {
            history: &history,
            index: &self.index,
            ancestry: &self.ancestry,
            along: None,
            forge: None,
            policy: &self.policy,
            policy_sha256: &self.policy_sha256,
            published: &self.published,
            published_series: &self.series,
            is_demo: true,
        };
        let timelines = sources.timelines();
        sources.index_pages(&timelines, &self.renderer).unwrap().iter().map(|page| page.text.len()).sum()
    }
}

fn pages(criterion: &mut Criterion) {
    for commits in SIZES {
        let scene = Scene::of(commits);
        let start = Instant::now();
        let bytes = scene.make();
        let took = start.elapsed();
        report(&format!("{commits} commits: {:.2} MB of pages and CSV in {took:.2?}", bytes as f64 / 1e6));
        if took >= LONGEST {
            report(&format!("warning: the pages of {commits} commits take {took:.2?}"));
        }
        let mut group = criterion.benchmark_group("pages");
        group.sample_size(10);
        group.bench_function(format!("{commits} commits"), |bencher| bencher.iter(|| scene.make()));
        group.finish();
    }
}

#[expect(clippy::print_stderr, reason = "a bench talks")]
fn report(line: &str) {
    eprintln!("{line}");
}

criterion_group!(benches, pages);
criterion_main!(benches);
