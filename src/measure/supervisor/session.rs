//! The supervisor's plan: fresh workers, one after the other, until the plan is done or one fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use crate::engine::Witness;
use crate::error::Result;
use crate::measure::protocol::{LoadCommand, LoadedEvent, SettledEvent};
use crate::measure::supervisor::attend::{Attending, meter};
use crate::measure::supervisor::conversation::Conversation;
use crate::measure::supervisor::ending::Ending;
use crate::measure::supervisor::facts::{ProcessFacts, Purpose};
use crate::measure::supervisor::limits::Limits;
use crate::measure::supervisor::link::Link;
use crate::measure::{Clock, MonotonicClock, Plan, Role, Sample};

/// What passes between a session and the thread that shows it.
#[derive(Debug, Default)]
pub struct Control {
    /// Set to end the session.
    pub stop: Arc<AtomicBool>,
    /// Tokens of the generation under way, as far as they were told.
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
pub trait Attendant {
    /// A process is about to be started.
    ///
    /// # Errors
    /// Why it is not to be started: the session ends so.
    fn before_process(&mut self, process: usize) -> Result<(), Ending>;
    /// It was started.
    fn started(&mut self, pid: Option<u32>);
    /// What will run where is known, and whether the process primes the cache or is measured.
    fn settled(&mut self, settled: &SettledEvent, purpose: Purpose);
    /// The model is loaded.
    fn loaded(&mut self, settled: &SettledEvent, loaded: &LoadedEvent);
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
    /// a session that went well still lives, to be asked for untimed passes, until it is finished.
    pub ending: Ending,
    worker: Option<Conversation>,
}

/// Who starts a fresh worker.
pub type Start<'a> = dyn FnMut() -> Result<Box<dyn Link>> + 'a;

/// Runs the job. What was done before a failure is kept.
pub fn supervise(job: &Job<'_>, start: &mut Start<'_>, attendant: &mut dyn Attendant) -> Session {
    let mut session = Session::new();
    for index in 0..job.plan.processes {
        session.run(job, index, start, attendant);
    }
    session
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A session that has done nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { processes: Vec::new(), ending: Ending::Done, worker: None }
    }

    /// Runs one more measured process, after the one before has left; `index` turns the order of the
    /// prompts and names it. The first may be preceded by one that primes a cold cache of compiled
    /// models. Nothing is run where a process has not ended well.
    pub fn run(&mut self, job: &Job<'_>, index: usize, start: &mut Start<'_>, attendant: &mut dyn Attendant) {
        loop {
            self.finish();
            if self.ending != Ending::Done {
                return;
            }
            let purpose = self.run_one(job, index, start, attendant);
            if self.ending != Ending::Done {
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
        attendant: &mut dyn Attendant,
    ) -> Purpose {
        let ready = attendant.before_process(index);
        let mut facts = ProcessFacts::new(Purpose::Measured, index, MonotonicClock.now_ns());
        let link = match ready.and_then(|()| start().map_err(Ending::Refused)) {
            Ok(link) => link,
            Err(ending) => {
                self.ending = ending;
                return Purpose::Measured;
            }
        };
        let mut conversation = Conversation::new(link, job.limits, Arc::clone(&job.control.stop));
        attendant.started(conversation.pid());
        let memory = meter(conversation.pid());
        let may_prime = job.prime && self.processes.is_empty();
        let mut attending =
            Attending { job, conversation: &mut conversation, facts: &mut facts, attendant, memory };
        let ended = attending.load(may_prime).and_then(|()| match attending.facts.purpose {
            Purpose::Priming => attending.prime(),
            Purpose::Measured => attending.measure(),
        });
        attendant.measured();
        if let Err(ending) = ended {
            self.ending = ending;
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
    pub fn witness(&mut self) -> Option<&mut dyn Witness> {
        let worker = self.worker.as_mut().filter(|worker| worker.ending().is_none())?;
        Some(worker)
    }

    /// Lets the last worker leave. Its end, too, may turn out badly, and then there is no speed.
    pub fn finish(&mut self) {
        let Some(mut worker) = self.worker.take() else { return };
        let ending = worker.finish();
        if let Some(process) = self.processes.last_mut() {
            process.ended_ns = MonotonicClock.now_ns();
            process.talk = std::mem::take(&mut worker.talk);
            process.ending = ending.clone();
        }
        if self.ending == Ending::Done {
            self.ending = ending;
        }
    }
}
