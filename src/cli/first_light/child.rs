//! A step as a process of this program's own: with a limit, reported as it goes, and gone at the end.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::cli::say;
use crate::sys::{GroupEnded, GroupPatience, below_reaper, group_end, leads_group};

/// From the request to end until it is forced to: a verb that measures ends its workers and keeps a record.
const TERMINATE: Duration = Duration::from_secs(20);

/// What a step reported.
pub(super) struct ChildReport {
    pub(super) ended: ChildEnded,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) took: Duration,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChildEnded {
    /// By itself, with this exit code; None where a signal ended it.
    ByItself(Option<i32>),
    /// It was not done within its limit.
    TooLong,
    /// Ctrl-C.
    Stopped,
}

impl ChildReport {
    /// The file of the record that it stored.
    pub(super) fn record(&self) -> Option<&Path> {
        self.stderr.lines().rev().find_map(|line| line.strip_prefix("record: ")).map(Path::new)
    }

    /// What it complained of last, in a line.
    pub(super) fn error(&self) -> Option<String> {
        let at = self.stderr.rfind("error: ")?;
        let reported = self.stderr[at + "error: ".len()..].split("\nhint: ").next()?;
        let words: Vec<&str> = reported.split_whitespace().collect();
        Some(words.join(" "))
    }
}

/// Runs this program with these arguments; what it says is said, set in. Its output goes to files in a
/// folder, for a pipe would be held open by whatever it leaves behind.
pub(super) fn run(
    arguments: &[OsString],
    folder: &Path,
    limit: Duration,
    stop: &AtomicBool,
) -> std::io::Result<ChildReport> {
    let began = Instant::now();
    let (out, err) = (folder.join("stdout"), folder.join("stderr"));
    let own = env::current_exe()?;
    let mut command = below_reaper(&own, own.as_os_str());
    command.args(arguments).stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
    let mut child = leads_group(&mut command).spawn()?;
    let mut follower = Follower::of(&err)?;
    let patience = GroupPatience { run: limit, terminate: TERMINATE };
    let ended = group_end(&mut child, stop, patience, &mut || follower.report())?;
    follower.report_rest();
    let text = |file| fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(ChildReport {
        ended: match ended {
            GroupEnded::ByItself(status) => ChildEnded::ByItself(status.code()),
            GroupEnded::TooLong => ChildEnded::TooLong,
            GroupEnded::Stopped => ChildEnded::Stopped,
        },
        stdout: text(out)?,
        stderr: text(err)?,
        took: began.elapsed(),
    })
}

/// Says the lines of a file as they come.
struct Follower {
    file: File,
    /// Of a line that has not ended.
    begun: Vec<u8>,
}

impl Follower {
    fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: File::open(path)?, begun: Vec::new() })
    }

    fn report(&mut self) {
        let _ = self.file.read_to_end(&mut self.begun);
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            say(&format!("  {}", String::from_utf8_lossy(&line).trim_end()));
        }
    }

    fn report_rest(&mut self) {
        self.report();
        if !self.begun.is_empty() {
            say(&format!("  {}", String::from_utf8_lossy(&self.begun)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(stderr: &str) -> ChildReport {
        ChildReport {
            ended: ChildEnded::ByItself(Some(20)),
            stdout: String::new(),
            stderr: stderr.to_owned(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn the_record_and_the_last_complaint_are_found_among_the_talk() {
        let reported = reported(
            "warning: x\nrecord: /a b/c.json\npage: y\nerror: the worker\n  hung\n\nhint: do this\n",
        );
        assert_eq!(reported.record(), Some(Path::new("/a b/c.json")));
        assert_eq!(reported.error().as_deref(), Some("the worker hung"));
    }

    #[test]
    fn a_step_without_either_has_neither() {
        assert_eq!((reported("fine\n").record(), reported("fine\n").error()), (None, None));
    }
}
