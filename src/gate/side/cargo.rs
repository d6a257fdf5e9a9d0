//! Cargo building the program of a checkout.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{env, thread};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::sys::{FileLock, GroupEnded, GroupPatience, below_reaper, group_end, leads_group};

/// The package, and its program.
const PROGRAM: &str = "arcgauge";
/// Longest time for a build: several times what two slow cores need for all dependencies.
const LONGEST_BUILD: Duration = Duration::from_hours(1);
/// Longest time for a program to say that it knows a verb.
const LONGEST_WORD: Duration = Duration::from_secs(30);
/// From the request to end until it is forced to.
const TERMINATE: Duration = Duration::from_secs(3);
/// Cargo's pipes end with it, unless something that it left behind holds them.
const PIPE_GRACE: Duration = Duration::from_secs(2);
/// So many of cargo's last lines are shown where a build failed.
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
    /// Builds the program and gives its path; None where it was stopped. `report` gets cargo's lines as they
    /// come; a build that had nothing to do has none.
    ///
    /// # Errors
    /// When cargo cannot be run, the checkout has no such program, or it cannot be built.
    pub(super) fn run(&self, stop: &AtomicBool, report: &mut dyn FnMut(&str)) -> Result<Option<PathBuf>> {
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
                    report(&line);
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
        strip(&mut command);
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
            .stderr(Stdio::piped());
        // Ctrl-C is for us alone, and all that cargo starts can be ended with it.
        leads_group(&mut command);
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
    let mut command = Command::new(program);
    command.args(["worker", "--help"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = leads_group(&mut command).spawn().map_err(failed)?;
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

/// Beginnings of names that are taken away.
const TAKEN: [&str; 9] = [
    "CARGO",
    "RUST",
    "MAKEFLAGS",
    "MFLAGS",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
];
/// Beginnings of names among them that stay.
const LEFT: [&str; 10] = [
    "CARGO_BUILD_JOBS",
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
];
/// Names, alone or before a `_`, of what chooses and steers the C++ compiler.
const COMPILER: [&str; 6] = ["AR", "ARFLAGS", "CC", "CFLAGS", "CXX", "CXXFLAGS"];

/// Takes out of a command's environment what a build may not see.
fn strip(command: &mut Command) {
    for (name, _) in env::vars_os().filter(|(name, _)| !is_handed_on(&name.to_string_lossy())) {
        command.env_remove(name);
    }
}

/// The cargo that runs this process, else the user's.
pub(super) fn user_cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// By what compilers things are built: what rustc says of itself, and the C++ compiler's variables. Rustc
/// is queried in `folder`, so that no toolchain file of the user's work tree counts.
///
/// # Errors
/// When there is no rustc.
pub(super) fn toolchain(folder: &Path) -> Result<String> {
    let failed = |what: String| {
        Error::harness(format!("cannot run `rustc --version --verbose`: {what}"))
            .hint("install Rust with rustup: a side is built from its commit")
    };
    let mut rustc = Command::new("rustc");
    strip(&mut rustc);
    let requested = rustc.args(["--version", "--verbose"]).current_dir(folder).stdin(Stdio::null()).output();
    let reported = requested.map_err(|cause| failed(cause.to_string()))?;
    if !reported.status.success() {
        return Err(failed(String::from_utf8_lossy(&reported.stderr).trim().to_owned()));
    }
    let mut variables: Vec<String> = env::vars_os()
        .filter(|(name, _)| is_the_compilers(&name.to_string_lossy()))
        .map(|(name, value)| format!("{}={}\n", name.to_string_lossy(), value.to_string_lossy()))
        .collect();
    variables.sort();
    Ok(format!("{}{}", String::from_utf8_lossy(&reported.stdout), variables.concat()))
}

fn is_handed_on(name: &str) -> bool {
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| name.starts_with(beginning));
    begins(&LEFT) || !begins(&TAKEN)
}

fn is_the_compilers(name: &str) -> bool {
    let rest = |compiler: &&str| name.strip_prefix(*compiler);
    COMPILER.iter().filter_map(rest).any(|rest| rest.is_empty() || rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_a_build_or_leads_it_elsewhere_is_taken_away() {
        for name in [
            "CARGO",
            "CARGO_BUILD_TARGET",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_INCREMENTAL",
            "CARGO_MAKEFLAGS",
            "CARGO_MANIFEST_DIR",
            "CARGO_PROFILE_RELEASE_DEBUG",
            "CARGO_TARGET_DIR",
            "GIT_DIR",
            "MAKEFLAGS",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ] {
            assert!(!is_handed_on(name), "{name}");
        }
    }

    #[test]
    fn what_finds_packages_and_compilers_stays() {
        for name in [
            "CARGO_HOME",
            "GIT_SSH_COMMAND",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_OURS_INDEX",
            "PATH",
            "HOME",
            "CXX",
        ] {
            assert!(is_handed_on(name), "{name}");
        }
    }

    #[test]
    fn the_variables_of_the_compiler_are_known_with_and_without_a_target() {
        for name in ["CC", "CXXFLAGS", "CC_x86_64-unknown-linux-gnu", "CFLAGS_aarch64"] {
            assert!(is_the_compilers(name), "{name}");
        }
        for name in ["CCACHE_DIR", "ARCH", "PATH", "CARGO"] {
            assert!(!is_the_compilers(name), "{name}");
        }
    }

    #[test]
    fn rustc_tells_its_version() {
        let reported = toolchain(&env::temp_dir()).unwrap();
        assert!(reported.contains("host: ") && reported.contains("release: "), "{reported}");
    }
}
