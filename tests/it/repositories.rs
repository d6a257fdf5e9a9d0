//! Repositories in every state that a user or continuous integration may have them in: each has its own
//! behaviour, and its own message where something is missing.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use arcgauge::gate::side::{NamedSource, changed_inputs, inputs_sha256};
use arcgauge::record::{Ancestry, Commit, CommitContext, MergeCommit, Repository, Source};

use crate::git_repository::{GitRepository, git_in, says};

fn commit_at(folder: &Path) -> Commit {
    Commit::at(folder).unwrap().unwrap()
}

#[test]
fn outside_a_repository_there_is_no_commit_and_the_message_says_where_one_could_be() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Commit::at(folder.path()).unwrap(), None);
    says(Repository::open(folder.path()).map(drop), "is in no git repository", "git clone");
}

#[test]
fn before_the_first_commit_there_is_no_commit_and_the_message_says_how_to_make_one() {
    let fixture = GitRepository::unborn();
    fixture.write("a", "1");
    assert_eq!(Commit::at(&fixture.folder()).unwrap(), None);
    let repository = fixture.open();
    for revision in ["HEAD", "main"] {
        says(repository.resolve(revision), "has no commit yet", "git commit");
    }
    says(NamedSource::WorkTree.find(&repository), "has no commit yet", "git commit");
    says(repository.mirror_work_tree(&fixture.beside("mirror")), "has no commit yet", "git commit");
    assert!(!fixture.beside("mirror").exists());
}

#[test]
fn a_format_that_cannot_be_read_is_named_with_what_can_be_read() {
    for (key, value, named, help) in [
        ("extensions.refStorage", "reftable", "`reftable`", "git refs migrate --ref-format=files"),
        ("extensions.objectFormat", "sha256", "`sha256`", "git init --object-format=sha1"),
        ("extensions.partialClone", "origin", "a partial clone", "without `--filter`"),
        ("extensions.fromTheFuture", "1", "`fromthefuture`", "git's default format"),
    ] {
        let fixture = GitRepository::with(&[("a", "1")]);
        let sha = fixture.commit("one");
        fixture.git(&["config", "core.repositoryFormatVersion", "1"]);
        // Git itself would refuse some of these, and has nothing more to do here.
        fixture.git(&["config", key, value]);
        says(Commit::at(&fixture.folder()), named, help);
        says(Repository::open(&fixture.folder()).map(drop), named, help);
        says(Ancestry::of_head(&fixture.folder()), named, help);
        says(Ancestry::of(&fixture.folder(), &sha), named, help);
    }
}

#[test]
fn an_index_that_cannot_be_read_is_named_with_the_command_that_makes_a_plain_one() {
    for (make, named, help) in [
        (&["update-index", "--split-index"][..], "a split index", "update-index --no-split-index"),
        (
            &["sparse-checkout", "set", "--cone", "--sparse-index", "in"],
            "a sparse index",
            "sparse-checkout disable",
        ),
    ] {
        let fixture = GitRepository::with(&[("in/a", "1"), ("out/b", "1")]);
        fixture.git(make);
        says(Commit::at(&fixture.folder()), named, help);
        fixture.git(&help.split(' ').collect::<Vec<_>>());
        assert!(!commit_at(&fixture.folder()).dirty);
    }
}

