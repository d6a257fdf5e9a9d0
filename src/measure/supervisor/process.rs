//! A worker as a process of its own, in a group of its own.

use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, Command as ProcessCommand, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::measure::out_of_memory::OutOfMemoryKills;
use crate::measure::process_group::{ProcessGroup, kill_one, with_variable};
use crate::measure::protocol::Command;
use crate::measure::supervisor::ending::Exit;
use crate::measure::supervisor::link::{Lines, Link, Received};
use crate::measure::{Clock, MonotonicClock};

/// How often an end that is waited for is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// A worker's pipe ends with its last holder; this long after the worker, its holder is another.
const PIPE_GRACE: Duration = Duration::from_secs(2);

/// How long a process may take to end that was killed.
const KILL_PATIENCE: Duration = Duration::from_secs(30);
/// The variable by which a worker and its descendants are recognised, wherever they go.
const MARK: &str = "ARCGAUGE_WORKER";

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
    /// Commands for the thread that writes them; dropping it closes the worker's stdin.
    commands: Option<Sender<Vec<u8>>>,
    lines: Lines,
    out_of_memory: OutOfMemoryKills,
    /// The value of [`MARK`] that this worker, and whatever it starts, has in its environment.
    mark: String,
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
        let mark = format!("{}-{}", process::id(), MonotonicClock.now_ns());
        let mut child = ProcessCommand::new(&worker.program)
            .args(&worker.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .env(MARK, &mark)
            .process_group(0)
            .spawn()
            .map_err(|cause| failed(&cause))?;
        let stdout = child.stdout.take().ok_or_else(|| Error::harness("the worker has no stdout"))?;
        Ok(Self {
            group: ProcessGroup::led_by(child.id()),
            commands: child.stdin.take().map(written_by_a_thread),
            lines: Lines::of(stdout),
            out_of_memory: OutOfMemoryKills::below(root, child.id()),
            mark,
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
        match (&self.commands, serde_json::to_vec(command)) {
            (Some(commands), Ok(mut line)) => {
                line.push(b'\n');
                let _ = commands.send(line);
            }
            // A command that cannot be written, as one with a path that is no UTF-8, never arrives: the
            // worker's pipe ends, and so does its wait.
            _ => self.commands = None,
        }
    }

    fn receive(&mut self, wait: Duration) -> Received {
        self.lines.receive(wait)
    }

    fn end(&mut self, patience: Duration, terminate: Duration) -> Exit {
        if let Some(exit) = &self.ended {
            return exit.clone();
        }
        self.commands = None;
        let group = self.group;
        if !self.wait(patience)
            && let Some(group) = group
        {
            group.terminate();
            if !self.wait(terminate) {
                group.kill();
            }
        }
        // A process that waits inside a driver for a device that hangs cannot even be killed.
        if !self.wait(KILL_PATIENCE) {
            let exit = Exit { cannot_be_killed: true, ..Exit::default() };
            self.ended = Some(exit.clone());
            return exit;
        }
        // Before the leader is reaped, for then its number could be given to another group.
        let mut left_behind = group.map(ProcessGroup::others).unwrap_or_default();
        left_behind.extend(with_variable(MARK, &self.mark).into_iter().filter(|pid| *pid != self.child.id()));
        left_behind.sort_unstable();
        left_behind.dedup();
        for pid in &left_behind {
            kill_one(*pid);
        }
        if let Some(group) = group {
            group.kill();
        }
        let status = self.child.wait().ok();
        let exit = Exit {
            code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
            out_of_memory: self.out_of_memory.grew(),
            left_behind,
            cannot_be_killed: false,
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

/// Writes what is sent from a thread of its own: a worker that does not read must not hold up whoever
/// waits for its answer with a limit.
fn written_by_a_thread(mut stdin: ChildStdin) -> Sender<Vec<u8>> {
    let (sender, lines) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for line in lines {
            if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
                break;
            }
        }
    });
    sender
}
