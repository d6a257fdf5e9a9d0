//! A worker as a process of its own, in a group of its own.

use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command as ProcessCommand, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::measure::out_of_memory::OutOfMemoryKills;
use crate::measure::protocol::Command;
use crate::measure::supervisor::ending::Exit;
use crate::measure::supervisor::link::{Lines, Link, Received};
use crate::measure::supervisor::process_group::ProcessGroup;

/// How often an end that is waited for is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// A worker's pipe ends with its last holder; this long after the worker, its holder is another.
const PIPE_GRACE: Duration = Duration::from_secs(2);

/// How a worker is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProgram {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// A started worker.
pub struct WorkerProcess {
    child: Child,
    group: Option<ProcessGroup>,
    stdin: Option<ChildStdin>,
    lines: Lines,
    out_of_memory: OutOfMemoryKills,
    ended: Option<Exit>,
}

impl WorkerProcess {
    /// Starts the program as the leader of a group, so that Ctrl-C reaches the supervisor alone and
    /// all that the worker starts can be ended with it. Its stderr is the supervisor's.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(worker: &WorkerProgram) -> Result<Self> {
        Self::start_below(Path::new("/"), worker)
    }

    /// The same, with the system's counters of kills for want of memory below another root, as a test
    /// has them.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_below(root: &Path, worker: &WorkerProgram) -> Result<Self> {
        let failed = |cause: &io::Error| {
            Error::io("start the worker", &worker.program, cause)
                .as_input()
                .hint("build it again: `cargo build --release --locked`")
        };
        let mut child = ProcessCommand::new(&worker.program)
            .args(&worker.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|cause| failed(&cause))?;
        let stdout = child.stdout.take().ok_or_else(|| Error::harness("the worker has no stdout"))?;
        Ok(Self {
            group: ProcessGroup::led_by(child.id()),
            stdin: child.stdin.take(),
            lines: Lines::of(stdout),
            out_of_memory: OutOfMemoryKills::below(root, child.id()),
            child,
            ended: None,
        })
    }

    fn wait(&self, patience: Duration) -> bool {
        let start = Instant::now();
        loop {
            if self.group.is_none_or(ProcessGroup::leader_has_ended) {
                return true;
            }
            if start.elapsed() >= patience {
                return false;
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Link for WorkerProcess {
    fn pid(&self) -> Option<u32> {
        Some(self.child.id())
    }

    fn send(&mut self, command: &Command) {
        if let (Some(stdin), Ok(mut line)) = (&mut self.stdin, serde_json::to_vec(command)) {
            line.push(b'\n');
            let _ = stdin.write_all(&line).and_then(|()| stdin.flush());
        }
    }

    fn receive(&mut self, wait: Duration) -> Received {
        self.lines.receive(wait)
    }

    fn end(&mut self, patience: Duration, terminate: Duration) -> Exit {
        if let Some(exit) = &self.ended {
            return exit.clone();
        }
        self.stdin = None;
        let group = self.group;
        if !self.wait(patience)
            && let Some(group) = group
        {
            group.terminate();
            if !self.wait(terminate) {
                group.kill();
            }
        }
        // Before the leader is reaped, for then its number could be given to another group.
        self.wait(Duration::MAX);
        let left_behind = group.map(ProcessGroup::others).unwrap_or_default();
        if let Some(group) = group {
            group.kill();
        }
        let status = self.child.wait().ok();
        let exit = Exit {
            code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
            out_of_memory: self.out_of_memory.grew(),
            left_behind,
            pipe_held: !self.lines.ends_within(PIPE_GRACE),
        };
        self.ended = Some(exit.clone());
        exit
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // Whatever way the supervisor leaves, nothing of the worker stays.
        self.end(Duration::ZERO, Duration::ZERO);
    }
}
