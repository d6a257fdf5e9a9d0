//! Running the Criterion benches: for minutes, with a limit, and stopped when the user wants it.

use std::env;
use std::ffi::OsString;
use std::io::{Write, stderr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::measure::supervisor::ErrorOutput;
use crate::sys::below_reaper;
use crate::sys::group_end::{GroupEnded, GroupPatience, group_end};

/// The benches that Criterion makes; `harness_cost` runs whole `bench`es and is none of them.
const BENCHES: [&str; 5] = ["decode", "generate", "prefill", "record", "tokenize"];
/// Longest time for building and running them all: several times what two slow cores need.
const LONGEST: Duration = Duration::from_mins(30);
/// From being asked to end until being made to.
const TERMINATE: Duration = Duration::from_secs(3);
/// Pipes end with the benches, unless something that left their group holds them.
const PIPE_GRACE: Duration = Duration::from_secs(2);

/// How the benches ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenchesEnded {
    /// All of them ran.
    Complete,
    /// They were stopped; what they left is of a part of them.
    Stopped,
}

/// Runs Criterion's benches of a checkout, with their results in a folder of their own, which should be
/// empty: Criterion leaves there what earlier runs found, benchmarks that no longer exist among it.
/// `own` is the file of this program, without which they would outlive it when it is killed.
/// What they print goes to stderr. Setting `stop` ends them, and with them all that they started.
///
/// # Errors
/// When cargo cannot be run, a bench fails, or half an hour is not enough.
pub fn run_benches(
    own: &Path,
    checkout: &Path,
    criterion_home: &Path,
    stop: &AtomicBool,
) -> Result<BenchesEnded> {
    // Cargo names itself to whatever it runs.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let patience = GroupPatience { run: LONGEST, terminate: TERMINATE };
    run_benches_by(below_reaper(own, &cargo), checkout, criterion_home, stop, patience, stderr)
}

fn run_benches_by<W: Write + Send + 'static>(
    mut cargo: Command,
    checkout: &Path,
    criterion_home: &Path,
    stop: &AtomicBool,
    patience: GroupPatience,
    out: impl Fn() -> W,
) -> Result<BenchesEnded> {
    let failed = |what: String| Error::harness(format!("`cargo bench` in `{}` {what}", checkout.display()));
    let mut child = cargo
        .args(["bench", "--locked"])
        .args(BENCHES.iter().flat_map(|bench| ["--bench", bench]))
        .current_dir(checkout)
        // Cargo runs each bench in its package's folder.
        .env("CRITERION_HOME", absolute(criterion_home)?)
        .stdin(Stdio::null())
        // The texts of a checkout's code and of its benches are those of others.
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C is for us alone, and all that cargo starts can be ended with it.
        .process_group(0)
        .spawn()
        .map_err(|cause| {
            Error::harness(format!("cannot run `cargo bench` in `{}`: {cause}", checkout.display()))
                .hint("install Rust with rustup, and name the folder of a checkout")
        })?;
    let printed = child.stdout.take().map(|pipe| ErrorOutput::pass_on_to(pipe, out()));
    let errors = child.stderr.take().map(|pipe| ErrorOutput::pass_on_to(pipe, out()));
    let ended = group_end(&mut child, stop, patience, &mut || ())
        .map_err(|cause| failed(format!("cannot be waited for: {cause}")))?;
    printed.iter().chain(&errors).for_each(|output| output.wait(PIPE_GRACE));
    match ended {
        GroupEnded::Stopped => Ok(BenchesEnded::Stopped),
        GroupEnded::TooLong => {
            Err(failed(format!("did not end within {} s and was ended", patience.run.as_secs()))
                .hint("`cargo bench --locked` runs it alone, without a limit; or leave `--criterion` out"))
        }
        GroupEnded::ByItself(status) if status.success() => Ok(BenchesEnded::Complete),
        GroupEnded::ByItself(status) => Err(failed(format!("failed: {status}"))
            .hint("its own words stand above; `cargo bench --locked` runs it alone")),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|cause| Error::io("find", path, &cause))
}

#[cfg(test)]
mod tests;
