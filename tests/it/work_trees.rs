//! A copy of the work tree as it is: tracked files as they are, and those that git would track.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use arcgauge::record::{Commit, Repository, Source};

use crate::git_repository::{Entry, GitRepository, entries_of, git_in, state_of};

/// A tree with everything that git can hold, and a copy of it as it was committed.
fn scene() -> (GitRepository, PathBuf) {
    let fixture = GitRepository::with(&[
        (".gitignore", "/out\n*.log\n"),
        ("changed", "1"),
        ("gone", "1"),
        ("deep/gone", "1"),
        ("kept", "1"),
        ("script", "1"),
        ("becomes-folder", "1"),
        ("becomes-file/a", "1"),
        ("becomes-link", "1"),
        ("read-only", "1"),
    ]);
    symlink("kept", fixture.path("link")).unwrap();
    symlink("becomes-file", fixture.path("linked-folder")).unwrap();
    fixture.commit("Links");
    let copy = fixture.beside("copy");
    fixture.open().check_out_into(&fixture.sha("HEAD"), &copy).unwrap();
    (fixture, copy)
}

fn change_everything(fixture: &GitRepository) {
    fixture.write("changed", "2");
    fixture.write("new", "1");
    fixture.write("new-folder/deep/new", "1");
    fixture.write("staged", "1");
    fixture.git(&["add", "staged"]);
    fixture.git(&["rm", "--quiet", "--cached", "kept"]);
    fs::remove_file(fixture.path("gone")).unwrap();
    fs::remove_dir_all(fixture.path("deep")).unwrap();
    fs::set_permissions(fixture.path("script"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(fixture.path("becomes-folder")).unwrap();
    fixture.write("becomes-folder/a", "1");
    fs::remove_dir_all(fixture.path("becomes-file")).unwrap();
    fixture.write("becomes-file", "1");
    fs::remove_file(fixture.path("becomes-link")).unwrap();
    symlink("changed", fixture.path("becomes-link")).unwrap();
    fs::remove_file(fixture.path("linked-folder")).unwrap();
    fixture.write("linked-folder/a", "1");
    fs::remove_file(fixture.path("link")).unwrap();
    symlink("/nowhere", fixture.path("link")).unwrap();
    fs::set_permissions(fixture.path("read-only"), fs::Permissions::from_mode(0o444)).unwrap();
    fixture.write("out/ignored", "1");
    fixture.write("a.log", "ignored");
}

/// The entries that git does not ignore.
fn expected(fixture: &GitRepository) -> BTreeMap<PathBuf, Entry> {
    let mut entries = entries_of(&fixture.folder());
    entries.retain(|path, _| !path.starts_with("out") && path != Path::new("a.log"));
    entries
}

fn times(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let time = |path: &PathBuf| fs::symlink_metadata(folder.join(path)).unwrap().modified().unwrap();
    entries_of(folder).into_keys().map(|path| (path.clone(), time(&path))).collect()
}

#[test]
fn the_copy_has_every_change_and_nothing_that_git_ignores() {
    let (fixture, copy) = scene();
    change_everything(&fixture);
    let before = state_of(&fixture.folder());
    fixture.open().mirror_work_tree(&copy).unwrap();
    assert_eq!(entries_of(&copy), expected(&fixture));
    assert_eq!(state_of(&fixture.folder()), before, "the work tree is only read");
    assert!(!copy.join("deep").exists(), "a folder that is empty is no folder of git's");
    let (of, seen) = (Commit::at(&fixture.folder()).unwrap().unwrap(), Commit::at(&copy).unwrap().unwrap());
    assert_eq!((seen.sha, seen.dirty, seen.branch), (of.sha.clone(), true, None));
    let changed = |folder: &Path| {
        let repository = Repository::open(folder).unwrap();
        let mut files = repository.changed_between(&of.sha, &Source::WorkTree(of.clone()), &[]).unwrap();
        // Its removal is staged, though it is there as it was.
        files.retain(|file| file != "kept");
        files
    };
    assert_eq!(changed(&copy), changed(&fixture.folder()));
}

#[test]
fn only_what_differs_is_touched_and_a_second_time_nothing_is() {
    let (fixture, copy) = scene();
    let before = times(&copy);
    fixture.write("changed", "2");
    fixture.write("kept", "1");
    fs::remove_file(fixture.path("gone")).unwrap();
    let touched = fixture.open().mirror_work_tree(&copy).unwrap();
    assert_eq!(touched, [PathBuf::from("changed"), PathBuf::from("gone")]);
    let after = times(&copy);
    for (path, time) in &after {
        assert_eq!(before[path] == *time, path != Path::new("changed"), "{}", path.display());
    }
    assert!(fixture.open().mirror_work_tree(&copy).unwrap().is_empty());
    assert_eq!(times(&copy), after);
}

#[test]
fn a_copy_of_other_changes_and_of_a_clean_tree_leaves_nothing_of_those_before() {
    let (fixture, copy) = scene();
    change_everything(&fixture);
    fixture.open().mirror_work_tree(&copy).unwrap();
    fs::write(copy.join("b.log"), "ignored").unwrap();
    fixture.git(&["reset", "--quiet", "--hard"]);
    fixture.git(&["clean", "-qffdx"]);
    fixture.open().mirror_work_tree(&copy).unwrap();
    assert_eq!(entries_of(&copy), entries_of(&fixture.folder()));
    assert_eq!(git_in(&copy, &["status", "--porcelain", "--ignored"]), "");
    assert!(!Commit::at(&copy).unwrap().unwrap().dirty);
}

#[test]
fn nothing_is_written_through_a_link_that_leads_out_of_the_copy() {
    let (fixture, copy) = scene();
    let outside = fixture.beside("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a"), "Dear all").unwrap();
    for (link, name) in [("becomes-file", "outside"), ("changed", "outside/a")] {
        let link = copy.join(link);
        let _ = fs::remove_file(&link).or_else(|_| fs::remove_dir_all(&link));
        symlink(fixture.beside(name), &link).unwrap();
    }
    fixture.open().mirror_work_tree(&copy).unwrap();
    assert_eq!(entries_of(&copy), entries_of(&fixture.folder()));
    assert_eq!(fs::read_to_string(outside.join("a")).unwrap(), "Dear all");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn names_that_look_like_something_else_are_copied_as_they_are() {
    let (fixture, copy) = scene();
    for name in ["$(touch x)", "a\nb", "-rf", "*", "new folder/ü", "[a]"] {
        fixture.write(name, "1");
    }
    fixture.open().mirror_work_tree(&copy).unwrap();
    assert_eq!(entries_of(&copy), entries_of(&fixture.folder()));
}

#[test]
fn a_repository_within_the_work_tree_is_no_part_of_it() {
    let (fixture, copy) = scene();
    fixture.write("inner/a", "1");
    git_in(&fixture.path("inner"), &["init", "--quiet"]);
    git_in(&fixture.path("inner"), &["commit", "--quiet", "--allow-empty", "--message", "Inner"]);
    fixture.open().mirror_work_tree(&copy).unwrap();
    assert!(!copy.join("inner").exists());
}

#[test]
fn a_checkout_brought_to_another_commit_is_that_commit_alone_and_keeps_the_times_of_what_is_the_same() {
    let (fixture, copy) = scene();
    let first = fixture.sha("HEAD");
    change_everything(&fixture);
    fixture.git(&["add", "--all"]);
    let second = fixture.commit("Everything");
    let before = times(&copy);
    for (sha, at) in [(&second, "second"), (&first, "first"), (&second, "second again")] {
        fs::write(copy.join("left.log"), "by an earlier build").unwrap();
        fs::write(copy.join("changed"), "3").unwrap();
        fixture.open().check_out_into(sha, &copy).unwrap();
        assert_eq!(git_in(&copy, &["status", "--porcelain", "--ignored"]), "", "{at}");
        assert_eq!(git_in(&copy, &["rev-parse", "HEAD"]).trim(), sha, "{at}");
        assert_eq!(times(&copy)[Path::new("kept")], before[Path::new("kept")], "{at}");
    }
    assert_eq!(entries_of(&copy), expected(&fixture));
}
