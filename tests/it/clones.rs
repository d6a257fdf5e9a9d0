//! Clones of a repository at one commit: whole or not there, used again, and no harm to anything else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::thread;

use arcgauge::record::Commit;

use crate::git_repository::{GitRepository, entries_of, git_in, says, state_of};

fn commit_at(folder: &Path) -> Commit {
    Commit::at(folder).unwrap().unwrap()
}

#[test]
fn a_clone_is_clean_detached_at_its_commit_and_leaves_the_repository_alone() {
    let fixture = GitRepository::with(&[(".gitattributes", "*.txt text\n"), ("a", "1"), ("deep/b", "2")]);
    symlink("a", fixture.path("link")).unwrap();
    fs::set_permissions(fixture.path("a"), fs::Permissions::from_mode(0o755)).unwrap();
    let sha = fixture.commit("A link");
    let expected = entries_of(&fixture.folder());
    fixture.write("a", "dirty");
    let before = state_of(&fixture.folder());
    let clone = fixture.open().clone_at(&sha, &fixture.beside("clones/one")).unwrap();
    let commit = commit_at(clone.folder());
    assert_eq!((commit.sha.as_str(), commit.branch, commit.dirty), (sha.as_str(), None, false));
    assert_eq!(entries_of(clone.folder()), expected);
    assert_eq!(git_in(clone.folder(), &["status", "--porcelain"]), "");
    fixture.open().head().unwrap();
    assert_eq!(state_of(&fixture.folder()), before);
}

#[test]
fn a_clone_is_used_again_while_it_is_good_and_made_again_when_it_is_not() {
    let fixture = GitRepository::with(&[("a", "1"), (".gitignore", "/reports\n")]);
    let sha = fixture.sha("HEAD");
    let into = fixture.beside("clones/one");
    let clone = || drop(fixture.open().clone_at(&sha, &into).unwrap());
    let inode = || fs::metadata(&into).unwrap().ino();
    clone();
    let made = inode();
    fs::create_dir(into.join("reports")).unwrap();
    clone();
    assert_eq!(inode(), made, "what git ignores does no harm");

    let damages: [&dyn Fn(); 4] = [
        &|| fs::write(into.join("a"), "2").unwrap(),
        &|| fs::write(into.join("new"), "").unwrap(),
        &|| fs::remove_file(into.join(".git/HEAD")).unwrap(),
        &|| fs::write(into.join(".git/objects/info/alternates"), "/gone\n").unwrap(),
    ];
    for (at, damage) in damages.iter().enumerate() {
        damage();
        clone();
        assert!(!commit_at(&into).dirty && fs::read_to_string(into.join("a")).unwrap() == "1", "{at}");
        assert!(!into.join("new").exists(), "{at}");
    }

    let half = fixture.beside("clones/.unfinished-two");
    fs::create_dir_all(half.join(".git")).unwrap();
    drop(fixture.open().clone_at(&sha, &fixture.beside("clones/two")).unwrap());
    assert!(!half.exists(), "a killed run left it");
}

#[test]
fn a_folder_that_is_no_clone_of_ours_is_never_touched() {
    let fixture = GitRepository::with(&[("a", "1")]);
    let sha = fixture.sha("HEAD");
    let letters = fixture.beside("letters");
    fs::create_dir(&letters).unwrap();
    fs::write(letters.join("a"), "Dear all").unwrap();
    let link = fixture.beside("link");
    symlink(&letters, &link).unwrap();
    for into in [&letters, &link, &fixture.folder(), &letters.join("a")] {
        says(fixture.open().clone_at(&sha, into), "is in the way", "another folder");
        says(fixture.open().check_out_into(&sha, into), "is in the way", "another folder");
        says(fixture.open().mirror_work_tree(into), "is in the way", "another folder");
    }
    assert_eq!(fs::read_to_string(letters.join("a")).unwrap(), "Dear all");
    assert!(!commit_at(&fixture.folder()).dirty);
}

