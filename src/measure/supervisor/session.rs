//! The supervisor's plan: fresh workers, one after the other, until the plan is done or one fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use crate::engine::Replay;
use crate::error::Result;
use crate::measure::protocol::{DeviceResolvedEvent, LoadCommand, LoadedEvent};
use crate::measure::supervisor::conversation::Conversation;
use crate::measure::supervisor::exit_reason::ExitReason;
use crate::measure::supervisor::facts::{ProcessFacts, Purpose};
use crate::measure::supervisor::limits::Limits;
use crate::measure::supervisor::link::Link;
use crate::measure::supervisor::worker_run::{WorkerRun, meter};
use crate::measure::{Plan, Role, Sample};
use crate::sys::{Clock, MonotonicClock};

/// What passes between a session and the thread that shows it.
#[derive(Debug, Default)]
pub struct Control {
    /// Set to end the session.
    pub stop: Arc<AtomicBool>,
    /// Tokens of the generation under way, as far as they were reported.
    pub tokens_done: AtomicUsize,
}

/// What is under way, for whoever shows progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aim<'a> {
    /// Measured process, from 0.
    pub process: usize,
    /// Generation in the process, from 0; 0 is the warm-up.
    pub generation: usize,
    /// Warm-up or measured.
    pub role: Role,
    /// The prompt's id.
    pub prompt_id: &'a str,
}

/// Who stands by: shows progress, watches the machine, waits until it has cooled down.
pub trait ProcessObserver {
    /// A process is about to be started.
    ///
    /// # Errors
    /// Why it is not to be started: the session ends so.
    fn before_process(&mut self, process: usize) -> Result<(), ExitReason>;
    /// It was started.
    fn started(&mut self, pid: Option<u32>);
    /// What will run where is known, and whether the process primes the cache or is measured.
    fn resolved(&mut self, resolved: &DeviceResolvedEvent, purpose: Purpose);
    /// The model is loaded.
    fn loaded(&mut self, resolved: &DeviceResolvedEvent, loaded: &LoadedEvent);
    /// A generation begins.
    fn aims(&mut self, aim: Aim<'_>);
    /// Its generations are done, or something ended it.
    fn measured(&mut self);
}

/// What is to be done.
pub struct Job<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What each worker loads.
    pub load: &'a LoadCommand,
    /// How long each word may take.
    pub limits: Limits,
    /// Whether a cold cache of compiled models is filled by a process that is not measured.
    pub prime: bool,
    /// Ends it.
    pub control: &'a Control,
}

/// Worker processes, one after the other, and what they gave.
pub struct Session {
    /// Every process, in order.
    pub processes: Vec<ProcessFacts>,
    /// How the first process ended that did not end well; `Done` where none did. The last process of
    /// a session that went well still lives, to be requested untimed passes, until it is finished.
    pub exit_reason: ExitReason,
    worker: Option<Conversation>,
}

/// Who starts a fresh worker.
pub type Start<'a> = dyn FnMut() -> Result<Box<dyn Link>> + 'a;

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A session that has done nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { processes: Vec::new(), exit_reason: ExitReason::Done, worker: None }
    }

    /// Runs one more measured process, after the one before has left; `index` turns the order of the
    /// prompts and names it. The first may be preceded by one that primes a cold cache of compiled
    /// models. Nothing is run where a process has not ended well.
    pub fn run(
        &mut self,
        job: &Job<'_>,
        index: usize,
        start: &mut Start<'_>,
        observer: &mut dyn ProcessObserver,
    ) {
        loop {
            self.finish();
            if self.exit_reason != ExitReason::Done {
                return;
            }
            let purpose = self.run_one(job, index, start, observer);
            if self.exit_reason != ExitReason::Done {
                self.finish();
                return;
            }
            if purpose == Purpose::Measured {
                return;
            }
        }
    }

    /// Runs one process, and says what it turned out to be for.
    fn run_one(
        &mut self,
        job: &Job<'_>,
        index: usize,
        start: &mut Start<'_>,
        observer: &mut dyn ProcessObserver,
    ) -> Purpose {
        let ready = observer.before_process(index);
        let mut facts = ProcessFacts::new(Purpose::Measured, index, MonotonicClock.now_ns());
        let link = match ready.and_then(|()| start().map_err(ExitReason::Refused)) {
            Ok(link) => link,
            Err(exit_reason) => {
                self.exit_reason = exit_reason;
                return Purpose::Measured;
            }
        };
        let mut conversation = Conversation::new(link, job.limits, Arc::clone(&job.control.stop));
        observer.started(conversation.pid());
        let memory = meter(conversation.pid());
        let may_prime = job.prime && self.processes.is_empty();
        let mut worker_run =
            WorkerRun { job, conversation: &mut conversation, facts: &mut facts, observer, memory };
        let ended = worker_run.load(may_prime).and_then(|()| match worker_run.facts.purpose {
            Purpose::CacheWarmUp => worker_run.prime(),
            Purpose::Measured => worker_run.measure(),
        });
        observer.measured();
        if let Err(exit_reason) = ended {
            self.exit_reason = exit_reason;
        }
        let purpose = facts.purpose;
        self.processes.push(facts);
        self.worker = Some(conversation);
        purpose
    }

    /// Every generation of the measured processes, in order.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let measured = self.processes.iter().filter(|process| process.purpose == Purpose::Measured);
        measured.flat_map(|process| process.samples.iter().cloned()).collect()
    }

    /// The last worker, for untimed passes; None where the session did not end well.
    pub fn replay(&mut self) -> Option<&mut dyn Replay> {
        let worker = self.worker.as_mut().filter(|worker| worker.exit_reason().is_none())?;
        Some(worker)
    }

    /// Lets the last worker leave. Its end, too, may turn out badly, and then there is no speed.
    pub fn finish(&mut self) {
        let Some(mut worker) = self.worker.take() else { return };
        let exit_reason = worker.finish();
        if let Some(process) = self.processes.last_mut() {
            process.ended_ns = MonotonicClock.now_ns();
            process.output_tail = std::mem::take(&mut worker.output_tail);
            process.exit_reason = exit_reason.clone();
        }
        if self.exit_reason == ExitReason::Done {
            self.exit_reason = exit_reason;
        }
    }
}
