//! Exporting full-size records as a Parquet data set, and compacting it: the time, and the highest memory, which must not
//! grow with the number of records.
//!
//! `cargo bench --bench fleet` prints both. It is no Criterion bench: making the stores takes longer than what is measured.

mod unsynced_store;
mod whole_record;

use std::fs;
use std::path::Path;
use std::time::Instant;

use arcgauge::record::{Experiment, History, RecordFile, utc_of_seconds};
use arcgauge::report::fleet::{compact, export};
use arcgauge::sys::ProcessMemory;

/// Numbers of records.
const SIZES: [usize; 2] = [500, 5_000];
/// Records of a day.
const A_DAY: usize = 50;
/// The beginning of 2026, UTC.
const BEGIN_S: i64 = 1_767_225_600;

fn main() {
    // Cargo passes `--bench`, and a list has nothing in it.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    for size in SIZES {
        let scene = tempfile::tempdir().unwrap();
        let (store, data) = (scene.path().join("store"), scene.path().join("data"));
        fill(&store, size);
        let history = History::at(store);
        let records: Vec<RecordFile> =
            history.index().entries.iter().map(|entry| RecordFile::stored(&history, entry)).collect();
        measured(&format!("exporting {size} records with their tokens"), || {
            let exported = export(&records, &data, true, &mut |_| ()).unwrap();
            assert_eq!(exported.written, size);
        });
        report(&format!("  {} bytes a record in {} files", bytes_in(&data) / size as u64, files_in(&data)));
        measured(&format!("compacting {size} records"), || {
            compact(&data, &mut |_| ()).unwrap();
        });
        report(&format!("  {} files", files_in(&data)));
    }
}

/// Writes copies of the fixture.
fn fill(store: &Path, size: usize) {
    let whole = whole_record::record();
    for number in 0..size {
        let day = i64::try_from(number / A_DAY).unwrap();
        let record = Experiment {
            run_id: format!("{number:012x}"),
            when_utc: utc_of_seconds(BEGIN_S + day * 86_400).unwrap(),
            ..whole.clone()
        };
        unsynced_store::add(store, &record);
    }
}

fn measured(what: &str, work: impl FnOnce()) {
    let memory = ProcessMemory::of(std::process::id());
    let before = memory.read().rss_anonymous_bytes.unwrap_or_default();
    memory.reset_peak();
    let began = Instant::now();
    work();
    let (took, peak) = (began.elapsed(), memory.read().peak_rss_bytes.unwrap_or_default());
    report(&format!(
        "{what}: {took:.2?}; peak memory {:.0} MiB, {:.0} MiB of it were there before",
        peak as f64 / f64::from(1 << 20),
        before as f64 / f64::from(1 << 20)
    ));
}

fn sizes(folder: &Path) -> Vec<u64> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(sizes(&entry.path()));
        } else {
            found.push(entry.metadata().unwrap().len());
        }
    }
    found
}

fn bytes_in(folder: &Path) -> u64 {
    sizes(folder).iter().sum()
}

fn files_in(folder: &Path) -> usize {
    sizes(folder).len()
}

#[expect(clippy::print_stderr, reason = "a bench talks")]
fn report(line: &str) {
    eprintln!("{line}");
}
