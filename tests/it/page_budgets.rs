//! What the pages of a long history weigh: whoever opens them waits for every byte. How long they take is
//! measured by `cargo bench --bench pages`.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use arcgauge::gate::{Strictness, decide};
use arcgauge::judge::policy::Policy;
use arcgauge::record::{Ancestry, Entry, EntryCommit, Experiment, History, Index};
use arcgauge::report::demo::{DemoDecisions, DemoInputs, DemoPlan, commits, records};
use arcgauge::report::render::Renderer;

use crate::checkout::repository;
use crate::demo_site::{Making, chart_library};
use crate::forged::published;
use crate::forged_pairs::policy_text;

/// Records are costly to invent, so a longer line has each of them several times, on commits of its own.
const INVENTED: usize = 500;

fn entries(count: usize) -> Vec<Entry> {
    let (text, published) = (policy_text(), published());
    let policy = Policy::parse(&text, "ci/gate.json").unwrap();
    let judge = |record: &Experiment, judged_utc: &str| DemoDecisions {
        decision: decide(record, &policy, judged_utc, Strictness::Ab),
        gate_decision: decide(record, &policy, judged_utc, Strictness::Gate),
    };
    let inputs = DemoInputs { policy_text: &text, published: &published, decide: &judge };
    let (short, long) = (DemoPlan::of_commits(INVENTED), DemoPlan::of_commits(count));
    let shas: Vec<String> = commits(&short).into_iter().map(|commit| commit.sha).collect();
    let invented: Vec<Entry> =
        records(short, inputs).unwrap().map(|record| Entry::of("record.json".into(), &record)).collect();
    let of_commit = |sha: &str| -> Vec<&Entry> {
        invented
            .iter()
            .filter(|entry| entry.commit.as_ref().is_some_and(|commit| commit.sha == sha))
            .collect()
    };
    let by_commit: Vec<Vec<&Entry>> = shas.iter().map(|sha| of_commit(sha)).collect();
    let stretched = commits(&long).into_iter().enumerate().flat_map(|(at, commit)| {
        let entries = by_commit[at * INVENTED / count].iter().enumerate();
        let entries: Vec<Entry> = entries
            .map(|(place, entry)| Entry {
                run_id: format!("{:012x}", at * 10 + place),
                when_utc: commit.author_date_utc.clone(),
                commit: Some(EntryCommit {
                    sha: commit.sha.clone(),
                    author_date_utc: commit.author_date_utc.clone(),
                    dirty: entry.commit.as_ref().unwrap().dirty,
                    first_parent: commit.parents.first().cloned(),
                }),
                ..(*entry).clone()
            })
            .collect();
        entries
    });
    stretched.collect()
}

/// The pages of so many commits, by name.
fn pages(count: usize) -> impl Fn(&str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let store = History::at(folder.path().join("store"));
    let index = Index { entries: entries(count), ..Index::default() };
    let line = commits(&DemoPlan::of_commits(count)).into_iter().rev().map(|commit| commit.sha);
    let (making, ancestry) = (Making::of(repository()), Ancestry::of_line(line));
    let sources = making.sources(&store, &index, &ancestry);
    let timelines = sources.timelines();
    let points = timelines.iter().map(|timeline| timeline.points.len()).max().unwrap();
    assert!(points > count * 9 / 10, "{points} of {count} commits are on the longest line");
    let pages = sources.index_pages(&timelines, &Renderer::new(Some(chart_library())).unwrap()).unwrap();
    move |name| {
        let page = pages.iter().find(|page| page.path.to_str() == Some(name));
        page.unwrap_or_else(|| panic!("no {name}")).text.clone()
    }
}

/// The bytes that a server sends of a text.
fn compressed(text: String) -> usize {
    let mut gzip =
        Command::new("gzip").arg("-9").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = gzip.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = gzip.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout.len()
}

#[test]
#[ignore = "heavy: half a minute"]
fn the_pages_of_ten_thousand_commits_are_no_burden() {
    let (few, many) = (pages(500), pages(10_000));
    for (name, most) in [
        ("index.html", 250_000),
        ("history.html", 4_000_000),
        ("machines.html", 250_000),
        ("method.html", 100_000),
        ("compare.html", 400_000),
    ] {
        let (few, many) = (few(name).len(), many(name).len());
        assert!(
            many <= most,
            "{name} has {few} bytes of 500 commits and {many} of 10,000; {most} is the most"
        );
    }
    let history = many("history.html");
    // What a commit costs, and not what the test has of them.
    assert!(history.len() > few("history.html").len() * 2);
    let sent = compressed(history);
    assert!(sent <= 500_000, "{sent} bytes are sent of history.html");
}
