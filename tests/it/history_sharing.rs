//! Records shared over git: nothing is lost however many push, and nothing of the user's is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use arcgauge::record::{Experiment, History, Relay, run_id};

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::forged;
use crate::history_index::verified;

/// A checkout with a commit, and a bare repository as its `origin`.
fn scene() -> (Checkout, PathBuf) {
    let checkout = Checkout::new();
    checkout.commit();
    let remote = checkout.lock().with_file_name("remote.git");
    checkout.git(&["init", "--quiet", "--bare", remote.to_str().unwrap()]);
    checkout.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    (checkout, remote)
}

/// Runs `history` with a cache folder of this user's own.
fn history(checkout: &Checkout, user: &str, words: &[&str]) -> Ended {
    let mut command = checkout.command(["history"].iter().chain(words));
    let cache = checkout.lock().with_file_name(format!("cache of {user}"));
    // As inside a hook: all of it names a repository that is not meant.
    command.env("XDG_CACHE_HOME", cache).env("GIT_DIR", "/nowhere").env("GIT_INDEX_FILE", "/nowhere/index");
    Ended::of(command.output().unwrap())
}

fn files_of_branch(checkout: &Checkout, remote: &Path) -> usize {
    let remote = remote.to_str().unwrap();
    checkout.git(&["--git-dir", remote, "ls-tree", "-r", "--name-only", "arcgauge-history"]).lines().count()
}

#[test]
fn what_one_pushes_another_pulls_and_nothing_of_the_users_is_touched() {
    let (checkout, remote) = scene();
    fs::write(checkout.path("staged"), "not committed").unwrap();
    checkout.git(&["add", "staged"]);
    let state = || {
        let status = checkout.git(&["status", "--porcelain=v2", "--branch"]);
        (status, checkout.git(&["for-each-ref"]), fs::read(checkout.path(".git/index")).unwrap())
    };
    let path = forged::store(&checkout, &verified("00000000000a"));
    History::at(checkout.path("reports/history")).add(&forged::ab_record()).unwrap();
    let before = state();
    let push = history(&checkout, "one", &["push"]);
    push.exits(0).says("2 records added to `arcgauge-history` of `origin`, 0 there already, 0 refused");
    assert_eq!(files_of_branch(&checkout, &remote), 2);
    history(&checkout, "one", &["push"]).exits(0).says("0 records added").says("2 there already");
    let pull = history(&checkout, "two", &["pull", "--store", "theirs"]);
    pull.exits(0).says("2 records taken from `arcgauge-history`, 0 there already, 0 refused");
    checkout.run(["history", "list", "--store", "theirs"]).prints(" pulled from origin/arcgauge-history");
    let taken = checkout.path("theirs/a-machine").join("5".repeat(40)).join(path.file_name().unwrap());
    assert_eq!(fs::read(taken).unwrap(), fs::read(path).unwrap());
    history(&checkout, "two", &["pull", "--store", "theirs"]).exits(0).says("2 there already");
    fs::remove_dir_all(checkout.path("theirs")).unwrap();
    assert_eq!(state(), before);
    let parents = checkout.git(&["--git-dir", remote.to_str().unwrap(), "rev-list", "arcgauge-history"]);
    assert_eq!(parents.lines().count(), 1, "the branch has no parent but records");
}

