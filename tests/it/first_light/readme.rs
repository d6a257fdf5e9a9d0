//! The README's list of what was never run on an Intel GPU is the list of claims, and its table of what ran
//! where is the one that `first-light` prints.

use std::collections::BTreeSet;
use std::fs;

use arcgauge::judge::first_light::CLAIMS;
use arcgauge::report::first_light::WHAT_RAN_WHERE;

use crate::checkout::repository;

const SECTION: &str = "## Never run on an Intel GPU";

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).unwrap()
}

#[test]
fn the_readme_says_near_its_top_what_ran_where_as_first_light_does() {
    let section = readme().split_once("## What ran where\n\n").expect("the section is gone").1.to_owned();
    assert!(
        section.starts_with(&format!("{WHAT_RAN_WHERE}\n")),
        "copy src/report/first_light/what_ran_where.md"
    );
    let before = readme().split("## What ran where").next().unwrap().matches("\n## ").count();
    assert_eq!(before, 1, "only the two commands come before it");
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
fn the_readme_names_every_claim_and_no_other() {
    let readme = readme();
    let section = readme.split_once(SECTION).expect("the section is gone").1;
    let section = section.split("\n## ").next().unwrap();
    let items = section.split("\n- ").skip(1);
    // Each item begins with the ids of its claims.
    let named: Vec<&str> = items
        .flat_map(|item| item.split_once(": ").expect("ids, a colon, words").0.split('`').skip(1).step_by(2))
        .collect();
    let in_readme: BTreeSet<&str> = named.iter().copied().collect();
    let claims: BTreeSet<&str> = CLAIMS.iter().map(|claim| claim.id).collect();
    assert_eq!(in_readme, claims);
    assert_eq!(named.len(), claims.len(), "each is named once");
}
