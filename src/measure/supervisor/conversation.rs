//! What a supervisor and one worker say to each other, with a limit on every wait.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::{Choice, Path, Replay};
use crate::error::{Error, Result};
use crate::measure::kv::KvAgreement;
use crate::measure::protocol::{
    CacheState, Command, DeviceResolvedEvent, Event, Handshake, LoadCommand, LoadedEvent, LogitsCommand,
    PROTOCOL_VERSION, REPLAY_SINCE, ReplayCommand, ReplayPath, ReplayRecord, UNDERSTOOD_VERSIONS,
};
use crate::measure::supervisor::{Awaited, Exit, ExitReason, Limits};
use crate::sys::reaper::{REPORT_BEGINS, ReapedWorker, ReaperReport};
use crate::workload::Input;

/// How often Ctrl-C is looked for while an event is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of a library's talk that are kept: the last ones explain a crash.
const OUTPUT_TAIL_LINES: usize = 20;

/// A conversation with one worker. It ends the worker when it is dropped.
pub struct Conversation {
    link: Box<dyn Link>,
    limits: Limits,
    stop: Arc<AtomicBool>,
    /// The version of the protocol that the worker announced.
    protocol: u32,
    /// Set where the load primes a cache, which takes longer.
    pub(super) cache_warm_up: bool,
    /// Set where Ctrl-C waits for the end of the answer under way.
    pub(super) finishes_answer: bool,
    /// Tokens before the first new one of what is under way.
    pub(super) depth_tokens: usize,
    exit_reason: Option<ExitReason>,
    /// The last lines on the worker's stdout that were no events.
    pub(super) output_tail: Vec<String>,
}

impl Conversation {
    pub(super) fn new(link: Box<dyn Link>, limits: Limits, stop: Arc<AtomicBool>) -> Self {
        Self {
            link,
            limits,
            stop,
            protocol: PROTOCOL_VERSION,
            cache_warm_up: false,
            finishes_answer: false,
            depth_tokens: 0,
            exit_reason: None,
            output_tail: Vec::new(),
        }
    }

    pub(super) fn shares_clock(&self) -> bool {
        self.link.shares_clock()
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.link.pid()
    }

    pub(super) fn send(&mut self, command: &Command) {
        self.link.send(command);
    }

    /// The worker's first word; a program that does not know the protocol is refused.
    pub(super) fn handshake(&mut self) -> Result<Handshake, ExitReason> {
        let refused = |what: String| {
            ExitReason::Refused(
                Error::input(what).hint("measure with a program that speaks the worker's protocol"),
            )
        };
        match self.next(Awaited::Handshake) {
            Ok(Event::Handshake(handshake)) if UNDERSTOOD_VERSIONS.contains(&handshake.protocol) => {
                self.protocol = handshake.protocol;
                Ok(handshake)
            }
            Ok(Event::Handshake(handshake)) => Err(self.end_as(refused(format!(
                "the worker `{}` speaks protocol {}, and this arcgauge understands up to {}",
                handshake.worker,
                handshake.protocol,
                UNDERSTOOD_VERSIONS[UNDERSTOOD_VERSIONS.len() - 1]
            )))),
            Ok(other) => Err(self.unexpected(&other, Awaited::Handshake)),
            Err(ExitReason::Crashed(how)) => {
                let what = format!("the program ended without a word of the worker's protocol ({how})");
                let refusal = refused(what);
                self.exit_reason = Some(refusal.clone());
                Err(refusal)
            }
            Err(other) => Err(other),
        }
    }

    /// The next event; whatever else happens ends the worker.
    pub(super) fn next(&mut self, awaited: Awaited) -> Result<Event, ExitReason> {
        let limit = self.limits.of(awaited, self.cache_warm_up, self.depth_tokens);
        let start = Instant::now();
        loop {
            if self.stop.load(Ordering::Relaxed) && !self.finishes_answer {
                return Err(self.end_as(ExitReason::Interrupted));
            }
            match self.link.receive(LOOK_EVERY) {
                Received::Event(event) => match *event {
                    Event::Failed(failed) => return Err(self.end_as(ExitReason::Failed(failed.into()))),
                    event => return Ok(event),
                },
                Received::OutputTail(line) => {
                    self.output_tail.push(line);
                    let surplus = self.output_tail.len().saturating_sub(OUTPUT_TAIL_LINES);
                    self.output_tail.drain(..surplus);
                }
                Received::Closed => {
                    let exit = self.link.end(self.limits.end, self.limits.terminate);
                    return Err(self.ended(ExitReason::of_silent(&exit)));
                }
                Received::Garbled(line) => {
                    let what = format!("the worker sent `{line}`, which is no event of the protocol");
                    let error = Error::harness(what).hint("this is a fault of the worker; report it");
                    return Err(self.end_as(ExitReason::Refused(error)));
                }
                Received::Nothing => {}
            }
            // Talk without end is no answer; but what is there already is taken before the clock is
            // asked, for this process may itself have been stopped for a while.
            if start.elapsed() >= limit {
                return Err(self.end_as(ExitReason::TimedOut { awaited, limit }));
            }
        }
    }

    pub(super) fn unexpected(&mut self, event: &Event, awaited: Awaited) -> ExitReason {
        let text = serde_json::to_string(event).unwrap_or_default();
        let what = format!("the worker sent `{text}` where {awaited} was awaited");
        self.end_as(ExitReason::Refused(
            Error::harness(what).hint("this is a fault of the worker; report it"),
        ))
    }

