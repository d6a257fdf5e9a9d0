//! `docs/gpu.md` lists the claims of `first-light` and has the table of what ran where that it prints; the README says
//! in its first paragraph that nothing ran on an Arc.

use std::collections::BTreeSet;
use std::fs;

use arcgauge::judge::first_light::CLAIMS;
use arcgauge::report::first_light::WHAT_RAN_WHERE;

use crate::checkout::repository;

fn page(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

#[test]
fn the_readme_says_in_its_first_paragraph_that_nothing_ran_on_an_arc() {
    let readme = page("README.md");
    let first = readme.split("\n\n").nth(1).unwrap().replace('\n', " ");
    assert!(first.contains("**Nothing has run on an Intel Arc yet.**"), "{first}");
}

#[test]
fn the_page_on_the_gpu_has_the_table_that_first_light_prints() {
    let table = format!("## What ran where\n\n{WHAT_RAN_WHERE}\n");
    assert!(page("docs/gpu.md").contains(&table), "copy src/report/first_light/what_ran_where.md");
}

#[test]
fn every_capability_has_one_of_the_three_kinds_of_evidence_or_none() {
    let rows: Vec<&str> = WHAT_RAN_WHERE.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 20, "{WHAT_RAN_WHERE}");
    for row in rows {
        let evidence = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        let kind = evidence.split(':').next().unwrap();
        assert!(["Arc", "GPU plugin", "fixtures", "none"].contains(&kind), "{row}");
    }
}

#[test]
fn the_page_on_the_gpu_names_every_claim_and_no_other() {
    let page = page("docs/gpu.md");
    let items = page.split("\n- ").skip(1);
    // Each item begins with the ids of its claims.
    let named: Vec<&str> = items
        .flat_map(|item| item.split_once(": ").expect("ids, a colon, words").0.split('`').skip(1).step_by(2))
        .collect();
    let in_page: BTreeSet<&str> = named.iter().copied().collect();
    let claims: BTreeSet<&str> = CLAIMS.iter().map(|claim| claim.id).collect();
    assert_eq!(in_page, claims);
    assert_eq!(named.len(), claims.len(), "each is named once");
}
