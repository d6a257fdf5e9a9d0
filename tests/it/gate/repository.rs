//! The repository that the gate is called in, in any state.

use std::fs;

use super::{ab_of, checkout, commit, keep};
use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::git_repository::git_in;

#[test]
fn a_tree_with_changes_is_refused_and_its_commit_can_be_named() {
    let (checkout, sha) = checkout();
    keep(&checkout, &ab_of(&sha, 0.0));
    checkout.run(["gate"]).exits(0);
    fs::write(checkout.path("new"), "").unwrap();
    let changes = format!("has changes over {}, and a gate judges commits", &sha[..12]);
    checkout.run(["gate"]).refuses(&changes, "`--head HEAD`");
    checkout.run(["gate", "--head", "HEAD"]).exits(0);
    fs::remove_file(checkout.path("new")).unwrap();
    fs::write(checkout.path("ci/gate.json"), "{}").unwrap();
    checkout.run(["gate"]).refuses(&changes, "commit or stash them");
}

#[test]
fn without_a_repository_or_a_commit_there_is_nothing_to_judge() {
    let checkout = Checkout::new();
    checkout.run(["gate"]).refuses("no git repository", "git");
    checkout.git(&["init", "--quiet"]);
    checkout.run(["gate"]).refuses("no commit", "git commit");
}

#[test]
fn a_detached_head_is_a_commit_like_any_other() {
    let (checkout, sha) = checkout();
    keep(&checkout, &ab_of(&sha, 5.0));
    checkout.git(&["checkout", "--quiet", "--detach"]);
    checkout.run(["gate"]).exits(10);
}

#[test]
fn a_shallow_clone_says_how_to_fetch_a_base_that_it_lacks() {
    let (checkout, base) = checkout();
    let head = commit(&checkout, "head");
    let mut record = ab_of(&head, 0.0);
    record.arms[0].commit.as_mut().unwrap().sha.clone_from(&base);
    record.inputs.merge_base = Some(base);
    keep(&checkout, &record);
    let around = tempfile::tempdir().unwrap();
    let from = format!("file://{}", checkout.path("").display());
    git_in(around.path(), &["clone", "--quiet", "--depth", "1", &from, "shallow"]);
    let store = checkout.path("reports/history");
    let gate = |more: &[&str]| {
        let mut command = checkout.command(["gate", "--store", store.to_str().unwrap()]);
        Ended::of(command.args(more).current_dir(around.path().join("shallow")).output().unwrap())
    };
    gate(&[]).refuses("is not there", "git fetch --unshallow");
    gate(&["--base", "HEAD~1"]).refuses("a shallow clone", "git fetch --unshallow");
}

#[test]
fn a_checked_out_merge_names_the_head_that_can_be_judged() {
    let (checkout, _) = checkout();
    checkout.git(&["branch", "--move", "main"]);
    checkout.git(&["checkout", "--quiet", "-b", "topic"]);
    let head = commit(&checkout, "head");
    checkout.git(&["checkout", "--quiet", "main"]);
    let base = commit(&checkout, "base");
    checkout.git(&["checkout", "--quiet", "--detach"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "--message", "Merge", "topic"]);
    let mut record = ab_of(&head, 5.0);
    record.arms[0].commit.as_mut().unwrap().sha = base;
    keep(&checkout, &record);
    let merge = checkout.git(&["rev-parse", "HEAD"]);
    let ended = checkout.run(["gate"]);
    ended.exits(20).says(&format!("nothing was measured of commit {}", &merge[..12]));
    ended.says(&format!("it merges {}; judge that with `--head {}`", &head[..12], &head[..12]));
    checkout.run(["gate", "--head", &head[..12]]).exits(10);
}