    /// Ends a worker that will not come to its end by itself.
    pub(super) fn end_as(&mut self, exit_reason: ExitReason) -> ExitReason {
        let exit = self.link.end(Duration::ZERO, self.limits.terminate);
        self.ended(if exit.cannot_be_killed { ExitReason::CannotBeKilled } else { exit_reason })
    }

    /// Lets the worker leave. Its end may still turn out badly.
    pub fn finish(&mut self) -> ExitReason {
        if let Some(exit_reason) = &self.exit_reason {
            return exit_reason.clone();
        }
        self.send(&Command::Finish);
        match self.next(Awaited::End) {
            Ok(Event::Done) => {
                let patience = self.limits.end;
                let start = Instant::now();
                let exit = self.link.end(patience, self.limits.terminate);
                let timed_out = start.elapsed() >= patience;
                self.ended(if timed_out {
                    ExitReason::TimedOut { awaited: Awaited::End, limit: patience }
                } else {
                    ExitReason::of_done(exit)
                })
            }
            Ok(other) => self.unexpected(&other, Awaited::End),
            Err(exit_reason) => exit_reason,
        }
    }

    /// How it ended, once it has.
    pub(super) fn exit_reason(&self) -> Option<&ExitReason> {
        self.exit_reason.as_ref()
    }

    fn ended(&mut self, exit_reason: ExitReason) -> ExitReason {
        // What ended it first is what counts.
        self.exit_reason.get_or_insert(exit_reason).clone()
    }
}

impl Conversation {
    /// An untimed pass whose logits the worker writes to a file.
    ///
    /// # Errors
    /// How the worker ended.
    pub fn capture_logits(&mut self, command: LogitsCommand) -> Result<()> {
        self.send(&Command::CaptureLogits(command));
        match self.next(Awaited::Replay) {
            Ok(Event::LogitsCaptured) => Ok(()),
            Ok(other) => Err(ended(&self.unexpected(&other, Awaited::Replay))),
            Err(exit_reason) => Err(ended(&exit_reason)),
        }
    }

    /// An untimed pass whose logits the worker compares with such a file.
    ///
    /// # Errors
    /// How the worker ended.
    pub fn compare_logits(&mut self, command: LogitsCommand) -> Result<KvAgreement> {
        self.send(&Command::CompareLogits(command));
        match self.next(Awaited::Replay) {
            Ok(Event::LogitsCompared(agreement)) => Ok(agreement),
            Ok(other) => Err(ended(&self.unexpected(&other, Awaited::Replay))),
            Err(exit_reason) => Err(ended(&exit_reason)),
        }
    }
}

pub(super) fn ended(exit_reason: &ExitReason) -> Error {
    exit_reason.error().unwrap_or_else(|| Error::harness("the run was interrupted"))
}

impl Replay for Conversation {
    fn replay(&mut self, input: Input<'_>, path: Path<'_>) -> Result<Vec<Choice>> {
        let command = ReplayCommand {
            token_ids: input.token_ids.to_vec(),
            cache_tokens: input.cache_tokens,
            path: ReplayPath::from(path),
        };
        self.depth_tokens = input.depth_tokens();
        let is_older = self.protocol < REPLAY_SINCE;
        self.send(&if is_older { Command::Witness(command) } else { Command::Replay(command) });
        match self.next(Awaited::Replay) {
            Ok(Event::Replayed(event)) => choices(&event),
            Ok(other) => Err(ended(&self.unexpected(&other, Awaited::Replay))),
            Err(exit_reason) => Err(ended(&exit_reason)),
        }
    }
}

fn choices(event: &ReplayRecord) -> Result<Vec<Choice>> {
    let steps = event.token_ids.len();
    if event.runner_up_ids.len() != steps || event.logit_margins.len() != steps {
        return Err(Error::harness("the worker sent lists of different lengths"));
    }
    let steps = event.token_ids.iter().zip(&event.runner_up_ids).zip(&event.logit_margins);
    Ok(steps
        .map(|((token, runner_up), margin)| Choice { token: *token, runner_up: *runner_up, margin: *margin })
        .collect())
}

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

/// What a worker settles on for this load: runtime, device and properties. The worker is ended before it has
/// compiled anything.
///
/// # Errors
/// How the worker ended, where it did not come so far.
pub fn resolve_device(
    link: Box<dyn Link>,
    load: &LoadCommand,
    limits: Limits,
    stop: &Arc<AtomicBool>,
) -> Result<DeviceResolvedEvent, ExitReason> {
    let mut conversation = Conversation::new(link, limits, Arc::clone(stop));
    let resolved = conversation.resolve(load)?;
    conversation.end_as(ExitReason::Done);
    Ok(resolved)
}

impl Conversation {
    fn resolve(&mut self, load: &LoadCommand) -> Result<DeviceResolvedEvent, ExitReason> {
        self.handshake()?;
        self.send(&Command::Load(load.clone()));
        match self.next(Awaited::DeviceResolved)? {
            Event::DeviceResolved(resolved) => Ok(resolved),
            other => Err(self.unexpected(&other, Awaited::DeviceResolved)),
        }
    }

    /// Loads a model for untimed passes alone.
    pub(super) fn load(&mut self, load: &LoadCommand) -> Result<LoadedEvent, ExitReason> {
        self.cache_warm_up = self.resolve(load)?.compiled_model_cache == CacheState::Cold;
        match self.next(Awaited::Loaded)? {
            Event::Loaded(loaded) => Ok(loaded),
            other => Err(self.unexpected(&other, Awaited::Loaded)),
        }
    }
}
