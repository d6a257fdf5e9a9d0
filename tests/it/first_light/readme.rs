//! The README's list of what was never run on an Intel GPU is the list of claims.

use std::collections::BTreeSet;
use std::fs;

use arcgauge::judge::first_light::CLAIMS;

use crate::checkout::repository;

const SECTION: &str = "## Never run on an Intel GPU";

#[test]
fn the_readme_names_every_claim_and_no_other() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
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
