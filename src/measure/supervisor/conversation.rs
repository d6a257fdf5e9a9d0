//! What a supervisor and one worker say to each other, with a limit on every wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::engine::{Choice, Path, Witness};
use crate::error::{Error, Result};
use crate::measure::protocol::{
    Command, Event, Hello, UNDERSTOOD_VERSIONS, WitnessCommand, WitnessPath, WitnessedEvent,
};
use crate::measure::supervisor::ending::Ending;
use crate::measure::supervisor::limits::{Awaited, Limits};
use crate::measure::supervisor::link::{Link, Received};
use crate::workload::TokenId;

/// How often Ctrl-C is looked for while an event is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of a library's talk that are kept: the last ones tell of a crash.
const KEPT_TALK: usize = 20;

/// A conversation with one worker. It ends the worker when it is dropped.
pub struct Conversation {
    link: Box<dyn Link>,
    limits: Limits,
    stop: Arc<AtomicBool>,
    /// Set where the load primes a cache, which takes longer.
    pub(super) priming: bool,
    /// How it ended, once it has.
    ending: Option<Ending>,
    /// The last lines on the worker's stdout that were no events.
    pub(super) talk: Vec<String>,
}

impl Conversation {
    pub(super) fn new(link: Box<dyn Link>, limits: Limits, stop: Arc<AtomicBool>) -> Self {
        Self { link, limits, stop, priming: false, ending: None, talk: Vec::new() }
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
    pub(super) fn hello(&mut self) -> Result<Hello, Ending> {
        let refused = |what: String| {
            Ending::Refused(
                Error::input(what).hint("measure with a program that speaks the worker's protocol"),
            )
        };
        match self.next(Awaited::Hello) {
            Ok(Event::Hello(hello)) if UNDERSTOOD_VERSIONS.contains(&hello.protocol) => Ok(hello),
            Ok(Event::Hello(hello)) => Err(self.end_as(refused(format!(
                "the worker `{}` speaks protocol {}, and this arcgauge understands up to {}",
                hello.worker,
                hello.protocol,
                UNDERSTOOD_VERSIONS[UNDERSTOOD_VERSIONS.len() - 1]
            )))),
            Ok(other) => Err(self.unexpected(&other, Awaited::Hello)),
            Err(Ending::Crashed(how)) => {
                let what = format!("the program ended without a word of the worker's protocol ({how})");
                let refusal = refused(what);
                self.ending = Some(refusal.clone());
                Err(refusal)
            }
            Err(other) => Err(other),
        }
    }

    /// The next event; whatever else happens ends the worker.
    pub(super) fn next(&mut self, awaited: Awaited) -> Result<Event, Ending> {
        let limit = self.limits.of(awaited, self.priming);
        let start = Instant::now();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(self.end_as(Ending::Interrupted));
            }
            match self.link.receive(LOOK_EVERY) {
                Received::Event(event) => match *event {
                    Event::Failed(failed) => return Err(self.end_as(Ending::Failed(failed.into()))),
                    event => return Ok(event),
                },
                Received::Talk(line) => {
                    self.talk.push(line);
                    let surplus = self.talk.len().saturating_sub(KEPT_TALK);
                    self.talk.drain(..surplus);
                }
                Received::Closed => {
                    let exit = self.link.end(self.limits.end, self.limits.terminate);
                    return Err(self.ended(Ending::of_silent(&exit)));
                }
                Received::Garbled(line) => {
                    let what = format!("the worker told `{line}`, which is no event of the protocol");
                    let error = Error::harness(what).hint("this is a fault of the worker; report it");
                    return Err(self.end_as(Ending::Refused(error)));
                }
                Received::Nothing => {}
            }
            // Talk without end is no answer; but what is there already is taken before the clock is
            // asked, for this process may itself have been stopped for a while.
            if start.elapsed() >= limit {
                return Err(self.end_as(Ending::TimedOut { awaited, limit }));
            }
        }
    }

    /// An event that the protocol does not have here.
    pub(super) fn unexpected(&mut self, event: &Event, awaited: Awaited) -> Ending {
        let text = serde_json::to_string(event).unwrap_or_default();
        let what = format!("the worker told `{text}` where {awaited} was awaited");
        self.end_as(Ending::Refused(Error::harness(what).hint("this is a fault of the worker; report it")))
    }

    /// Ends a worker that will not come to its end by itself.
    pub(super) fn end_as(&mut self, ending: Ending) -> Ending {
        let exit = self.link.end(Duration::ZERO, self.limits.terminate);
        self.ended(if exit.cannot_be_killed { Ending::CannotBeKilled } else { ending })
    }

    /// Lets the worker leave. Its end may still turn out badly.
    pub fn finish(&mut self) -> Ending {
        if let Some(ending) = &self.ending {
            return ending.clone();
        }
        self.send(&Command::Finish);
        match self.next(Awaited::End) {
            Ok(Event::Done) => {
                let patience = self.limits.end;
                let start = Instant::now();
                let exit = self.link.end(patience, self.limits.terminate);
                let timed_out = start.elapsed() >= patience;
                self.ended(if timed_out {
                    Ending::TimedOut { awaited: Awaited::End, limit: patience }
                } else {
                    Ending::of_done(exit)
                })
            }
            Ok(other) => self.unexpected(&other, Awaited::End),
            Err(ending) => ending,
        }
    }

    /// How it ended, once it has.
    pub(super) fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    fn ended(&mut self, ending: Ending) -> Ending {
        // What ended it first is what counts.
        self.ending.get_or_insert(ending).clone()
    }
}

impl Witness for Conversation {
    fn witness(&mut self, prompt: &[TokenId], path: Path<'_>) -> Result<Vec<Choice>> {
        let path = WitnessPath::from(path);
        self.send(&Command::Witness(WitnessCommand { token_ids: prompt.to_vec(), path }));
        let ended =
            |ending: &Ending| ending.error().unwrap_or_else(|| Error::harness("the run was interrupted"));
        match self.next(Awaited::Witness) {
            Ok(Event::Witnessed(event)) => choices(&event),
            Ok(other) => Err(ended(&self.unexpected(&other, Awaited::Witness))),
            Err(ending) => Err(ended(&ending)),
        }
    }
}

fn choices(event: &WitnessedEvent) -> Result<Vec<Choice>> {
    let steps = event.token_ids.len();
    if event.runner_up_ids.len() != steps || event.gaps_logit.len() != steps {
        return Err(Error::harness("the worker told lists of unlike length"));
    }
    let steps = event.token_ids.iter().zip(&event.runner_up_ids).zip(&event.gaps_logit);
    Ok(steps
        .map(|((token, runner_up), gap)| Choice { token: *token, runner_up: *runner_up, gap: *gap })
        .collect())
}
