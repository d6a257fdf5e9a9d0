//! Builds that come to nothing: each says why, and leaves nothing half.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use arcgauge::error::ErrorKind;

use crate::git_repository::GitRepository;
use crate::small_product::{LOCK, MANIFEST, build, build_until, cached, scene, word};

#[test]
fn a_build_that_fails_tells_in_cargos_words_why_and_leaves_nothing() {
    let fixture = scene();
    fixture.write("src/main.rs", "fn main() { let x: u32 = \"no number\"; }");
    let sha = fixture.commit("Break");
    let error = build(&fixture, "HEAD").result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Harness);
    let reported = error.to_string();
    assert!(
        reported.starts_with(&format!("cannot build `arcgauge` of commit `{}`", &sha[..12])),
        "{reported}"
    );
    assert!(reported.contains("mismatched types") && reported.contains("exit status: 101"), "{reported}");
    assert!(error.hint_text().unwrap().contains("cargo build --release --locked"));
    assert!(cached(&fixture).is_empty());
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
        assert!(cached(&fixture).is_empty());
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
        let (kind, reported) = refused(change);
        assert_eq!(kind, ErrorKind::Input, "{reported}");
        assert!(reported.contains("has no package `arcgauge` with a program of this name"), "{reported}");
    }
    let (kind, reported) =
        refused(&|fixture| fixture.write("src/main.rs", "fn main() { std::process::exit(2) }"));
    assert_eq!(kind, ErrorKind::Input, "{reported}");
    assert!(reported.contains("knows no `worker`"), "{reported}");
    let (kind, reported) = refused(&|fixture| fs::remove_file(fixture.path("Cargo.lock")).unwrap());
    assert_eq!(kind, ErrorKind::Harness, "{reported}");
    assert!(reported.contains("--locked"), "{reported}");
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
    assert!(cached(&fixture).is_empty());
    let pid = fs::read_to_string(&started).unwrap();
    let process = Path::new("/proc").join(pid.trim());
    let requested = Instant::now();
    let is_gone = || {
        fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") Z ")) || !process.exists()
    };
    while !is_gone() {
        assert!(requested.elapsed() < Duration::from_secs(20), "process {pid} lives");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(word(&build(&fixture, "HEAD~1").binary()), "one");
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
