//! A worker as a process of its own, in a group of its own, below a reaper.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, Command as ProcessCommand, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::measure::protocol::Command;
use crate::measure::supervisor::Exit;
use crate::measure::supervisor::conversation::{Lines, Link, Received};
use crate::sys::process::{OutOfMemoryKills, ProcessGroup, descendants, kill_one, with_variable};
use crate::sys::{Clock, MonotonicClock, REAPER_VERB, check_executable, leads_group, signal_of};
use crate::visible;

/// How often an end that is waited for is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// A worker's pipe ends with its last holder; this long after the worker, its holder is another.
const PIPE_GRACE: Duration = Duration::from_secs(2);

/// How long a reaper may take to start its worker.
const START_PATIENCE: Duration = Duration::from_secs(10);
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
    /// Environment variables that it has beside those of this process.
    pub variables: BTreeMap<String, String>,
    /// The `arcgauge` below whose verb `reaper` it is run: this program's own file.
    pub reaper: PathBuf,
}

/// A started worker.
pub struct WorkerProcess {
    /// The reaper, which ends when the worker and all that it started have ended.
    child: Child,
    reaper: Option<ProcessGroup>,
    /// The worker itself; None where it ended before it could be seen.
    pid: Option<u32>,
    group: Option<ProcessGroup>,
    error_output: Option<ErrorOutput>,
    /// Commands for the thread that writes them; dropping it closes the worker's stdin.
    commands: Option<Sender<Vec<u8>>>,
    lines: Lines,
    out_of_memory: OutOfMemoryKills,
    /// The value of [`MARK`] that this worker, and whatever it starts, has in its environment.
    mark: String,
    ended: Option<Exit>,
}

impl WorkerProcess {
    /// Starts the program as the leader of a group, so that Ctrl-C reaches the supervisor alone, below a
    /// reaper that ends all that it starts. Its stderr is passed on, up to a limit.
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
        // A reaper that finds no program could say so only on stderr.
        fs::metadata(&worker.program)
            .and_then(|_| check_executable(&worker.program))
            .map_err(|cause| failed(&cause))?;
        let mark = format!("{}-{}", process::id(), MonotonicClock.now_ns());
        let mut command = ProcessCommand::new(&worker.reaper);
        command
            .args([REAPER_VERB, "--report", "--parent", &process::id().to_string(), "--"])
            .arg(&worker.program)
            .args(&worker.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .envs(&worker.variables)
            .env(MARK, &mark);
        let mut child = leads_group(&mut command).spawn().map_err(|cause| failed(&cause))?;
        let stdout = child.stdout.take().ok_or_else(|| Error::harness("the worker has no stdout"))?;
        let reaper = ProcessGroup::led_by(child.id());
        let pid = child_of(child.id(), reaper);
        Ok(Self {
            reaper,
            pid,
            group: pid.and_then(ProcessGroup::led_by),
            error_output: child.stderr.take().map(ErrorOutput::pass_on),
            commands: child.stdin.take().map(written_by_a_thread),
            lines: Lines::of(stdout),
            out_of_memory: OutOfMemoryKills::below(root, child.id()),
            mark,
            child,
            ended: None,
        })
    }

    /// Signals the worker's group; a reaper that was stopped by its worker continues.
    fn signal(&self, act: impl Fn(ProcessGroup)) {
        if let Some(group) = self.group.or(self.reaper) {
            act(group);
        }
        if let Some(reaper) = self.reaper {
            reaper.resume();
        }
    }

    /// Waits for the end of the reaper, and so of all below it.
    fn wait(&mut self, patience: Duration) -> bool {
        let start = Instant::now();
        loop {
            if self.reaper.is_none_or(ProcessGroup::leader_has_ended) {
                return true;
            }
            if start.elapsed() >= patience {
                return false;
            }
            self.lines.drain(LOOK_EVERY);
        }
    }
}

/// The worker below a reaper, as soon as it is there.
fn child_of(pid: u32, reaper: Option<ProcessGroup>) -> Option<u32> {
    let start = Instant::now();
    while start.elapsed() < START_PATIENCE && !reaper.is_none_or(ProcessGroup::leader_has_ended) {
        if let Some(worker) = descendants(pid).first() {
            return Some(*worker);
        }
        thread::sleep(LOOK_EVERY);
    }
    None
}