#[test]
fn a_tree_is_dirty_by_tracked_and_untracked_files_and_not_by_ignored_ones() {
    let dirty = |change: &dyn Fn(&GitRepository)| {
        let fixture = GitRepository::with(&[(".gitignore", "/out\n"), ("a", "1"), ("b", "1")]);
        change(&fixture);
        let commit = commit_at(&fixture.folder());
        assert_eq!(commit.dirty, commit.difference_sha256.is_some());
        assert_eq!(commit.sha, fixture.sha("HEAD"));
        commit.dirty
    };
    assert!(!dirty(&|_| {}));
    assert!(!dirty(&|fixture| fixture.write("out/x", "1")), "ignored files alone");
    assert!(!dirty(&|fixture| fixture.write("a", "1")), "written again as it was");
    assert!(dirty(&|fixture| fixture.write("a", "2")), "a tracked file, at once and of the same size");
    assert!(dirty(&|fixture| fixture.write("c", "1")), "an untracked file");
    assert!(dirty(&|fixture| fs::remove_file(fixture.path("b")).unwrap()), "a removed file");
    let executable = fs::Permissions::from_mode(0o755);
    assert!(dirty(&|fixture| fs::set_permissions(fixture.path("a"), executable.clone()).unwrap()), "a mode");
    assert!(
        dirty(&|fixture| {
            fixture.write("a", "2");
            fixture.git(&["add", "a"]);
        }),
        "a staged change"
    );
}

#[test]
fn trees_that_differ_alike_from_a_commit_have_one_difference_and_others_another() {
    let difference = |change: &dyn Fn(&GitRepository)| {
        let fixture = GitRepository::with(&[("a", "1"), ("b", "1")]);
        change(&fixture);
        commit_at(&fixture.folder()).difference_sha256.unwrap()
    };
    let all = [
        difference(&|fixture| fixture.write("a", "2")),
        difference(&|fixture| fixture.write("a", "3")),
        difference(&|fixture| fixture.write("b", "2")),
        difference(&|fixture| fixture.write("c", "2")),
        difference(&|fixture| fixture.write("c", "3")),
        difference(&|fixture| fixture.write("d/c", "2")),
        difference(&|fixture| fs::remove_file(fixture.path("a")).unwrap()),
        difference(&|fixture| symlink("2", fixture.path("c")).unwrap()),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one), "{at}");
    }
    assert_eq!(all[0], difference(&|fixture| fixture.write("a", "2")));
    assert_eq!(all[5], difference(&|fixture| fixture.write("d/c", "2")));
}

/// A model of 13 GB may lie in a checkout.
#[test]
fn a_file_of_gibibytes_over_a_commit_is_not_read() {
    for name in ["a", "an/untracked.bin"] {
        let fixture = GitRepository::with(&[("a", "1")]);
        fixture.write(name, "");
        let sized = |bytes| File::create(fixture.path(name)).unwrap().set_len(bytes).unwrap();
        sized(3 << 30);
        let began = Instant::now();
        let commit = commit_at(&fixture.folder());
        assert!(began.elapsed() < Duration::from_secs(2), "{name}: {:?}", began.elapsed());
        sized((3 << 30) + 1);
        assert_ne!(commit.difference_sha256, commit_at(&fixture.folder()).difference_sha256, "{name}");
    }
}

#[test]
fn a_branch_is_named_and_a_detached_head_has_none() {
    let fixture = GitRepository::with(&[("a", "1")]);
    let sha = fixture.sha("HEAD");
    for revision in ["HEAD", "main"] {
        let commit = fixture.open().resolve(revision).unwrap();
        assert_eq!((commit.branch.as_deref(), &commit.sha), (Some("main"), &sha), "{revision}");
    }
    assert_eq!(fixture.open().resolve("HEAD").unwrap(), commit_at(&fixture.folder()));
    fixture.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(commit_at(&fixture.folder()).branch, None);
    for revision in ["HEAD", &sha, &sha[..10]] {
        let commit = fixture.open().resolve(revision).unwrap();
        assert_eq!((commit.branch, &commit.sha), (None, &sha), "{revision}");
    }
}

#[test]
fn a_named_commit_is_clean_whatever_the_work_tree_holds() {
    let fixture = GitRepository::with(&[("a", "1")]);
    fixture.write("a", "2");
    assert!(!fixture.open().resolve("HEAD").unwrap().dirty);
    let Source::WorkTree(commit) = NamedSource::WorkTree.find(&fixture.open()).unwrap() else { panic!() };
    assert!(commit.dirty);
}

