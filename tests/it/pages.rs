//! Every kind of page in the browser: at every width, light and dark, with JavaScript and without it, it is
//! whole, asks for nothing, and can be used with a keyboard alone.

use std::fs;
use std::path::{Path, PathBuf};

use arcgauge::record::{Ancestry, History, Outcome, Verdict};
use arcgauge::report::render::Renderer;

use crate::browser::{self, Look};
use crate::checkout::repository;
use crate::demo_site::{DemoSite, Making, chart_library, demo_site, make};

/// Of the site itself.
const OF_THE_SITE: [&str; 8] = [
    "index.html",
    "history.html",
    "compare.html",
    "bisects.html",
    "peers.html",
    "kv.html",
    "machines.html",
    "method.html",
];

/// More than a page has to reach, so that it is reported what is not reached.
const TABS: u32 = 1_000;

fn faultless(look: &Look) {
    let Some(browser) = browser::here() else { return };
    let looks = browser.look(look);
    looks.are_faultless();
    for seen in &looks.looks {
        // A page without any link would be none of ours.
        let is_reached = look.tabs == 0 || (6..TABS).contains(&seen.tabbed);
        assert!(is_reached, "{}: {} are reached", seen.page, seen.tabbed);
    }
}

fn everywhere(pages: &[impl AsRef<Path>]) -> Look {
    Look { tabs: TABS, ..Look::at(pages) }
}

/// Of commits: with an A/B, and with whatever a run may come to.
fn pages_of_commits(site: &DemoSite) -> [PathBuf; 5] {
    [
        site.commit_with(|entry| entry.verdict() == Some(Verdict::Regressed)),
        site.commit_with(|entry| entry.verdict() == Some(Verdict::InvalidEnvironment)),
        site.commit_with(|entry| entry.outcome == Outcome::WrongOutput),
        site.commit_with(|entry| entry.outcome == Outcome::Failed),
        site.commit_with(|entry| entry.commit.as_ref().is_some_and(|commit| commit.dirty)),
    ]
}

#[test]
fn the_pages_of_the_whole_history_are_faultless() {
    let site = demo_site();
    faultless(&everywhere(&OF_THE_SITE.map(|name| site.page(name))));
}

#[test]
fn without_the_chart_library_the_history_is_faultless_as_well() {
    // Without JavaScript it is the page with the library.
    let site = demo_site();
    let pages = [site.plain_page("history.html")];
    faultless(&Look { javascript: vec![true], widths: vec![320, 1440], ..everywhere(&pages) });
}

#[test]
fn the_page_of_a_commit_is_faultless_whatever_became_of_it() {
    faultless(&everywhere(&pages_of_commits(&demo_site())));
}

#[test]
#[ignore = "heavy: axe takes half a minute for the long tables"]
fn what_is_folded_away_is_faultless_when_it_is_opened() {
    let site = demo_site();
    let mut pages = pages_of_commits(&site).to_vec();
    pages.truncate(3);
    pages.push(site.plain_page("history.html"));
    let opened = pages.iter().map(|page| {
        let text = fs::read_to_string(page).unwrap();
        assert!(text.contains("<details"), "nothing of {} is folded away", page.display());
        let name = page.file_stem().unwrap().to_str().unwrap();
        let beside = page.with_file_name(format!("{name}-opened.html"));
        fs::write(&beside, text.replace("<details open", "<details").replace("<details", "<details open"))
            .unwrap();
        beside
    });
    let opened: Vec<PathBuf> = opened.collect();
    // Of long tables each commit is a link, and the keyboard has its turn on the folded pages.
    faultless(&Look { widths: vec![320], schemes: vec!["light"], tabs: 0, ..everywhere(&opened) });
}

#[test]
fn the_pages_of_a_store_without_records_are_faultless() {
    let folder = tempfile::tempdir().unwrap();
    let store = History::at(folder.path().join("store"));
    let (making, index, ancestry) = (Making::of(repository()), store.index(), Ancestry::of_line([]));
    let site = folder.path().join("site");
    let renderer = Renderer::new(Some(chart_library())).unwrap();
    make(making.sources(&store, &index, &ancestry), &renderer, site.clone());
    faultless(&everywhere(&OF_THE_SITE.map(|name| site.join(name))));
}
