//! The supervisor's plan: fresh workers, one after the other, until the plan is done or one fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::Replay;
use crate::error::{Error, Result};
use crate::measure::generation::not_empty_before;
use crate::measure::kv::StateAccess;
use crate::measure::protocol::{
    CacheState, Command, DeviceResolvedEvent, Event, GenerateCommand, GeneratedEvent, LoadCommand,
    LoadedEvent, Phase, ReadCacheCommand, TimeStatesCommand, TokensEvent,
};
use crate::measure::supervisor::conversation::{Conversation, Link};
use crate::measure::supervisor::{Awaited, ExitReason, Limits, ProcessFacts, Purpose};
use crate::measure::{Plan, RequestedPrompt, Role, Sample};
use crate::sys::process::processor_time_ns;
use crate::sys::{Clock, MemoryReading, MonotonicClock, ProcessMemory};

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

/// How long a process of a soak goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Soak {
    /// Time that it measures, s.
    pub process_s: u64,
    /// Pause in the middle of that time, s.
    pub pause_s: u64,
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
    /// Whether reading and writing back all KV states is timed after the last generation.
    pub times_states: bool,
    /// How long the process goes on asking its prompts; None where it asks each once.
    pub soak: Option<Soak>,
    /// Ends it.
    pub control: &'a Control,
}

/// How often Ctrl-C is looked for in a pause.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often all states are read and written back, for a median.
const STATE_READINGS: usize = 9;

/// Worker processes, one after the other, and what they gave.
#[derive(Default)]
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

impl Session {
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
        let memory = conversation.pid().map(ProcessMemory::of);
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
    pub fn samples(&self) -> Vec<Sample> {
        let measured = self.processes.iter().filter(|process| process.purpose == Purpose::Measured);
        measured.flat_map(|process| process.samples.iter().cloned()).collect()
    }

    /// The last worker, for untimed passes; None where the session did not end well.
    pub fn replay(&mut self) -> Option<&mut dyn Replay> {
        Some(self.worker()?)
    }

    /// The same, for passes whose logits are compared.
    pub fn worker(&mut self) -> Option<&mut Conversation> {
        self.worker.as_mut().filter(|worker| worker.exit_reason().is_none())
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

struct WorkerRun<'a> {
    job: &'a Job<'a>,
    conversation: &'a mut Conversation,
    facts: &'a mut ProcessFacts,
    observer: &'a mut dyn ProcessObserver,
    memory: Option<ProcessMemory>,
}

impl<'a> WorkerRun<'a> {
    /// Loads. A cold cache of compiled models makes this process the cache warm-up one, where one is wanted.
    fn load(&mut self, may_prime: bool) -> Result<(), ExitReason> {
        self.facts.handshake = Some(self.conversation.handshake()?);
        self.reset_peak();
        let from_ns = MonotonicClock.now_ns();
        self.conversation.send(&Command::Load(self.job.load.clone()));
        let resolved = match self.conversation.next(Awaited::DeviceResolved)? {
            Event::DeviceResolved(resolved) => resolved,
            other => return Err(self.conversation.unexpected(&other, Awaited::DeviceResolved)),
        };
        let cold = resolved.compiled_model_cache == CacheState::Cold;
        self.conversation.cache_warm_up = cold;
        if cold && may_prime {
            self.facts.purpose = Purpose::CacheWarmUp;
        }
        self.observer.resolved(&resolved, self.facts.purpose);
        self.facts.resolved = Some(resolved.clone());
        let loaded = match self.conversation.next(Awaited::Loaded)? {
            Event::Loaded(loaded) => loaded,
            other => return Err(self.conversation.unexpected(&other, Awaited::Loaded)),
        };
        let window = self.window(from_ns);
        self.facts.memory.load = self.memory_reading();
        if let Err(error) = check_load(&loaded, window) {
            return Err(self.conversation.end_as(ExitReason::Refused(error)));
        }
        if let Err(error) = self.job.plan.check(loaded.vocabulary_size, loaded.context_tokens) {
            return Err(self.conversation.end_as(ExitReason::Failed(error)));
        }
        self.observer.loaded(&resolved, &loaded);
        self.note_device_memory(&loaded.device_memory_bytes);
        self.facts.loaded = Some(loaded);
        if self.job.plan.prompts.iter().any(|prompt| self.facts.can_answer(prompt)) {
            return Ok(());
        }
        let error =
            Error::input("the KV states cannot be written, which every prompt needs to fill its KV cache");
        let error =
            error.hint("a GPU hides the states of a compressed cache: `--property KV_CACHE_PRECISION=f16`");
        Err(self.conversation.end_as(ExitReason::Failed(error)))
    }

