//! Running the Criterion benches: for minutes, with a limit, and stopped when the user wants it.

use std::env;
use std::ffi::OsString;
use std::io::stderr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::measure::process_group::ProcessGroup;

/// The benches that Criterion makes; `harness_cost` runs whole `bench`es and is none of them.
const BENCHES: [&str; 5] = ["decode", "generate", "prefill", "record", "tokenize"];
/// Longest time for building and running them all: several times what two slow cores need.
const LONGEST: Duration = Duration::from_mins(30);
/// From being asked to end until being made to.
const TERMINATE: Duration = Duration::from_secs(3);
/// How often an end is looked for: what is being timed must not feel it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How the benches ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenchesEnded {
    /// All of them ran.
    Complete,
    /// They were stopped; what they left is of a part of them.
    Stopped,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
struct Patience {
    run: Duration,
    terminate: Duration,
}

/// Runs Criterion's benches of a checkout, with their results in a folder of their own, which should be
/// empty: Criterion leaves there what earlier runs found, benchmarks that no longer exist among it.
/// What they say goes to stderr. Setting `stop` ends them, and with them all that they started.
///
/// # Errors
/// When cargo cannot be run, a bench fails, or half an hour is not enough.
pub fn run_benches(checkout: &Path, criterion_home: &Path, stop: &AtomicBool) -> Result<BenchesEnded> {
    // Cargo names itself to whatever it runs.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let patience = Patience { run: LONGEST, terminate: TERMINATE };
    run_benches_by(Command::new(cargo), checkout, criterion_home, stop, patience)
}

fn run_benches_by(
    mut cargo: Command,
    checkout: &Path,
    criterion_home: &Path,
    stop: &AtomicBool,
    patience: Patience,
) -> Result<BenchesEnded> {
    let failed = |what: String| Error::harness(format!("`cargo bench` in `{}` {what}", checkout.display()));
    let mut child = cargo
        .args(["bench", "--locked"])
        .args(BENCHES.iter().flat_map(|bench| ["--bench", bench]))
        .current_dir(checkout)
        // Cargo runs each bench in its package's folder.
        .env("CRITERION_HOME", absolute(criterion_home)?)
        .stdin(Stdio::null())
        .stdout(stderr())
        // Ctrl-C is for us alone, and all that cargo starts can be ended with it.
        .process_group(0)
        .spawn()
        .map_err(|cause| {
            Error::harness(format!("cannot run `cargo bench` in `{}`: {cause}", checkout.display()))
                .hint("install Rust with rustup, and name the folder of a checkout")
        })?;
    let waited = ProcessGroup::led_by(child.id()).map(|group| {
        let waited = wait(group, stop, patience.run);
        end(group, waited, patience.terminate);
        waited
    });
    // Last, for then the number could be given to another group.
    let status = child.wait().map_err(|cause| failed(format!("cannot be waited for: {cause}")))?;
    match waited {
        Some(Waited::Stopped) => Ok(BenchesEnded::Stopped),
        Some(Waited::TooLong) => {
            Err(failed(format!("did not end within {} s and was ended", patience.run.as_secs()))
                .hint("`cargo bench --locked` runs it alone, without a limit; or leave `--criterion` out"))
        }
        Some(Waited::Ended) | None if status.success() => Ok(BenchesEnded::Complete),
        Some(Waited::Ended) | None => Err(failed(format!("failed: {status}"))
            .hint("its own words stand above; `cargo bench --locked` runs it alone")),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|cause| Error::io("find", path, &cause))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    Ended,
    Stopped,
    TooLong,
}

fn wait(group: ProcessGroup, stop: &AtomicBool, limit: Duration) -> Waited {
    let began = Instant::now();
    loop {
        if stop.load(Ordering::Relaxed) {
            return Waited::Stopped;
        }
        if group.leader_has_ended() {
            return Waited::Ended;
        }
        if began.elapsed() >= limit {
            return Waited::TooLong;
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Ends what is left of the group.
fn end(group: ProcessGroup, waited: Waited, patience: Duration) {
    if waited != Waited::Ended {
        group.terminate();
        let asked = Instant::now();
        while asked.elapsed() < patience && !is_gone(group) {
            thread::sleep(LOOK_EVERY);
        }
    }
    group.kill();
}

fn is_gone(group: ProcessGroup) -> bool {
    group.leader_has_ended() && group.others().is_empty()
}

#[cfg(test)]
mod tests;
