//! What a supervisor and one worker say to each other, with a limit on every wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::engine::{Choice, Path, Replay};
use crate::error::{Error, Result};
use crate::measure::protocol::{
    Command, Event, Handshake, PROTOCOL_VERSION, REPLAY_SINCE, ReplayCommand, ReplayPath, ReplayedEvent,
    UNDERSTOOD_VERSIONS,
};
use crate::measure::supervisor::exit_reason::ExitReason;
use crate::measure::supervisor::limits::{Awaited, Limits};
use crate::measure::supervisor::link::{Link, Received};
use crate::workload::TokenId;

/// How often Ctrl-C is looked for while an event is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of a library's talk that are kept: the last ones tell of a crash.
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
    /// How it ended, once it has.
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
        let limit = self.limits.of(awaited, self.cache_warm_up);
        let start = Instant::now();
        loop {
            if self.stop.load(Ordering::Relaxed) {
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
                    let what = format!("the worker told `{line}`, which is no event of the protocol");
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

    /// An event that the protocol does not have here.
    pub(super) fn unexpected(&mut self, event: &Event, awaited: Awaited) -> ExitReason {
        let text = serde_json::to_string(event).unwrap_or_default();
        let what = format!("the worker told `{text}` where {awaited} was awaited");
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

impl Replay for Conversation {
    fn replay(&mut self, prompt: &[TokenId], path: Path<'_>) -> Result<Vec<Choice>> {
        let command = ReplayCommand { token_ids: prompt.to_vec(), path: ReplayPath::from(path) };
        let is_older = self.protocol < REPLAY_SINCE;
        self.send(&if is_older { Command::Witness(command) } else { Command::Replay(command) });
        let ended = |exit_reason: &ExitReason| {
            exit_reason.error().unwrap_or_else(|| Error::harness("the run was interrupted"))
        };
        match self.next(Awaited::Replay) {
            Ok(Event::Replayed(event)) => choices(&event),
            Ok(other) => Err(ended(&self.unexpected(&other, Awaited::Replay))),
            Err(exit_reason) => Err(ended(&exit_reason)),
        }
    }
}

fn choices(event: &ReplayedEvent) -> Result<Vec<Choice>> {
    let steps = event.token_ids.len();
    if event.runner_up_ids.len() != steps || event.logit_margins.len() != steps {
        return Err(Error::harness("the worker told lists of unlike length"));
    }
    let steps = event.token_ids.iter().zip(&event.runner_up_ids).zip(&event.logit_margins);
    Ok(steps
        .map(|((token, runner_up), margin)| Choice { token: *token, runner_up: *runner_up, margin: *margin })
        .collect())
}