    /// What a cache warm-up process does besides loading: it answers every prompt once, so that the answers of
    /// the processes that use what it has compiled can be compared with its own.
    fn prime(&mut self) -> Result<(), ExitReason> {
        let plan = self.job.plan;
        let order = self.in_order(0);
        order.into_iter().try_for_each(|prompt| self.generate(plan, prompt, Role::WarmUp))
    }

    /// The prompts that the worker can answer, in the order of this process.
    fn in_order(&mut self, process: usize) -> Vec<&'a RequestedPrompt> {
        let plan = self.job.plan;
        let order: Vec<&RequestedPrompt> =
            plan.order(process).filter(|prompt| self.facts.can_answer(prompt)).collect();
        self.facts.order = order.iter().map(|prompt| prompt.id.clone()).collect();
        order
    }

    fn measure(&mut self) -> Result<(), ExitReason> {
        let plan = self.job.plan;
        let order = self.in_order(self.facts.index);
        let warm_up = order.first().map(|prompt| (Role::WarmUp, *prompt));
        let measured = order.iter().map(|prompt| (Role::Measured, *prompt));
        let mut before = None;
        for (generation, (role, prompt)) in warm_up.into_iter().chain(measured).enumerate() {
            if role == Role::Measured && before.is_none() {
                before = self.conversation.pid().and_then(processor_time_ns);
            }
            self.observer.aims(Aim { process: self.facts.index, generation, role, prompt_id: &prompt.id });
            self.generate(plan, prompt, role)?;
        }
        if let Some(soak) = self.job.soak {
            self.go_on(&order, soak)?;
        }
        let after = self.conversation.pid().and_then(processor_time_ns);
        if self.job.times_states {
            self.facts.state_access = Some(self.time_states()?);
        }
        self.facts.processor_ns = before.zip(after).map(|(before, after)| after.saturating_sub(before));
        Ok(())
    }

    /// Asks the prompts again and again, in the same order, until the time is over or Ctrl-C. Only whole passes are kept,
    /// so that each has every prompt.
    fn go_on(&mut self, order: &[&RequestedPrompt], soak: Soak) -> Result<(), ExitReason> {
        let plan = self.job.plan;
        let is_stopped = || self.job.control.stop.load(Ordering::Relaxed);
        // What was measured for an hour is kept: the answer under way comes to its end.
        self.conversation.finishes_answer = true;
        let began_ns = self.facts.samples.first().map_or(0, |first| first.submitted_ns);
        let (half, pause) = (Duration::from_secs(soak.process_s) / 2, Duration::from_secs(soak.pause_s));
        let mut paused = Duration::ZERO;
        let mut generation = order.len();
        loop {
            let elapsed = Duration::from_nanos(MonotonicClock.now_ns().saturating_sub(began_ns));
            if is_stopped() || elapsed.saturating_sub(paused) >= half * 2 {
                return Ok(());
            }
            if paused.is_zero() && elapsed >= half {
                let until_ns = MonotonicClock.now_ns() + u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
                while MonotonicClock.now_ns() < until_ns && !is_stopped() {
                    thread::sleep(LOOK_EVERY);
                }
                paused = pause.max(Duration::from_nanos(1));
            }
            let whole_passes = self.facts.samples.len();
            for prompt in order {
                if is_stopped() {
                    self.facts.samples.truncate(whole_passes);
                    return Ok(());
                }
                generation += 1;
                let (process, role) = (self.facts.index, Role::Measured);
                self.observer.aims(Aim { process, generation, role, prompt_id: &prompt.id });
                self.generate(plan, prompt, role)?;
            }
        }
    }

    fn generate(&mut self, plan: &Plan, prompt: &RequestedPrompt, role: Role) -> Result<(), ExitReason> {
        self.job.control.tokens_done.store(0, Ordering::Relaxed);
        let split_phases = role == Role::WarmUp;
        self.conversation.depth_tokens = prompt.input().depth_tokens();
        self.conversation.send(&Command::Generate(GenerateCommand {
            token_ids: prompt.token_ids.clone(),
            cache_tokens: prompt.cache_tokens,
            new_tokens: plan.new_tokens,
            split_phases,
        }));
        match self.conversation.next(Awaited::FirstToken)? {
            Event::Ready { state_seen_empty: Some(false) } => {
                let what = format!(
                    "prompt `{}`: the worker reports that its KV cache was not empty before",
                    prompt.id
                );
                let error = Error::harness(what).hint("this is a fault of the worker; report it");
                return Err(self.conversation.end_as(ExitReason::Refused(error)));
            }
            Event::Ready { .. } => {}
            other => return Err(self.conversation.unexpected(&other, Awaited::FirstToken)),
        }
        self.reset_peak();
        let from_ns = MonotonicClock.now_ns();
        self.conversation.send(&Command::Acknowledge);
        let mut tokens = TokensEvent::default();
        let ended = self.tokens(&mut tokens, plan.new_tokens, split_phases);
        let window = self.window(from_ns);
        let mut sample = sample(role, prompt, self.facts.index, tokens);
        // What was made before an end counts as tokens, and never as speed.
        let generated = match ended {
            Ok(generated) => generated,
            Err(exit_reason) => {
                if !sample.token_ids.is_empty() {
                    self.facts.samples.push(sample);
                }
                return Err(exit_reason);
            }
        };
        sample.memory = if split_phases { self.facts.memory.decode } else { self.memory_reading() };
        sample.submitted_ns = generated.submitted_ns;
        self.note_device_memory(&generated.device_memory_bytes);
        let checked = check(&sample, plan.new_tokens, window);
        let fed = prompt.input().depth_tokens() + plan.new_tokens - 1;
        self.facts.kv_uses.extend(generated.kv_use.filter(|_| role == Role::Measured));
        self.facts.samples.push(sample);
        checked.map_err(|error| self.conversation.end_as(ExitReason::Refused(error)))?;
        self.check_cache(fed, split_phases)
    }

