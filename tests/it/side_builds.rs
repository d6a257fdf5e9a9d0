//! Building the program of a side, with a small package in the place of the product.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use arcgauge::error::{Error, ErrorKind};
use arcgauge::gate::side::{Binary, Builder, NamedSource};

use crate::git_repository::GitRepository;

const MANIFEST: &str = "[package]\nname = \"arcgauge\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
const LOCK: &str = "version = 4\n\n[[package]]\nname = \"arcgauge\"\nversion = \"0.1.0\"\n";

/// A program that is a worker, says this, and holds the path of its sources, as the product does.
fn program(word: &str) -> String {
    format!(
        "fn main() {{\n    let verb = std::env::args().nth(1);\n    \
         if verb.as_deref() != Some(\"worker\") {{ std::process::exit(2) }}\n    \
         println!(\"{word} {{}}\", env!(\"CARGO_MANIFEST_DIR\"));\n}}\n"
    )
}

fn scene() -> GitRepository {
    GitRepository::with(&[
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", LOCK),
        (".gitignore", "/target\n"),
        ("README.md", "one"),
        ("src/main.rs", &program("one")),
    ])
}

/// What a build gave, and what a user heard meanwhile.
struct Built {
    result: Result<Option<Binary>, Error>,
    heard: Vec<String>,
}

impl Built {
    #[track_caller]
    fn binary(self) -> Binary {
        self.result.unwrap().unwrap()
    }
}

fn build(fixture: &GitRepository, side: &str) -> Built {
    build_until(fixture, side, &AtomicBool::new(false))
}

fn build_until(fixture: &GitRepository, side: &str, stop: &AtomicBool) -> Built {
    let named = if side == "." { NamedSource::WorkTree } else { NamedSource::Revision(side.to_owned()) };
    let repository = fixture.open();
    let source = named.find(&repository).unwrap();
    let mut heard = Vec::new();
    let mut hear = |line: &str| heard.push(line.to_owned());
    let result = Builder::new(&fixture.beside("cache")).build(&repository, &source, stop, &mut hear);
    Built { result, heard }
}

/// What the program says.
fn word(binary: &Binary) -> String {
    let output = Command::new(&binary.program).arg("worker").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// The names of what is kept.
fn kept(fixture: &GitRepository) -> Vec<PathBuf> {
    let entries = fs::read_dir(fixture.beside("cache/ab/binaries")).into_iter().flatten();
    let names = entries.map(|entry| PathBuf::from(entry.unwrap().file_name()));
    names.filter(|name| name != Path::new(".lock")).collect()
}

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
fn a_build_that_fails_tells_in_cargos_words_why_and_leaves_nothing() {
    let fixture = scene();
    fixture.write("src/main.rs", "fn main() { let x: u32 = \"no number\"; }");
    let sha = fixture.commit("Break");
    let error = build(&fixture, "HEAD").result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Harness);
    let told = error.to_string();
    assert!(told.starts_with(&format!("cannot build `arcgauge` of commit `{}`", &sha[..12])), "{told}");
    assert!(told.contains("mismatched types") && told.contains("exit status: 101"), "{told}");
    assert!(error.hint_text().unwrap().contains("cargo build --release --locked"));
    assert!(kept(&fixture).is_empty());
    let error = build(&fixture, ".").result.unwrap_err();
    assert!(error.to_string().contains("of the work tree `"), "{error}");
    assert_eq!(word(&build(&fixture, "HEAD~1").binary()), "one");
}

#[test]
fn a_commit_without_the_program_without_its_lock_file_or_without_workers_is_refused() {
    let refused = |change: &dyn Fn(&GitRepository)| {
        let fixture = scene();
        change(&fixture);
        fixture.commit("Another thing");
        let error = build(&fixture, "HEAD").result.unwrap_err();
        assert!(error.hint_text().is_some());
        assert!(kept(&fixture).is_empty());
        (error.kind(), error.to_string())
    };
    for change in [
        &(|fixture: &GitRepository| fs::remove_file(fixture.path("Cargo.toml")).unwrap())
            as &dyn Fn(&GitRepository),
        &|fixture| {
            fixture.write("Cargo.toml", &MANIFEST.replace("arcgauge", "other"));
            fixture.write("Cargo.lock", &LOCK.replace("arcgauge", "other"));
        },
        &|fixture| fs::rename(fixture.path("src/main.rs"), fixture.path("src/lib.rs")).unwrap(),
    ] {
        let (kind, told) = refused(change);
        assert_eq!(kind, ErrorKind::Input, "{told}");
        assert!(told.contains("has no package `arcgauge` with a program of this name"), "{told}");
    }
    let (kind, told) =
        refused(&|fixture| fixture.write("src/main.rs", "fn main() { std::process::exit(2) }"));
    assert_eq!(kind, ErrorKind::Input, "{told}");
    assert!(told.contains("knows no `worker`"), "{told}");
    let (kind, told) = refused(&|fixture| fs::remove_file(fixture.path("Cargo.lock")).unwrap());
    assert_eq!(kind, ErrorKind::Harness, "{told}");
    assert!(told.contains("--locked"), "{told}");
}

#[test]
fn an_interrupted_build_ends_all_that_cargo_started_and_leaves_nothing_half() {
    let fixture = scene();
    let started = fixture.beside("started");
    let slow = format!(
        "fn main() {{\n std::fs::write({started:?}, std::process::id().to_string() + \"\\n\").unwrap();\n \
         std::thread::sleep(std::time::Duration::from_secs(600));\n}}\n"
    );
    fixture.write("build.rs", &slow);
    fixture.commit("Slow");
    let stop = AtomicBool::new(false);
    let built = thread::scope(|scope| {
        let built = scope.spawn(|| build_until(&fixture, "HEAD", &stop));
        while !started.exists() && !built.is_finished() {
            thread::sleep(Duration::from_millis(20));
        }
        stop.store(true, Ordering::Relaxed);
        built.join().unwrap()
    });
    assert!(built.result.unwrap().is_none());
    assert!(kept(&fixture).is_empty());
    let pid = fs::read_to_string(&started).unwrap();
    let process = Path::new("/proc").join(pid.trim());
    let asked = Instant::now();
    let is_gone = || {
        fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") Z ")) || !process.exists()
    };
    while !is_gone() {
        assert!(asked.elapsed() < Duration::from_secs(20), "process {pid} lives");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(word(&build(&fixture, "HEAD~1").binary()), "one");
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
    assert_eq!(kept(&fixture).len(), 3);
}

#[test]
fn who_waits_for_another_build_is_told_and_can_stop_waiting() {
    let fixture = scene();
    let folder = fixture.beside("cache/ab/build");
    fs::create_dir_all(&folder).unwrap();
    let held = fs::File::create(folder.join("lock")).unwrap();
    held.lock().unwrap();
    let stop = AtomicBool::new(false);
    let built = thread::scope(|scope| {
        let built = scope.spawn(|| build_until(&fixture, "HEAD", &stop));
        thread::sleep(Duration::from_millis(300));
        stop.store(true, Ordering::Relaxed);
        built.join().unwrap()
    });
    assert!(built.result.unwrap().is_none());
    assert_eq!(built.heard.len(), 1);
    assert!(built.heard[0].starts_with("waiting: another build is under way"), "{:?}", built.heard);
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
