//! A store of 10,000 and of 100,000 records: rebuilding its index, bringing it up to date, and finding in
//! it what a gate decides from.
//!
//! `cargo bench --bench history` prints the times. It is no Criterion bench: making the stores takes longer
//! than all that is measured, and once is enough to see whether a second is exceeded.

mod unsynced_store;
mod whole_record;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use arcgauge::gate::{Strictness, decide};
use arcgauge::judge::policy::Policy;
use arcgauge::measure::Role;
use arcgauge::record::{Arm, Experiment, History, Installation, PlanKind, Round, Side, header};
use tempfile::TempDir;

/// Sizes of the stores.
const SIZES: [usize; 2] = [10_000, 100_000];
/// Records of a commit, of which the last is an A/B.
const A_COMMIT: usize = 10;
/// What a gate waits for, at the most.
const LONGEST: Duration = Duration::from_secs(1);
/// Repetitions of what takes no time.
const ROUNDS: usize = 11;

fn main() {
    // Cargo passes `--bench`; Criterion's own flags mean nothing here, and a list has nothing in it.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let scene = tempfile::tempdir().unwrap();
    let here = Installation::read_or_make(&[scene.path().join("settings")]).unwrap();
    let small = small_record();
    for size in SIZES {
        let commits = line_of_commits(&scene, size / A_COMMIT);
        let store = scene.path().join(format!("store of {size}"));
        let (bytes, made) = timed(|| fill(&store, &here, size, &commits, &small));
        report(&format!("{size} records, {:.0} MB, made in {made:.1?}", bytes as f64 / 1e6));
        let history = History::at(store.clone()).seen_from(Some(here.clone()));
        measure(&history, size, &commits, &small);
        fs::remove_dir_all(store).unwrap();
    }
}

fn measure(history: &History, size: usize, commits: &[String], small: &Experiment) {
    let (index, rebuilt) = timed(|| history.rebuilt_index());
    assert_eq!((index.entries.len(), index.damaged.len()), (size, 0));
    let (again, loaded) = timed(|| history.index());
    assert_eq!((again.entries.len(), again.opened), (size, 0));
    let record = Experiment { run_id: "ffffffffffff".into(), ..small.clone() };
    let path = history.add(&record).unwrap();
    let (more, one_more) = timed(|| history.index());
    assert_eq!(more.opened, 1);
    fs::remove_file(path).unwrap();
    let head = commits.last().unwrap();
    let mut founds = Vec::new();
    for _ in 0..ROUNDS {
        let (found, time) = timed(|| history.of_commit(head).unwrap());
        assert_eq!(found.measured_here.len(), A_COMMIT);
        founds.push(time);
    }
    founds.sort();
    let found = founds[ROUNDS / 2];
    let policy = Policy::parse(include_str!("../ci/gate.json"), "ci/gate.json").unwrap();
    let (_, decided) = timed(|| {
        let records = history.of_commit(head).unwrap().measured_here;
        let ab = records.into_iter().find(|record| record.plan == PlanKind::Ab);
        decide(&ab.unwrap(), &policy, "2026-11-24T12:00:00Z", Strictness::Gate)
    });
    let bytes = fs::metadata(history.root().join("index.json")).unwrap().len();
    report(&format!(
        "  index of {:.1} MB: rebuilt in {rebuilt:.2?}, loaded in {loaded:.2?}, with one record more in \
         {one_more:.2?}\n  records of a commit in {found:.2?} (median of {ROUNDS}), a gate's decision \
         in {decided:.2?}",
        bytes as f64 / 1e6
    ));
    for (what, time) in [("loading the index", loaded), ("a decision", decided)] {
        if time >= LONGEST {
            report(&format!("warning: {what} takes {time:.2?}"));
        }
    }
}

/// Writes the records with their origins.
fn fill(store: &Path, here: &Installation, size: usize, commits: &[String], small: &Experiment) -> usize {
    let mut bytes = 0;
    let mut origins = String::new();
    for number in 0..size {
        let mut record = small.clone();
        record.run_id = format!("{number:012x}");
        record.arms[0].commit.as_mut().unwrap().sha.clone_from(&commits[number / A_COMMIT]);
        let encoded = if number % A_COMMIT == A_COMMIT - 1 {
            unsynced_store::add(store, &ab_of(&record))
        } else {
            unsynced_store::add(store, &record)
        };
        bytes += encoded.len();
        let header = header(&encoded, "a record").unwrap();
        let line = serde_json::json!({
            "payload_sha256": header.payload_sha256,
            "when_utc": small.when_utc,
            "origin": "measured",
            "installation": here,
        });
        writeln!(origins, "{line}").unwrap();
    }
    fs::write(store.join("origins.jsonl"), origins).unwrap();
    bytes
}

/// The fixture with one prompt and eight tokens left.
fn small_record() -> Experiment {
    let mut experiment = whole_record::record();
    experiment.rounds.truncate(1);
    let record = &mut experiment.arms[0];
    record.workload.runs = 1;
    record.workload.prompts.truncate(1);
    record.prompts.truncate(1);
    record.prompts[0].replay = None;
    record.processes.truncate(1);
    record.processes[0].guards = None;
    let id = record.workload.prompts[0].id.clone();
    record
        .samples
        .retain(|sample| sample.role == Role::Measured && sample.process == 0 && sample.prompt_id == id);
    for sample in &mut record.samples {
        let times = sample.times.as_mut().unwrap();
        for tokens in [&mut times.token_ns, &mut times.infer_ns] {
            tokens.truncate(8);
        }
        sample.token_ids.truncate(8);
    }
    record.commit.as_mut().unwrap().dirty = false;
    experiment
}

fn ab_of(run: &Experiment) -> Experiment {
    let arm = |label: &str| Arm { label: label.to_owned(), ..run.arms[0].clone() };
    Experiment {
        plan: PlanKind::Ab,
        arms: vec![arm("base"), arm("head")],
        rounds: vec![Round::beginning_with(Side::Base)],
        ..run.clone()
    }
}

/// Adds commits to a repository until its line is so long, and gives the line, the first one first.
fn line_of_commits(scene: &TempDir, count: usize) -> Vec<String> {
    let folder = scene.path().join("commits");
    let git = |words: &[&str]| {
        let mut git = Command::new("git");
        git.args(words).current_dir(&folder);
        git
    };
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    assert!(git(&["init", "--quiet"]).status().unwrap().success());
    let mut stream = String::new();
    for number in 0..count {
        let committer = format!("committer A <a@localhost> {} +0000", 1_700_000_000 + number);
        let _ = write!(stream, "commit refs/heads/line\nmark :{}\n{committer}\ndata 1\nc\n", number + 1);
        if number > 0 {
            let _ = writeln!(stream, "from :{number}");
        }
    }
    let file = folder.join("stream");
    fs::write(&file, stream).unwrap();
    let mut import = git(&["fast-import", "--quiet"]);
    assert!(import.stdin(fs::File::open(file).unwrap()).status().unwrap().success());
    let listed = git(&["rev-list", "--reverse", "line"]).output().unwrap();
    String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

#[expect(clippy::print_stderr, reason = "a bench talks")]
fn report(line: &str) {
    eprintln!("{line}");
}
