//! The pipe to a worker, whoever holds its other end.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::protocol::{Command, Event};
use crate::measure::supervisor::exit_reason::Exit;
use crate::sys::reaper::{REPORT_BEGINS, ReapedWorker, ReaperReport};

/// Lines that are read before they are requested; a worker that talks on waits then.
const LINES_AHEAD: usize = 16;
/// The longest line: far more than any event, and little enough to hold many of.
const LONGEST_LINE_BYTES: u64 = 4 << 20;
/// How every event begins.
const EVENT_BEGINS: &[u8] = b"{\"event\"";
/// Of a line that is shown to people.
const SHOWN_CHARACTERS: usize = 300;

/// What came within a wait.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// An event.
    Event(Box<Event>),
    /// A line that is no event: a library's talk.
    OutputTail(String),
    /// The beginning of a line that was meant as an event and is none.
    Garbled(String),
    /// Nothing yet.
    Nothing,
    /// The pipe has ended.
    Closed,
}

/// A worker, as its supervisor reaches it.
pub trait Link {
    /// The process, where it is one.
    fn pid(&self) -> Option<u32>;

    /// Whether its times are of this machine's `CLOCK_MONOTONIC`, as the protocol asks of a process.
    fn shares_clock(&self) -> bool {
        true
    }

    /// Sends a command. One that does not arrive is noticed by the answer that does not come.
    fn send(&mut self, command: &Command);

    /// What comes next, within this wait.
    fn receive(&mut self, wait: Duration) -> Received;

    /// Waits this long for the worker to leave by itself, then ends it: SIGTERM to its group, and
    /// SIGKILL after `terminate`. No process of its group is left afterwards.
    fn end(&mut self, patience: Duration, terminate: Duration) -> Exit;
}

/// The lines of a pipe, read by a thread of their own: a pipe has no read with a limit.
pub(super) struct Lines {
    lines: Receiver<Vec<u8>>,
    /// How the worker ended, as its reaper reports last. What a worker itself writes so is overwritten then.
    pub(super) reaped: Option<ReapedWorker>,
}

impl Lines {
    pub(super) fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, lines) = mpsc::sync_channel(LINES_AHEAD);
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            loop {
                let mut line = Vec::new();
                match pipe.by_ref().take(LONGEST_LINE_BYTES).read_until(b'\n', &mut line) {
                    Ok(read) if read > 0 && sender.send(line).is_ok() => {}
                    _ => break,
                }
            }
        });
        Self { lines, reaped: None }
    }

    pub(super) fn receive(&mut self, wait: Duration) -> Received {
        match self.lines.recv_timeout(wait) {
            Ok(line) if self.take_report(&line) => Received::Nothing,
            Ok(line) => match serde_json::from_slice(&line) {
                Ok(event) => Received::Event(Box::new(event)),
                Err(_) if line.starts_with(EVENT_BEGINS) => Received::Garbled(beginning(&line)),
                Err(_) => Received::OutputTail(beginning(&line)),
            },
            Err(RecvTimeoutError::Timeout) => Received::Nothing,
            Err(RecvTimeoutError::Disconnected) => Received::Closed,
        }
    }

    /// Takes what comes within this wait, so that whoever writes is not held up. Only the reaper's report
    /// is kept of it.
    pub(super) fn drain(&mut self, wait: Duration) {
        match self.lines.recv_timeout(wait) {
            Ok(line) => {
                self.take_report(&line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(wait),
        }
    }

    /// Whether the pipe ends within this wait, whatever is still said on it.
    pub(super) fn ends_within(&mut self, wait: Duration) -> bool {
        let start = Instant::now();
        loop {
            match self.lines.recv_timeout(wait.saturating_sub(start.elapsed())) {
                Ok(_) if start.elapsed() >= wait => return false,
                Ok(line) => {
                    self.take_report(&line);
                }
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => return true,
            }
        }
    }

    /// Takes the reaper's report, or the empty line before it; false where the line is another.
    fn take_report(&mut self, line: &[u8]) -> bool {
        if line == b"\n" {
            return true;
        }
        if !line.starts_with(REPORT_BEGINS) {
            return false;
        }
        let report = serde_json::from_slice(line).ok();
        self.reaped = report.map(|report: ReaperReport| report.reaper).or(self.reaped.take());
        true
    }
}

/// Enough of a line to recognise it.
fn beginning(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().chars().take(SHOWN_CHARACTERS).collect()
}
