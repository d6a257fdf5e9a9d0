//! The `git` program as transport: git2 without features has neither TLS nor ssh.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::error::{Error, Result};
use crate::sys::limit_child;

/// What would make git look at another repository than the one that it is given, as inside a hook.
const OTHERS_REPOSITORY: [&str; 15] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Address space of a git that fetches: packs are mapped, so it is more than is in memory.
const MOST_MEMORY_BYTES: u64 = 4 << 30;
/// Its processor time. Ten thousand records take a few seconds.
const MOST_PROCESSOR_S: u64 = 120;

/// `git`, to be run in a folder, deaf to whoever runs us, speaking English.
pub(in crate::record) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env("LC_ALL", "C").stdin(Stdio::null());
    for variable in OTHERS_REPOSITORY {
        command.env_remove(variable);
    }
    command
}

/// Runs it to its end, whatever that is.
pub(super) fn ended(command: &mut Command) -> Result<Output> {
    command.output().map_err(|cause| {
        Error::harness(format!("cannot start `git`: {cause}")).hint("install git; `git --version` tells it")
    })
}

/// The same for what a stranger's repository decides on: a pack may unfold to any size.
pub(super) fn ended_within_limits(command: &mut Command) -> Result<Output> {
    let failed = |cause: std::io::Error| Error::harness(format!("cannot run `git`: {cause}"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(failed)?;
    // Of one that has ended already there is nothing to limit.
    let _ = limit_child(&child, MOST_MEMORY_BYTES, MOST_PROCESSOR_S);
    child.wait_with_output().map_err(failed)
}

/// Runs it, hands it the input, and gives what it printed.
///
/// # Errors
/// When it fails, in its own words.
pub(super) fn fed(command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
    let start = |cause: std::io::Error| {
        Error::harness(format!("cannot run `git`: {cause}")).hint("install git; `git --version` tells it")
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(start)?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    // Both pipes are served at once, for either may fill while the other waits.
    let (reported, complaint) = thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        let complaint = scope.spawn(move || {
            let mut text = String::new();
            let _ = stderr.map(|mut stderr| stderr.read_to_string(&mut text));
            text
        });
        let mut reported = Vec::new();
        let _ = child.stdout.take().map(|mut stdout| stdout.read_to_end(&mut reported));
        (reported, complaint.join().unwrap_or_default())
    });
    let status = child.wait().map_err(start)?;
    if status.success() { Ok(reported) } else { Err(failed(command, &complaint)) }
}

/// Runs it and gives the text that it printed, without the last line's end.
///
/// # Errors
/// When it fails, in its own words.
pub(in crate::record) fn reported(command: &mut Command) -> Result<String> {
    let output = ended(command)?;
    if !output.status.success() {
        return Err(failed(command, &String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// The error of a git that failed, with its own words.
pub(super) fn failed(command: &Command, complaint: &str) -> Error {
    let mut words = command.get_args().filter_map(OsStr::to_str);
    let is_verb = |word: &&str| !word.starts_with('-') && !word.contains(['/', '=']);
    let verb = words.find(is_verb).unwrap_or_default();
    Error::harness(format!("`git {verb}` failed: {}", complaint.trim()))
        .hint("see that the remote can be reached: `git ls-remote origin`")
}
