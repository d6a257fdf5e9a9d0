//! Cargo building the program of a checkout.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::gate::side::environment;
use crate::sys::FileLock;
use crate::sys::{GroupEnded, GroupPatience, below_reaper, group_end};

/// The package, and its program.
const PROGRAM: &str = "arcgauge";
/// Longest time for a build: several times what two slow cores need for all dependencies.
const LONGEST_BUILD: Duration = Duration::from_hours(1);
/// Longest time for a program to say that it knows a verb.
const LONGEST_WORD: Duration = Duration::from_secs(30);
/// From being asked to end until being made to.
const TERMINATE: Duration = Duration::from_secs(3);
/// Cargo's pipes end with it, unless something that it left behind holds them.
const PIPE_GRACE: Duration = Duration::from_secs(2);
/// So many of cargo's last lines tell why a build failed.
const LAST_LINES: usize = 20;
/// How cargo says that a checkout has no such program.
const NO_PROGRAM: [&str; 3] =
    ["did not match any packages", "no bin target named `arcgauge`", "Cargo.toml` does not exist"];

/// Where and by what a program is built.
pub(super) struct CargoBuild<'a> {
    pub(super) cargo: &'a OsStr,
    /// This program, by which cargo is started so that it ends with it.
    pub(super) own: Option<&'a Path>,
    pub(super) checkout: &'a Path,
    pub(super) target: &'a Path,
    /// Who holds the checkout; cargo holds it, too, while it lives.
    pub(super) lock: &'a FileLock,
    /// What is built, for messages.
    pub(super) what: &'a str,
}

impl CargoBuild<'_> {
    /// Builds the program and gives its path; None where it was stopped. `hear` gets cargo's lines as they
    /// come; a build that had nothing to do has none.
    ///
    /// # Errors
    /// When cargo cannot be run, the checkout has no such program, or it cannot be built.
    pub(super) fn run(&self, stop: &AtomicBool, hear: &mut dyn FnMut(&str)) -> Result<Option<PathBuf>> {
        let mut child = self.command()?.spawn().map_err(|cause| {
            Error::harness(format!("cannot run `{}`: {cause}", self.cargo.to_string_lossy()))
                .hint("install Rust with rustup: a side is built from its commit")
        })?;
        let messages = child.stdout.take().map(lines_of);
        let words = child.stderr.take().map(lines_of);
        let mut last = VecDeque::new();
        let mut programs = Vec::new();
        let mut take = |patience: Duration| {
            while let Some(line) = next_line(words.as_ref(), patience) {
                if !is_the_end_of_all_builds(&line) {
                    hear(&line);
                    last.push_back(line);
                    drop((last.len() > LAST_LINES).then(|| last.pop_front()));
                }
            }
            while let Some(line) = next_line(messages.as_ref(), patience) {
                programs.extend(program_of(&line));
            }
        };
        let patience = GroupPatience { run: LONGEST_BUILD, terminate: TERMINATE };
        let ended = group_end(&mut child, stop, patience, &mut || take(Duration::ZERO));
        take(PIPE_GRACE);
        let last: Vec<String> = last.into();
        match ended.map_err(|cause| Error::harness(format!("cargo cannot be waited for: {cause}")))? {
            GroupEnded::Stopped => Ok(None),
            GroupEnded::TooLong => {
                Err(self.failed(&format!("did not end within {} s", LONGEST_BUILD.as_secs()), &last))
            }
            GroupEnded::ByItself(status) if !status.success() => {
                let has_none = |line: &String| NO_PROGRAM.iter().any(|words| line.contains(words));
                if last.iter().any(has_none) {
                    return Err(self.no_program());
                }
                Err(self.failed(&format!("ended with {status}"), &last))
            }
            GroupEnded::ByItself(_) => programs.pop().map(Some).ok_or_else(|| self.no_program()),
        }
    }

    fn command(&self) -> Result<Command> {
        let mut command =
            self.own.map_or_else(|| Command::new(self.cargo), |own| below_reaper(own, self.cargo));
        environment::strip(&mut command);
        command
            .args(["build", "--release", "--locked", "--package", PROGRAM, "--bin", PROGRAM])
            .arg("--message-format=json-render-diagnostics")
            .arg("--manifest-path")
            .arg(self.checkout.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(self.target)
            // Where the checkout's own configuration of cargo is found.
            .current_dir(self.checkout)
            // Should this process be killed, the next waits for this cargo to end, too.
            .stdin(self.lock.as_stdin()?)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for us alone, and all that cargo starts can be ended with it.
            .process_group(0);
        Ok(command)
    }

    fn failed(&self, how: &str, last: &[String]) -> Error {
        let what = format!("cannot build `{PROGRAM}` of {}: cargo {how}", self.what);
        Error::harness(what).details(last.to_vec()).hint(
            "fix it, or name a commit that builds: `cargo build --release --locked` in a checkout shows the fault",
        )
    }

    fn no_program(&self) -> Error {
        Error::input(format!("{} has no package `{PROGRAM}` with a program of this name", self.what))
            .hint("name a commit of arcgauge: `git log --oneline -- src/main.rs`")
    }
}

/// Makes sure that a program can be a worker; None where it was stopped.
///
/// # Errors
/// When it knows no such verb, or cannot be run.
pub(super) fn check_is_worker(program: &Path, what: &str, stop: &AtomicBool) -> Result<Option<()>> {
    let failed = |cause: std::io::Error| Error::io("run", program, &cause);
    let mut child = Command::new(program)
        .args(["worker", "--help"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let patience = GroupPatience { run: LONGEST_WORD, terminate: TERMINATE };
    match group_end(&mut child, stop, patience, &mut || ()).map_err(failed)? {
        GroupEnded::Stopped => Ok(None),
        GroupEnded::ByItself(status) if status.success() => Ok(Some(())),
        GroupEnded::ByItself(_) | GroupEnded::TooLong => Err(Error::input(format!(
            "`{PROGRAM}` of {what} knows no `worker`: it cannot be measured by another"
        ))
        .hint("name a later commit: the first with workers is `git log --reverse -- src/cli/worker.rs`")),
    }
}

/// The lines of a pipe, read by a thread of its own.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        // What is no UTF-8, as in a path, must not end the reading.
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    lines
}

fn next_line(lines: Option<&Receiver<String>>, patience: Duration) -> Option<String> {
    lines.and_then(|lines| lines.recv_timeout(patience).ok())
}

/// Said by every build, the one with nothing to do among them.
fn is_the_end_of_all_builds(line: &str) -> bool {
    line.contains("Finished") && line.contains("profile [")
}

/// The path in cargo's message about the finished program; other messages have none.
fn program_of(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == PROGRAM;
    if is_ours { message["executable"].as_str().map(PathBuf::from) } else { None }
}