#[test]
fn a_revision_that_is_not_there_is_refused_with_the_command_that_may_bring_it() {
    let fixture = GitRepository::with(&[("a", "1")]);
    fixture.git(&["tag", "--annotate", "v1", "--message", "One"]);
    let repository = fixture.open();
    assert_eq!(repository.resolve("v1").unwrap().sha, fixture.sha("HEAD"));
    says(repository.resolve("no-such"), "revision `no-such` is not there", "git fetch");
    says(repository.resolve("HEAD~9"), "revision `HEAD~9` is not there", "git fetch");
    says(repository.resolve(&"1".repeat(40)), "is not there", "git fetch");
    says(repository.resolve("HEAD:a"), "is a blob, not a commit", "git log");
    says(repository.resolve("HEAD^{tree}"), "is a tree, not a commit", "git log");
    for revision in ["", " ", "main..main", "a b", "-x", "--output=x", "@{9999}"] {
        assert!(repository.resolve(revision).is_err(), "{revision:?}");
    }
    says(repository.merge_base("main", "main"), "`main` is no sha", "git rev-parse");

    fixture.git(&["branch", "topic"]);
    let clone = Repository::open(&fixture.cloned(&[], "clone")).unwrap();
    says(clone.resolve("topic"), "revision `topic` is not there", "`origin/topic`");
    assert_eq!(clone.resolve("origin/topic").unwrap().sha, fixture.sha("topic"));
}

#[test]
fn a_shallow_clone_names_its_parents_and_says_how_to_fetch_what_it_lacks() {
    let fixture = GitRepository::with(&[("a", "1")]);
    let first = fixture.sha("HEAD");
    fixture.git(&["branch", "topic"]);
    fixture.write("a", "2");
    let second = fixture.commit("The second");
    fixture.git(&["checkout", "--quiet", "topic"]);
    fixture.write("b", "1");
    let topic = fixture.commit("The topic");
    let folder = fixture.cloned(&["--depth", "1", "--no-single-branch"], "shallow");

    let commit = commit_at(&folder);
    assert_eq!((commit.sha.as_str(), &commit.parents[..]), (topic.as_str(), std::slice::from_ref(&first)));
    assert!(!commit.dirty);
    let repository = Repository::open(&folder).unwrap();
    says(repository.resolve("HEAD~1"), "a shallow clone", "git fetch --unshallow");
    says(repository.resolve(&first), "a shallow clone", "git fetch --unshallow");
    says(repository.merge_base(&topic, &second), "have no merge base", "git fetch --unshallow");
    says(repository.clone_at(&first, &fixture.beside("no")), "a shallow clone", "git fetch --unshallow");
    let clone = repository.clone_at(&topic, &fixture.beside("clone")).unwrap();
    assert_eq!(commit_at(clone.folder()).parents, commit.parents);
    assert_eq!(git_in(clone.folder(), &["log", "--format=%s"]), "The topic\n");
    let head = Source::Commit(repository.resolve("HEAD").unwrap());
    assert_eq!(repository.changed_between(&second, &head, &[]).unwrap(), ["a", "b"]);

    git_in(&folder, &["fetch", "--quiet", "--unshallow"]);
    let repository = Repository::open(&folder).unwrap();
    assert_eq!(repository.merge_base(&topic, &second).unwrap(), first);
    assert_eq!(repository.resolve("HEAD~1").unwrap().sha, first);
}

#[test]
fn histories_without_anything_in_common_have_no_merge_base() {
    let fixture = GitRepository::with(&[("a", "1")]);
    fixture.git(&["checkout", "--quiet", "--orphan", "other"]);
    let other = fixture.commit("Another first");
    says(fixture.open().merge_base(&other, &fixture.sha("main")), "their histories are unrelated", "--graph");
}

