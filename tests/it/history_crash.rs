//! Whoever is killed while saving loses at most what was not acknowledged; a full disk leaves all as it was.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use arcgauge::record::{Experiment, History, PlanKind, encode, run_id};

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::forged;

/// Where the writer that is this program, too, writes; nobody else sets it.
const STORE: &str = "ARCGAUGE_TEST_STORE";
/// How many records it writes; without it, it never stops.
const COUNT: &str = "ARCGAUGE_TEST_COUNT";

/// The writer: adds records and acknowledges each. Without a store it is nothing.
#[test]
#[ignore = "a part of other tests, which start it as a process of its own"]
fn the_writer() {
    let Some(store) = env::var_os(STORE) else { return };
    let count = env::var(COUNT).map_or(usize::MAX, |count| count.parse().unwrap());
    let history = History::at(PathBuf::from(store));
    let mut record = forged::record();
    for _ in 0..count {
        record.run_id = run_id();
        let kept = history.add(&record).unwrap();
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "kept {}", kept.display()).unwrap();
    }
}

fn start_writer(store: &Path, count: Option<usize>) -> Child {
    let mut writer = Command::new(env::current_exe().unwrap());
    writer.args(["--exact", "history_crash::the_writer", "--ignored", "--nocapture", "--test-threads=1"]);
    writer.env(STORE, store).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(count) = count {
        writer.env(COUNT, count.to_string());
    }
    writer.spawn().unwrap()
}

/// Starts a writer, kills it some microseconds after its first record, and gives what it acknowledged.
fn killed_after(store: &Path, microseconds: u64) -> Vec<PathBuf> {
    let mut writer = start_writer(store, None);
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    // The first stands behind the name of the test.
    let mut words = lines.filter_map(|line| Some(PathBuf::from(line.split_once("kept ")?.1)));
    let mut acknowledged: Vec<PathBuf> = words.next().into_iter().collect();
    thread::sleep(Duration::from_micros(microseconds));
    writer.kill().unwrap();
    writer.wait().unwrap();
    acknowledged.extend(words);
    acknowledged
}

#[test]
fn killed_writers_leave_whole_records_and_lose_none_that_was_acknowledged() {
    nothing_acknowledged_is_lost(40);
}

#[test]
#[ignore = "heavy: half a minute"]
fn a_thousand_killed_writers_leave_whole_records_and_lose_none_that_was_acknowledged() {
    nothing_acknowledged_is_lost(1_000);
}

fn nothing_acknowledged_is_lost(kills: usize) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut seed: u64 = 20;
    let mut moments: Vec<u64> = Vec::new();
    for _ in 0..kills {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        moments.push((seed >> 33) % 6000);
    }
    let acknowledged: Vec<PathBuf> = thread::scope(|scope| {
        let halves = moments.chunks(kills / 4);
        let killers: Vec<_> = halves
            .map(|half| {
                let store = &store;
                scope.spawn(move || half.iter().flat_map(|it| killed_after(store, *it)).collect::<Vec<_>>())
            })
            .collect();
        killers.into_iter().flat_map(|killer| killer.join().unwrap()).collect()
    });
    let mut visible = 0;
    for examined in History::at(store.clone()).examine() {
        let record = examined.record.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(record.plan, PlanKind::Bench);
        visible += 1;
    }
    assert!(acknowledged.iter().all(|path| path.is_file()), "an acknowledged record is lost");
    // Each may have been killed between the rename and its word.
    assert!((acknowledged.len()..=acknowledged.len() + kills).contains(&visible), "{visible}");
    assert!(acknowledged.len() >= kills, "each is killed after its first");
}

#[test]
fn eight_writers_of_two_hundred_records_leave_exactly_sixteen_hundred() {
    let folder = tempfile::tempdir().unwrap();
    let mut writers: Vec<Child> = (0..8).map(|_| start_writer(folder.path(), Some(200))).collect();
    for writer in &mut writers {
        // A pipe that nobody reads would fill.
        std::io::copy(&mut writer.stdout.take().unwrap(), &mut std::io::sink()).unwrap();
        assert!(writer.wait().unwrap().success());
    }
    let history = History::at(folder.path().to_owned());
    assert_eq!(history.examine().filter(|examined| examined.record.is_ok()).count(), 1600);
    let indexes: Vec<usize> = thread::scope(|scope| {
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| history.index().entries.len())).collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    assert_eq!(indexes, [1600; 4], "readers that renew the index at once");
    assert_eq!(history.index().opened, 0);
}

#[test]
fn wherever_the_disk_is_full_the_old_state_stays_and_no_temporary_file() {
    let checkout = Checkout::new();
    let old = forged::store(&checkout, &forged::record());
    let before = everything_below(&checkout.path("reports/history"));
    let record = Experiment { run_id: "00000000000b".into(), ..forged::record() };
    let file = checkout.path("new.json");
    let encoded = encode(&record).unwrap();
    fs::write(&file, &encoded).unwrap();
    let is_let = |blocks: usize| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$@\""), "sh"]);
        shell.arg(env!("CARGO_BIN_EXE_arcgauge")).args(["history", "import"]).arg(&file);
        shell.current_dir(checkout.path("")).env("XDG_CONFIG_HOME", checkout.config());
        Ended::of(shell.output().unwrap())
    };
    let blocks = encoded.len().div_ceil(512);
    for too_few in 0..blocks {
        is_let(too_few).exits(20).says("error: cannot write `").says("File too large").says("hint: free");
        assert_eq!(everything_below(&checkout.path("reports/history")), before, "{too_few} blocks");
    }
    is_let(blocks).exits(0);
    let read = History::read(&old.with_file_name("20261123T044920Z-00000000000b.json")).unwrap();
    assert_eq!(read.record, record);
}

/// Every file, whatever its name.
fn everything_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(everything_below(&path)) } else { files.push(path) }
    }
    files.iter().map(|file| fs::canonicalize(file).unwrap()).collect()
}