    /// Times the states as the last generation left them, after all that is measured.
    fn time_states(&mut self) -> Result<StateAccess, ExitReason> {
        if !self.facts.loaded.as_ref().is_some_and(|loaded| loaded.times_states) {
            let error = Error::input("the worker does not time its KV states").hint("leave `--states` out");
            return Err(self.conversation.end_as(ExitReason::Refused(error)));
        }
        self.conversation.send(&Command::TimeStates(TimeStatesCommand { repeats: STATE_READINGS }));
        match self.conversation.next(Awaited::Cache)? {
            Event::StatesTimed(access) => Ok(access),
            other => Err(self.conversation.unexpected(&other, Awaited::Cache)),
        }
    }

    /// Reads the KV cache after the generation and its memory were read. It was empty before the generation
    /// if it now holds the tokens that were fed: the prompt's, and the answer's but the last.
    fn check_cache(&mut self, fed: usize, all_states: bool) -> Result<(), ExitReason> {
        if !self.facts.loaded.as_ref().is_some_and(|loaded| loaded.reads_cache) {
            self.not_observed("the worker does not read the KV states".to_owned());
            return Ok(());
        }
        self.conversation.send(&Command::ReadCache(ReadCacheCommand { all_states }));
        let cache = match self.conversation.next(Awaited::Cache)? {
            Event::Cache(cache) => cache,
            other => return Err(self.conversation.unexpected(&other, Awaited::Cache)),
        };
        if all_states {
            self.facts.kv_cache = cache.kv_cache;
        }
        match cache.tokens {
            Some(tokens) if tokens == fed => {}
            Some(tokens) => {
                return Err(self.conversation.end_as(ExitReason::Refused(not_empty_before(tokens, fed))));
            }
            None => {
                let reason = cache.not_observable.unwrap_or_else(|| "no reason was given".to_owned());
                self.not_observed(reason);
            }
        }
        Ok(())
    }

    fn not_observed(&mut self, reason: String) {
        self.facts.state_seen_empty = false;
        self.facts.state_not_observed.get_or_insert(reason);
    }

    fn tokens(
        &mut self,
        tokens: &mut TokensEvent,
        new_tokens: usize,
        split_phases: bool,
    ) -> Result<GeneratedEvent, ExitReason> {
        let mut awaited = Awaited::FirstToken;
        let mut phases = if split_phases { vec![Phase::Decode, Phase::Prefill] } else { Vec::new() };
        loop {
            match self.conversation.next(awaited)? {
                // An event that brings nothing is no sign of life, and more than was requested is no answer.
                Event::Tokens(more)
                    if !more.ids.is_empty() && tokens.ids.len() + more.ids.len() <= new_tokens =>
                {
                    tokens.ids.extend(more.ids);
                    tokens.known_ns.extend(more.known_ns);
                    tokens.infer_ns.extend(more.infer_ns);
                    self.job.control.tokens_done.store(tokens.ids.len(), Ordering::Relaxed);
                    awaited = Awaited::NextToken;
                }
                Event::PhaseEnded { phase } if phases.last() == Some(&phase) => {
                    phases.pop();
                    let reading = self.memory_reading();
                    self.reset_peak();
                    match phase {
                        Phase::Prefill => self.facts.memory.prefill = reading,
                        Phase::Decode => self.facts.memory.decode = reading,
                    }
                    self.conversation.send(&Command::Acknowledge);
                }
                Event::Generated(generated) => return Ok(generated),
                other => return Err(self.conversation.unexpected(&other, awaited)),
            }
        }
    }

    fn reset_peak(&self) {
        if let Some(memory) = &self.memory {
            memory.reset_peak();
        }
    }

