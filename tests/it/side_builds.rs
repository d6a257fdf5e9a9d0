//! Building the program of a side, with a small package in the place of the product.

use std::fs;
use std::thread;

use arcgauge::gate::side::{Binary, Builder};

use crate::small_product::{build, cached, program, scene, word};

#[test]
fn commits_that_differ_in_documentation_give_the_same_program_byte_by_byte() {
    let fixture = scene();
    let first = build(&fixture, "HEAD");
    assert!(first.heard.iter().any(|line| line.contains("Compiling arcgauge")), "{:?}", first.heard);
    let first = first.binary();
    fixture.write("README.md", "two");
    let documented = fixture.commit("Document");
    let second = build(&fixture, "HEAD");
    assert!(second.heard.is_empty(), "there was nothing to compile: {:?}", second.heard);
    let second = second.binary();
    assert_eq!(fs::read(&first.program).unwrap(), fs::read(&second.program).unwrap());
    assert_eq!(first.stamp.program_sha256, second.stamp.program_sha256);
    assert_eq!(second.program, fixture.beside("cache/ab/binaries").join(documented).join("arcgauge"));
    assert!(!first.reused && !second.reused);
}

#[test]
fn a_change_gives_another_program_and_the_change_back_the_first_again() {
    let fixture = scene();
    let first = build(&fixture, "HEAD").binary();
    for word_of in ["two", "ten"] {
        // Of the same size, and at once.
        fixture.write("src/main.rs", &program(word_of));
        fixture.commit("Change");
        assert_eq!(word(&build(&fixture, "HEAD").binary()), word_of);
    }
    fixture.write("src/main.rs", &program("one"));
    fixture.commit("Change it back");
    let back = build(&fixture, "HEAD").binary();
    assert_eq!((word(&back).as_str(), back.reused), ("one", false));
    assert_eq!(back.stamp.program_sha256, first.stamp.program_sha256);
    let again = build(&fixture, "HEAD~2");
    assert!(again.heard.is_empty());
    let again = again.binary();
    assert_eq!((word(&again).as_str(), again.reused), ("two", true));
}

#[test]
fn the_work_tree_is_built_as_it_lies_there_with_files_that_git_does_not_know_yet() {
    let fixture = scene();
    fixture.write("src/main.rs", &program("new").replace("fn main", "mod more;\nfn main"));
    fixture.write("src/more.rs", "");
    let dirty = build(&fixture, ".").binary();
    assert_eq!(word(&dirty), "new");
    let name = format!("work-tree-{}", &dirty.stamp.program_sha256[..16]);
    assert_eq!(dirty.program, fixture.beside("cache/ab/binaries").join(&name).join("arcgauge"));
    assert_eq!(dirty.stamp.commit, fixture.sha("HEAD"));
    let again = build(&fixture, ".");
    assert!(again.heard.is_empty(), "nothing was touched: {:?}", again.heard);
    assert!(again.binary().reused);
    assert!(!fixture.path("target").exists(), "nothing is built in the work tree itself");

    fixture.git(&["stash", "--quiet", "--include-untracked"]);
    let (tree, commit) = (build(&fixture, ".").binary(), build(&fixture, "HEAD").binary());
    assert_eq!(word(&tree), "one");
    assert_eq!(tree.stamp.program_sha256, commit.stamp.program_sha256);
}

#[test]
fn a_program_that_was_damaged_or_built_otherwise_is_built_again() {
    let fixture = scene();
    let stamp = |binary: &Binary| binary.program.with_file_name("stamp.json");
    let first = build(&fixture, "HEAD").binary();
    let (program, stamp) = (first.program.clone(), stamp(&first));
    drop(first);
    let damages: [&dyn Fn(); 4] = [
        &|| fs::write(&program, "not a program").unwrap(),
        &|| fs::remove_file(&program).unwrap(),
        &|| fs::write(&stamp, "{").unwrap(),
        &|| {
            let text = fs::read_to_string(&stamp).unwrap();
            fs::write(&stamp, text.replace("release: ", "release: 0.")).unwrap();
        },
    ];
    for (at, damage) in damages.iter().enumerate() {
        damage();
        let again = build(&fixture, "HEAD").binary();
        assert_eq!((word(&again).as_str(), again.reused), ("one", false), "{at}");
        drop(again);
        assert!(build(&fixture, "HEAD").binary().reused, "{at}");
    }
}

#[test]
fn builds_at_once_take_turns_and_each_gives_the_program_of_its_own_commit() {
    let fixture = scene();
    fixture.write("src/main.rs", &program("two"));
    fixture.commit("Two");
    fixture.write("src/main.rs", &program("tree"));
    thread::scope(|scope| {
        for _ in 0..2 {
            for (side, expected) in [("HEAD~1", "one"), ("HEAD", "two"), (".", "tree")] {
                let fixture = &fixture;
                scope.spawn(move || assert_eq!(word(&build(fixture, side).binary()), expected));
            }
        }
    });
    assert_eq!(cached(&fixture).len(), 3);
}

#[test]
fn the_files_of_a_commit_are_kept_for_its_fixtures_and_the_oldest_clones_go() {
    let fixture = scene();
    let cache = fixture.beside("cache");
    let mut heard = Vec::new();
    let mut shas = vec![fixture.sha("HEAD")];
    let mut clone = |sha: &str| {
        let hear = &mut |line: &str| heard.push(line.to_owned());
        Builder::new(&cache).clone_of(&fixture.open(), sha, hear).unwrap()
    };
    let first = clone(&shas[0]);
    for at in 0..21 {
        fixture.write("README.md", &at.to_string());
        let sha = fixture.commit("Document");
        assert_eq!(fs::read_to_string(clone(&sha).folder().join("README.md")).unwrap(), at.to_string());
        shas.push(sha);
    }
    assert!(first.folder().exists(), "it is in use");
    let is_there = |sha: &String| cache.join("ab/clones").join(sha).exists();
    assert!(!is_there(&shas[1]) && shas[2..].iter().all(is_there));
    assert_eq!(
        heard,
        [format!("removed from the cache: {}", cache.join("ab/clones").join(&shas[1]).display())]
    );
}
