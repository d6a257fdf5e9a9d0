//! Keeping a record of nine generations of 200 tokens and having it back: in memory, and through the
//! store on disk, where it is synced twice.
//!
//! `cargo bench --bench record` prints before Criterion's estimates the medians, which are to be below
//! 5 ms each.

mod whole_record;

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use arcgauge::record::{Experiment, History, encode, open};
use criterion::{Criterion, criterion_group, criterion_main};
use tempfile::TempDir;

/// A record must cost less than this to keep, and to have back.
const LONGEST: Duration = Duration::from_millis(5);
/// Repetitions of which the medians are printed.
const ROUNDS: usize = 101;

/// A store of its own, to which a record can be added again and again.
struct Store {
    folder: TempDir,
    record: Experiment,
    added: u64,
}

impl Store {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), record: whole_record::record(), added: 0 }
    }

    /// The record under another name, for the store never overwrites.
    fn add(&mut self) -> (PathBuf, Duration) {
        self.added += 1;
        self.record.run_id = format!("{:012x}", self.added);
        let history = History::at(self.folder.path().to_owned());
        let start = Instant::now();
        let path = history.add(&self.record).unwrap();
        (path, start.elapsed())
    }
}

fn medians(_: &mut Criterion) {
    let mut store = Store::new();
    let encoded = encode(&store.record).unwrap();
    assert_eq!(open::<Experiment>(&encoded, "encoded").unwrap(), store.record);
    let time = |step: &dyn Fn()| {
        let start = Instant::now();
        step();
        start.elapsed()
    };
    let [mut seals, mut opens, mut adds, mut reads] = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        seals.push(time(&|| drop(black_box(encode(&store.record).unwrap()))));
        opens.push(time(&|| drop(black_box(open::<Experiment>(&encoded, "encoded").unwrap()))));
        let (path, added) = store.add();
        adds.push(added);
        reads.push(time(&|| drop(black_box(History::read(&path).unwrap()))));
        fs::remove_file(path).unwrap();
    }
    let [encode, open, add, read] = [seals, opens, adds, reads].map(median);
    report(&format!(
        "record of {} generations, {} bytes, medians of {ROUNDS}: encode {encode:.2?}, open {open:.2?}, \
         add to a store {add:.2?}, read {read:.2?}; to be below {LONGEST:?} each",
        store.record.arms[0].samples.len(),
        encoded.len(),
    ));
    for (what, median) in [("encode", encode), ("open", open), ("add", add), ("read", read)] {
        if median >= LONGEST {
            report(&format!("warning: {what} takes {median:.2?}"));
        }
    }
}

fn in_memory(criterion: &mut Criterion) {
    let record = whole_record::record();
    let encoded = encode(&record).unwrap();
    let mut group = criterion.benchmark_group("record");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.bench_function("encode", |bencher| bencher.iter(|| encode(black_box(&record)).unwrap()));
    group.bench_function("open", |bencher| {
        bencher.iter(|| open::<Experiment>(black_box(&encoded), "encoded").unwrap());
    });
    group.finish();
}

fn on_disk(criterion: &mut Criterion) {
    let mut store = Store::new();
    let mut group = criterion.benchmark_group("record");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.bench_function("add to a store", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut total = Duration::ZERO;
            for _ in 0..iterations {
                let (path, time) = store.add();
                fs::remove_file(path).unwrap();
                total += time;
            }
            total
        });
    });
    let (path, _) = store.add();
    group.bench_function("read from a store", |bencher| {
        bencher.iter(|| History::read(black_box(&path)).unwrap());
    });
    group.finish();
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[expect(clippy::print_stderr, reason = "a bench talks")]
fn report(line: &str) {
    eprintln!("{line}");
}

criterion_group!(benches, medians, in_memory, on_disk);
criterion_main!(benches);