    fn memory_reading(&self) -> MemoryReading {
        self.memory.as_ref().map(ProcessMemory::read).unwrap_or_default()
    }

    /// From a moment until now, where the worker's clock is ours.
    fn window(&self, from_ns: u64) -> Option<Window> {
        let to_ns = MonotonicClock.now_ns();
        self.conversation.shares_clock().then_some(Window { from_ns, to_ns })
    }

    fn note_device_memory(&mut self, by_kind: &BTreeMap<String, u64>) {
        if !by_kind.is_empty() {
            let total = by_kind.values().copied().fold(0, u64::saturating_add);
            self.facts.device_memory_bytes = self.facts.device_memory_bytes.max(Some(total));
        }
    }
}

fn sample(role: Role, prompt: &RequestedPrompt, process: usize, tokens: TokensEvent) -> Sample {
    Sample {
        role,
        prompt_id: prompt.id.clone(),
        process,
        prompt_tokens: prompt.timed_tokens(),
        token_ids: tokens.ids,
        submitted_ns: tokens.known_ns.first().copied().unwrap_or_default(),
        token_ns: tokens.known_ns,
        infer_ns: tokens.infer_ns,
        memory: MemoryReading::default(),
    }
}

fn check_load(loaded: &LoadedEvent, window: Option<Window>) -> Result<(), Error> {
    let (start, end) = (loaded.load_started_ns, loaded.load_ended_ns);
    if start <= end && window.is_none_or(|window| window.from_ns <= start && end <= window.to_ns) {
        return Ok(());
    }
    Err(Error::harness(format!("the worker sent a load from {start} to {end} ns, which cannot be"))
        .hint("this is a fault of the worker; report it"))
}

#[derive(Debug, Clone, Copy)]
struct Window {
    from_ns: u64,
    to_ns: u64,
}

/// A worker's word is checked before it becomes a sample: another program may have spoken, and by
/// another clock.
fn check(sample: &Sample, new_tokens: usize, window: Option<Window>) -> Result<(), Error> {
    let refuse = |what: String| {
        Err(Error::harness(format!("prompt `{}`: {what}", sample.prompt_id))
            .hint("this is a fault of the worker; report it"))
    };
    let made = sample.token_ids.len();
    if made != new_tokens {
        return refuse(format!("the worker made `{made}` tokens, not exactly {new_tokens}"));
    }
    if sample.token_ns.len() != made || sample.infer_ns.len() != made {
        return refuse("the worker sent lists of different lengths".to_owned());
    }
    let mut before = sample.submitted_ns;
    for (step, (known, infer)) in sample.token_ns.iter().zip(&sample.infer_ns).enumerate() {
        if *known <= before {
            return refuse(format!("the clock did not go on before token {}", step + 1));
        }
        if *infer > known - before {
            return refuse(format!("the inference of token {} took longer than its step", step + 1));
        }
        before = *known;
    }
    match window.filter(|window| sample.submitted_ns < window.from_ns || before > window.to_ns) {
        Some(window) => refuse(format!(
            "its times go from {} to {before}, and it was generated between {} and {} of CLOCK_MONOTONIC",
            sample.submitted_ns, window.from_ns, window.to_ns
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(submitted_ns: u64, token_ns: &[u64], infer_ns: &[u64]) -> Sample {
        let prompt = RequestedPrompt::new("p", vec![1]);
        let tokens = TokensEvent {
            ids: vec![0; token_ns.len()],
            known_ns: token_ns.to_vec(),
            infer_ns: infer_ns.to_vec(),
        };
        Sample { submitted_ns, ..sample(Role::Measured, &prompt, 0, tokens) }
    }

    #[test]
    fn times_that_cannot_be_are_refused() {
        let right = reported(10, &[20, 30], &[9, 9]);
        assert!(check(&right, 2, None).is_ok());
        let window = |from_ns, to_ns| Some(Window { from_ns, to_ns });
        assert!(check(&right, 2, window(10, 30)).is_ok());
        for elsewhere in [window(11, 30), window(10, 29), window(1000, 2000)] {
            let error = check(&right, 2, elsewhere).unwrap_err().to_string();
            assert!(error.contains("of CLOCK_MONOTONIC"), "{error}");
        }
        for (wrong, says) in [
            (reported(10, &[20], &[9]), "not exactly 2"),
            (reported(10, &[20, 30], &[9]), "different lengths"),
            (reported(30, &[20, 40], &[1, 1]), "did not go on before token 1"),
            (reported(10, &[20, 20], &[1, 0]), "did not go on before token 2"),
            (reported(10, &[20, 30], &[9, 11]), "token 2 took longer"),
        ] {
            let error = check(&wrong, 2, None).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
