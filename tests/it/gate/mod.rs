//! The gate as it is called, in a checkout of its own, on records that were put into its store.

mod baseline;
mod calibration;
mod found;
mod github;
mod origin;
mod replay;
mod repository;
mod verdicts;

use std::fs;
use std::path::PathBuf;

use arcgauge::record::Experiment;
use git2::{ObjectType, Repository, Signature, Time};

use crate::checkout::{self, Checkout};
use crate::forged_pairs::{self, ab, around, head_alone, judge, policy_text};

const PUBLISHED: &str = "fixtures/baselines/published.json";

/// A checkout with the shipped policy, published values and goldens of forged records, and one commit, and that commit's
/// sha.
pub(crate) fn checkout() -> (Checkout, String) {
    let checkout = Checkout::new();
    let baselines = checkout.path(PUBLISHED).with_file_name("");
    fs::remove_file(checkout.path("fixtures/baselines")).unwrap();
    fs::create_dir(baselines).unwrap();
    fs::write(checkout.path(PUBLISHED), published()).unwrap();
    fs::remove_file(checkout.path("fixtures/golden")).unwrap();
    for golden in forged_pairs::goldens() {
        golden.save(&checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap();
    }
    let sha = checkout.commit();
    base_in(&Repository::open(checkout.path("")).unwrap(), &policy_text());
    (checkout, sha)
}

/// The prompts of forged records, as a file.
fn published() -> String {
    serde_json::to_string_pretty(&ab(&[]).published.unwrap()).unwrap()
}

/// The commit that forged heads are judged against: it has this policy, and so the same sha in every repository.
pub(crate) fn base_in(repository: &Repository, policy: &str) -> String {
    let blob = |text: &str| repository.blob(text.as_bytes()).unwrap();
    let folder = |name: &str, object, kind: ObjectType| {
        let mut tree = repository.treebuilder(None).unwrap();
        tree.insert(name, object, if kind == ObjectType::Tree { 0o040_000 } else { 0o100_644 }).unwrap();
        tree.write().unwrap()
    };
    let baselines = folder("published.json", blob(&published()), ObjectType::Blob);
    let mut goldens = repository.treebuilder(None).unwrap();
    for golden in forged_pairs::goldens() {
        let text = serde_json::to_string(&golden).unwrap();
        goldens.insert(format!("{}.json", golden.prompt_id), blob(&text), 0o100_644).unwrap();
    }
    let goldens = folder("tiny-gpt-oss", goldens.write().unwrap(), ObjectType::Tree);
    let mut fixtures = repository.treebuilder(None).unwrap();
    fixtures.insert("baselines", baselines, 0o040_000).unwrap();
    fixtures.insert("golden", goldens, 0o040_000).unwrap();
    let mut root = repository.treebuilder(None).unwrap();
    root.insert("ci", folder("gate.json", blob(policy), ObjectType::Blob), 0o040_000).unwrap();
    root.insert("fixtures", fixtures.write().unwrap(), 0o040_000).unwrap();
    let tree = repository.find_tree(root.write().unwrap()).unwrap();
    let who = Signature::new("A Tester", "tester@localhost", &Time::new(1_700_000_000, 0)).unwrap();
    repository.commit(None, &who, &who, "The base", &tree, &[]).unwrap().to_string()
}

/// The sha of that commit.
fn base(policy: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    base_in(&Repository::init(folder.path()).unwrap(), policy)
}

/// Commits a file, and gives the sha.
fn commit(checkout: &Checkout, name: &str) -> String {
    fs::write(checkout.path(name), "").unwrap();
    checkout.git(&["add", "--all"]);
    checkout.git(&["commit", "--quiet", "--message", name]);
    checkout.git(&["rev-parse", "HEAD"]).trim().to_owned()
}

/// An A/B of this head that is so many percent slower.
fn ab_of(head: &str, slower_percent: f64) -> Experiment {
    of(head, ab(&around(slower_percent, 0.3, 5)))
}

/// The record, as one of this head, whose base has the record's policy.
pub(crate) fn of(head: &str, mut record: Experiment) -> Experiment {
    let base = base(&record.inputs.policy.text);
    record.arms[0].commit.as_mut().unwrap().sha.clone_from(&base);
    (record.inputs.from_commit, record.inputs.merge_base) = (Some(base.clone()), Some(base));
    head.clone_into(&mut record.arms[1].commit.as_mut().unwrap().sha);
    judge(&mut record);
    record
}

/// A `bench` of this commit: the head of an A/B alone.
fn run_of(sha: &str, slower_percent: f64) -> Experiment {
    head_alone(&ab_of(sha, slower_percent))
}

/// Puts a record into the checkout's store.
pub(crate) fn keep(checkout: &Checkout, record: &Experiment) -> PathBuf {
    if let Ok(repository) = Repository::open(checkout.path("")) {
        base_in(&repository, &record.inputs.policy.text);
    }
    checkout.store().add(record).unwrap()
}