#[test]
fn clones_made_at_once_do_not_disturb_each_other() {
    let fixture = GitRepository::with(&[("a", "1")]);
    let first = fixture.sha("HEAD");
    fixture.write("a", "2");
    let second = fixture.commit("The second");
    thread::scope(|scope| {
        for at in 0..8 {
            let (fixture, sha) = (&fixture, if at % 2 == 0 { &first } else { &second });
            scope.spawn(move || {
                let clone = fixture.open().clone_at(sha, &fixture.beside("clones").join(sha)).unwrap();
                assert_eq!(commit_at(clone.folder()).sha, *sha);
            });
        }
    });
}

#[test]
fn a_checkout_can_go_on_with_another_repository_when_the_one_before_is_gone() {
    let (one, other) = (GitRepository::with(&[("a", "1")]), GitRepository::with(&[("b", "2")]));
    let into = other.beside("copy");
    one.open().check_out_into(&one.sha("HEAD"), &into).unwrap();
    drop(one);
    other.open().check_out_into(&other.sha("HEAD"), &into).unwrap();
    assert_eq!(entries_of(&into), entries_of(&other.folder()));
    assert_eq!(git_in(&into, &["status", "--porcelain", "--ignored"]), "");

    let one = GitRepository::with(&[("a", "1")]);
    one.open().check_out_into(&one.sha("HEAD"), &into).unwrap();
    drop(one);
    other.open().mirror_work_tree(&into).unwrap();
    assert_eq!(entries_of(&into), entries_of(&other.folder()));
    assert_eq!(git_in(&into, &["status", "--porcelain", "--ignored"]), "");
}

#[test]
fn a_checkout_never_writes_through_a_link_that_was_there_before() {
    let fixture = GitRepository::with(&[("a", "1")]);
    let outside = fixture.beside("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, fixture.path("folder")).unwrap();
    symlink(outside.join("file"), fixture.path("name")).unwrap();
    let with_links = fixture.commit("With links");
    for link in ["folder", "name"] {
        fs::remove_file(fixture.path(link)).unwrap();
    }
    fixture.write("folder/inside", "2");
    fixture.write("name", "2");
    let without = fixture.commit("Without");
    let same_repository = |into: &Path| {
        fixture.open().check_out_into(&with_links, into).unwrap();
        fixture.open().check_out_into(&without, into).unwrap();
    };
    let another_repository = |into: &Path| {
        let gone = GitRepository::with(&[("a", "1")]);
        symlink(&outside, gone.path("folder")).unwrap();
        symlink(outside.join("file"), gone.path("name")).unwrap();
        gone.open().check_out_into(&gone.commit("With links"), into).unwrap();
        drop(gone);
        fixture.open().check_out_into(&without, into).unwrap();
    };
    // As the program that was built there could leave them.
    let links_of_others = |into: &Path| {
        fixture.open().check_out_into(&without, into).unwrap();
        fs::remove_dir_all(into.join("folder")).unwrap();
        symlink(&outside, into.join("folder")).unwrap();
        fs::remove_file(into.join("name")).unwrap();
        symlink(outside.join("file"), into.join("name")).unwrap();
        fixture.open().check_out_into(&without, into).unwrap();
    };
    let mirrored = |into: &Path| {
        fixture.open().check_out_into(&with_links, into).unwrap();
        fixture.open().mirror_work_tree(into).unwrap();
    };
    for name in ["same", "another", "others", "mirrored"] {
        let into = fixture.beside(&format!("copies/{name}"));
        match name {
            "same" => same_repository(&into),
            "another" => another_repository(&into),
            "others" => links_of_others(&into),
            _ => mirrored(&into),
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{name}");
        assert_eq!(entries_of(&into), entries_of(&fixture.folder()), "{name}");
        assert_eq!(git_in(&into, &["status", "--porcelain", "--ignored"]), "", "{name}");
    }
}