#[test]
fn a_merge_ref_is_seen_as_one_and_its_head_is_the_key_only_when_it_is_named() {
    let fixture = GitRepository::with(&[("a", "1")]);
    let root = fixture.sha("HEAD");
    fixture.git(&["checkout", "--quiet", "-b", "topic"]);
    fixture.write("b", "1");
    let head = fixture.commit("The head");
    fixture.git(&["checkout", "--quiet", "main"]);
    fixture.write("c", "1");
    let base = fixture.commit("The base");
    fixture.git(&["checkout", "--quiet", "--detach"]);
    fixture.git(&["merge", "--quiet", "--no-ff", "--message", "Merge", "topic"]);
    let merge = fixture.sha("HEAD");
    fixture.git(&["update-ref", "refs/pull/7/merge", &merge]);

    let seen = MergeCommit { sha: merge.clone(), base: base.clone(), head: head.clone() };
    let repository = fixture.open();
    assert_eq!(MergeCommit::of(&repository.head().unwrap()), Some(seen.clone()));
    assert_eq!(MergeCommit::of(&repository.resolve(&head).unwrap()), None);

    let named = |revision: &str| repository.resolve(revision).unwrap();
    let requested = CommitContext::around(&repository, named(&head), Some(named("main"))).unwrap();
    assert_eq!(requested.head.sha, head);
    assert_eq!(requested.base.as_ref().map(|base| &base.sha), Some(&base));
    assert_eq!((requested.merge.as_ref(), requested.merge_base.as_ref()), (Some(&merge), Some(&root)));
    let text = serde_json::to_string(&requested).unwrap();
    assert_eq!(serde_json::from_str::<CommitContext>(&text).unwrap(), requested);

    let unasked = CommitContext::around(&repository, repository.head().unwrap(), None).unwrap();
    assert_eq!((unasked.head.sha.as_str(), unasked.merge, unasked.merge_base), (merge.as_str(), None, None));

    let runner = fixture.beside("runner");
    fs::create_dir(&runner).unwrap();
    git_in(&runner, &["init", "--quiet"]);
    let from = format!("file://{}", fixture.folder().display());
    git_in(&runner, &["fetch", "--quiet", "--depth", "1", &from, "refs/pull/7/merge"]);
    git_in(&runner, &["checkout", "--quiet", "FETCH_HEAD"]);
    assert_eq!(MergeCommit::of(&commit_at(&runner)), Some(seen), "one commit deep, as runners fetch it");
}

#[test]
fn a_work_tree_among_several_and_a_bare_repository_are_read_like_any_other() {
    let fixture = GitRepository::with(&[("a", "1")]);
    let first = fixture.sha("HEAD");
    let other = fixture.beside("other");
    fixture.git(&["worktree", "add", "--quiet", "-b", "topic", other.to_str().unwrap()]);
    fs::write(other.join("a"), "2").unwrap();
    git_in(&other, &["commit", "--quiet", "--all", "--message", "The topic"]);
    fs::write(other.join("new"), "1").unwrap();
    let commit = commit_at(&other);
    assert_eq!((commit.branch.as_deref(), commit.dirty), (Some("topic"), true));
    assert!(!commit_at(&fixture.folder()).dirty);
    let repository = Repository::open(&other).unwrap();
    assert_eq!(repository.resolve("HEAD").unwrap().sha, commit.sha);
    assert_eq!(repository.merge_base(&commit.sha, &first).unwrap(), first);
    let source = Source::WorkTree(commit.clone());
    assert_eq!(repository.changed_between(&first, &source, &[]).unwrap(), ["a", "new"]);
    let clone = repository.clone_at(&commit.sha, &fixture.beside("clone")).unwrap();
    assert_eq!(fs::read_to_string(clone.folder().join("a")).unwrap(), "2");

    let bare = Repository::open(&fixture.cloned(&["--bare"], "bare")).unwrap();
    says(bare.head(), "is bare", "git clone");
    says(bare.mirror_work_tree(&fixture.beside("mirror")), "is bare", "git clone");
    let clone = bare.clone_at(&first, &fixture.beside("of-bare")).unwrap();
    assert_eq!(fs::read_to_string(clone.folder().join("a")).unwrap(), "1");
}