#[test]
fn two_pushers_of_a_hundred_records_leave_two_hundred() {
    // Each pushes twenty times five records: a push takes a dozen processes.
    let (checkout, remote) = scene();
    let pusher = |user: usize| {
        let store = History::at(checkout.lock().with_file_name(format!("store {user}")));
        let cache = checkout.lock().with_file_name(format!("cache {user}"));
        let mut retries = 0;
        for _ in 0..20 {
            for _ in 0..5 {
                store.add(&Experiment { run_id: run_id(), ..forged::record() }).unwrap();
            }
            let relay = Relay::to(&checkout.path(""), &cache, "origin", "arcgauge-history").unwrap();
            let pushed = relay.push(&store).unwrap();
            assert_eq!((pushed.added.len(), pushed.refused.len()), (5, 0));
            retries += pushed.retries;
        }
        retries
    };
    let retries: u32 = thread::scope(|scope| {
        let pushers: Vec<_> = (0..2).map(|user| scope.spawn(move || pusher(user))).collect();
        pushers.into_iter().map(|pusher| pusher.join().unwrap()).sum()
    });
    assert_eq!(files_of_branch(&checkout, &remote), 200);
    assert!(retries > 0, "they never met: the test shows nothing");
    history(&checkout, "three", &["pull"]).exits(0).says("200 records taken");
}

#[test]
fn what_is_damaged_is_pushed_by_nobody_and_taken_by_nobody() {
    let (checkout, _) = scene();
    let whole = forged::store(&checkout, &verified("00000000000a"));
    let cut = whole.with_file_name("20261123T044920Z-00000000000c.json");
    fs::write(&cut, &fs::read(&whole).unwrap()[..900]).unwrap();
    history(&checkout, "one", &["push"])
        .exits(20)
        .says("1 records added")
        .says("00000000000c.json` is altered");

    // Others write what they like to the branch.
    let git = |words: &[&str]| checkout.git(words);
    let ours = git(&["rev-parse", "HEAD"]);
    git(&["fetch", "--quiet", "origin", "arcgauge-history"]);
    git(&["checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"]);
    let theirs = checkout.path("a-machine").join("5".repeat(40));
    fs::copy(&cut, theirs.join(cut.file_name().unwrap())).unwrap();
    fs::create_dir(checkout.path("elsewhere")).unwrap();
    fs::copy(&whole, checkout.path("elsewhere/misplaced.json")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", theirs.join("link.json")).unwrap();
    git(&["add", "--force", "a-machine", "elsewhere"]);
    git(&["commit", "--quiet", "--message", "Mischief"]);
    git(&["push", "--quiet", "origin", "HEAD:arcgauge-history"]);
    git(&["checkout", "--quiet", "--force", "--detach", ours.trim()]);
    let pull = history(&checkout, "two", &["pull", "--store", "theirs"]);
    pull.exits(20).says("1 records taken from `arcgauge-history`, 0 there already, 3 refused");
    pull.says("link.json` of the branch is not taken: it is a link");
    pull.says("00000000000c.json` is altered").says("misplaced.json` belongs at `a-machine/");
    assert_eq!(History::at(checkout.path("theirs")).files().len(), 1);
}

#[test]
fn a_remote_that_is_not_there_or_would_be_a_flag_is_refused() {
    let (checkout, remote) = scene();
    forged::store(&checkout, &forged::record());
    for hostile in ["--upload-pack=touch pwned", "-x", ""] {
        history(&checkout, "one", &["push", "--remote", hostile])
            .refuses("is no name of a remote", "--remote");
        history(&checkout, "one", &["pull", "--branch", hostile])
            .refuses("is no name of a branch", "--branch");
    }
    for hostile in ["a..b", "a b", "refs/heads/../x", "a\nb", "@{-1}", "a:b"] {
        history(&checkout, "one", &["push", "--branch", hostile])
            .refuses("is no name of a branch", "--branch");
    }
    history(&checkout, "one", &["push", "--remote", "upstream"])
        .refuses("has no remote `upstream`", "git remote -v");
    history(&checkout, "one", &["push", "--remote", "ext::touch pwned"]).exits(20).says("error: `git");
    history(&checkout, "one", &["pull"]).refuses("has no branch `arcgauge-history`", "history push");
    fs::rename(&remote, remote.with_extension("gone")).unwrap();
    for verb in ["push", "pull"] {
        history(&checkout, "one", &[verb]).exits(20).says("error: `git").says("hint: see that the remote");
    }
    assert!(!checkout.path("pwned").exists());
}