impl Link for WorkerProcess {
    fn pid(&self) -> Option<u32> {
        self.pid
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
        if !self.wait(patience) {
            self.signal(ProcessGroup::terminate);
            if !self.wait(terminate) {
                self.signal(ProcessGroup::kill);
            }
        }
        // A process that waits inside a driver for a device that hangs cannot even be killed.
        if !self.wait(KILL_PATIENCE) {
            let exit = Exit { cannot_be_killed: true, ..Exit::default() };
            self.ended = Some(exit.clone());
            return exit;
        }
        let status = self.child.wait().ok();
        let mut left_behind = with_variable(MARK, &self.mark);
        // A reaper that was itself killed has ended nothing.
        if status.is_none_or(|status| signal_of(status).is_some()) {
            left_behind.extend(self.group.map(ProcessGroup::others).unwrap_or_default());
        }
        left_behind.retain(|pid| Some(*pid) != self.pid);
        for pid in &left_behind {
            kill_one(*pid);
        }
        let pipe_held = !self.lines.ends_within(PIPE_GRACE);
        if let Some(error_output) = self.error_output.take() {
            error_output.wait(PIPE_GRACE);
        }
        let reaped = self.lines.reaped.take();
        left_behind.extend(reaped.iter().flat_map(|worker| &worker.left_behind));
        left_behind.sort_unstable();
        left_behind.dedup();
        let exit = Exit {
            code: reaped.as_ref().map_or(status.and_then(|status| status.code()), |worker| worker.code),
            signal: reaped.as_ref().map_or(status.and_then(signal_of), |worker| worker.signal),
            out_of_memory: self.out_of_memory.grew(),
            left_behind,
            cannot_be_killed: false,
            pipe_held,
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

/// What is passed on as it comes, bytes.
const PASSED_ON_BYTES: usize = 256 << 10;
/// What is kept of the rest, bytes: the last lines explain a crash.
const TAIL_BYTES: usize = 16 << 10;
/// Read at once, bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// A longer line is passed on in pieces, bytes.
const LONGEST_LINE_BYTES: usize = 8 << 10;

/// The stderr of a worker, or what cargo prints, read by a thread of its own.
pub(in crate::measure) struct ErrorOutput {
    ended: Receiver<()>,
}

impl ErrorOutput {
    /// Passes on what comes from the pipe.
    pub(super) fn pass_on(pipe: impl Read + Send + 'static) -> Self {
        Self::pass_on_to(pipe, std::io::stderr())
    }

    /// Passes it on to `out`.
    pub(in crate::measure) fn pass_on_to(
        pipe: impl Read + Send + 'static,
        out: impl Write + Send + 'static,
    ) -> Self {
        let (sender, ended) = mpsc::channel::<()>();
        thread::spawn(move || {
            copy(pipe, out);
            drop(sender);
        });
        Self { ended }
    }

    /// Waits, at most this long, until everything was passed on.
    pub(in crate::measure) fn wait(&self, patience: Duration) {
        let _ = self.ended.recv_timeout(patience);
    }
}

/// A reader of ours that is gone is no reason to stop the worker: what it writes is still read.
fn copy(pipe: impl Read, mut out: impl Write) {
    let mut pipe = BufReader::with_capacity(CHUNK_BYTES, pipe);
    let mut room = PASSED_ON_BYTES;
    while room > 0 {
        let mut line = Vec::new();
        let longest = LONGEST_LINE_BYTES.min(room) as u64;
        match pipe.by_ref().take(longest).read_until(b'\n', &mut line) {
            Ok(read) if read > 0 => room -= read,
            _ => return,
        }
        pass_on(&line, &mut out);
    }
    let mut tail: VecDeque<u8> = VecDeque::with_capacity(TAIL_BYTES + CHUNK_BYTES);
    let mut dropped = 0_u64;
    loop {
        let chunk = match pipe.fill_buf() {
            Ok([]) => break,
            Ok(chunk) => chunk,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let read = chunk.len();
        tail.extend(chunk);
        pipe.consume(read);
        let surplus = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..surplus);
        dropped += surplus as u64;
    }
    if dropped > 0 {
        let _ = writeln!(out, "\n[{dropped} bytes of this output are not shown]");
    }
    pass_on(tail.make_contiguous(), &mut out);
}

/// It is text of others.
fn pass_on(bytes: &[u8], out: &mut impl Write) {
    let text = visible::lines(&String::from_utf8_lossy(bytes));
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn shown(written: impl Read + Send + 'static) -> String {
        let terminal = Terminal::default();
        ErrorOutput::pass_on_to(written, terminal.clone()).wait(Duration::from_mins(1));
        String::from_utf8(terminal.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn stderr_of_usual_length_is_passed_on_whole() {
        assert_eq!(shown(Cursor::new("a warning\n")), "a warning\n");
        assert_eq!(
            shown(Cursor::new("\x1b[2J\u{202e}\n::error::x\nend")),
            "\\u{1b}[2J\\u{202e}\n: :error::x\nend"
        );
        let long = "x".repeat(PASSED_ON_BYTES + TAIL_BYTES);
        assert_eq!(shown(Cursor::new(long.clone())), long);
    }

    #[test]
    fn of_stderr_without_end_the_beginning_and_the_end_are_shown_and_how_much_is_not() {
        let flood = io::repeat(b'y').take(64 << 20);
        let text =
            shown(Cursor::new("the first words\n").chain(flood).chain(Cursor::new("\nthe last words\n")));
        assert!(text.starts_with("the first words\nyyy") && text.ends_with("yyy\nthe last words\n"));
        assert!(text.len() < 300_000, "{} bytes are shown", text.len());
        let dropped = (64 << 20) + 32 - PASSED_ON_BYTES - TAIL_BYTES;
        assert!(text.contains(&format!("\n[{dropped} bytes of this output are not shown]\n")));
    }
}