#[test]
fn a_branch_of_any_name_is_a_name_and_nothing_else() {
    let fixture = GitRepository::with(&[("a", "1")]);
    let sha = fixture.sha("HEAD");
    let names =
        ["$(touch${IFS}x)", "`id`", "';rm&-rf|", "%0A", "<script>", "a=b", "-x", "--help", "ünï", "#1"];
    for name in names {
        fixture.git(&["update-ref", &format!("refs/heads/{name}"), &sha]);
        let commit = fixture.open().resolve(&format!("refs/heads/{name}")).unwrap();
        assert_eq!((commit.branch.as_deref(), &commit.sha), (Some(name), &sha));
        assert_eq!(fixture.open().resolve(name).unwrap().branch.as_deref(), Some(name));
        fixture.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{name}")]);
        assert_eq!(commit_at(&fixture.folder()).branch.as_deref(), Some(name));
    }
    assert!(!commit_at(&fixture.folder()).dirty);
}

#[test]
fn a_head_that_changes_what_it_would_be_judged_by_is_seen_and_any_other_is_not() {
    let golden = "fixtures/golden/tiny/a.json";
    let fixture = GitRepository::with(&[
        (golden, "1"),
        ("fixtures/prompts/reference.json", "1"),
        ("fixtures/baselines/published.json", "1"),
        ("README.md", "1"),
    ]);
    let base = fixture.sha("HEAD");
    let changed = |head: &Source| -> Vec<(String, String)> {
        let changed = changed_inputs(&fixture.open(), &base, head).unwrap();
        changed.into_iter().map(|input| (input.kind, input.path)).collect()
    };
    let work_tree = || NamedSource::WorkTree.find(&fixture.open()).unwrap();
    let inputs = || inputs_sha256(&fixture.folder()).unwrap();
    let of_base = inputs();

    fixture.write("README.md", "2");
    fixture.write("fixtures/golden-notes.md", "2");
    fixture.write("src/engine/openvino/release.rs", "2");
    assert!(changed(&work_tree()).is_empty());
    assert_eq!(inputs(), of_base);

    let mut digests = vec![of_base];
    fixture.git(&["mv", golden, "fixtures/golden/tiny/b.json"]);
    digests.push(inputs());
    fixture.write("fixtures/prompts/token-ids/new.json", "2");
    digests.push(inputs());
    fs::remove_file(fixture.path("fixtures/baselines/published.json")).unwrap();
    fixture.write("ci/gate.json", "2");
    digests.push(inputs());
    assert!(digests.windows(2).all(|pair| pair[0] != pair[1]), "{digests:?}");
    fixture.write("fixtures/models/tiny.bin", "2");
    fixture.write("src/engine/openvino/releases.json", "2");
    let expected = [
        ("goldens", "fixtures/golden/tiny/a.json"),
        ("goldens", "fixtures/golden/tiny/b.json"),
        ("prompts", "fixtures/prompts/token-ids/new.json"),
        ("baselines", "fixtures/baselines/published.json"),
        ("policy", "ci/gate.json"),
        ("models", "fixtures/models/tiny.bin"),
        ("openvino", "src/engine/openvino/releases.json"),
    ];
    let expected = expected.map(|(kind, file)| (kind.to_owned(), file.to_owned()));
    assert_eq!(changed(&work_tree()), expected);

    fixture.commit("All of them");
    assert_eq!(changed(&NamedSource::Revision("HEAD".into()).find(&fixture.open()).unwrap()), expected);
    assert!(changed(&Source::Commit(fixture.open().resolve(&base).unwrap())).is_empty());
}
