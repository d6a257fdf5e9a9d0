//! The worker's side: one fresh process that loads once and answers commands until it is to end.

mod openvino_loader;

use std::fs::File;
use std::io::{BufRead, Write};
use std::mem;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::engine::{Ended, Engine, begin, replay};
use crate::error::{Error, Result};
use crate::golden::TextDrift;
use crate::measure::Profile;
use crate::measure::generation::{KnownToken, TokenSink, record_generation};
use crate::measure::kv::{KvAgreement, KvUse, StateAccess};
use crate::measure::protocol::{
    CacheEvent, Command, DeviceResolvedEvent, DistributionsCommand, Event, Failed, GenerateCommand,
    GeneratedEvent, Handshake, LoadCommand, LoadedEvent, LogitsCommand, PROTOCOL_VERSION, Phase,
    ProfileCommand, ReplayCommand, TokensEvent,
};
use crate::sys::{Clock, take_stdout};

pub use openvino_loader::OpenVinoLoader;

/// The pipe to the supervisor, for the protocol alone. What a library prints from now on goes to stderr:
/// half a line of it on the pipe would swallow an event.
///
/// # Errors
/// When the system has no file descriptor to give.
pub fn stdout_of_its_own() -> Result<File> {
    take_stdout().map_err(|cause| Error::harness(format!("the worker cannot keep its pipe: {cause}")))
}

/// A loaded model, as a worker needs it.
pub trait Model {
    /// The engine.
    fn engine(&mut self) -> &mut dyn Engine;
    /// What the KV states show now, and with `all_states` the cache's size. Never called in a timed part.
    ///
    /// # Errors
    /// When the runtime refuses, or the states disagree with each other.
    fn read_cache(&mut self, all_states: bool) -> Result<CacheEvent>;
    /// Memory of the device by kind, bytes; empty where it is not reported. Never called in a timed part.
    fn device_memory_bytes(&self) -> std::collections::BTreeMap<String, u64>;
    /// A generation has come to its end, and is not reported yet. Never called in a timed part.
    fn generated(&mut self) {}
    /// What the change of the KV cache took in the generation; None where nothing changes it. Never called in a
    /// timed part.
    fn kv_use(&mut self) -> Option<KvUse> {
        None
    }
    /// Times reading and writing back all KV states, as often as this.
    ///
    /// # Errors
    /// States that cannot be read or written.
    fn time_states(&mut self, _repeats: usize) -> Result<StateAccess> {
        Err(Error::harness("this worker does not time its KV states"))
    }
    /// Writes the logits of a teacher-forced pass to a file. Never timed.
    ///
    /// # Errors
    /// When the runtime refuses, or the file cannot be written.
    fn capture_logits(&mut self, _command: &LogitsCommand) -> Result<()> {
        Err(without_logits())
    }
    /// Compares the logits of a teacher-forced pass with those of a file. Never timed.
    ///
    /// # Errors
    /// When the runtime refuses, or the file is of another text or model.
    fn compare_logits(&mut self, _command: &LogitsCommand) -> Result<KvAgreement> {
        Err(without_logits())
    }
    /// Compares next-token distributions with the model's reference ones. Never timed.
    ///
    /// # Errors
    /// When the runtime refuses, dynamic quantisation is on, or there is no reference.
    fn distribution_drift(&mut self, _command: &DistributionsCommand) -> Result<Vec<TextDrift>> {
        Err(without_logits())
    }
    /// Profiles decode steps, by operator.
    ///
    /// # Errors
    /// When the runtime refuses, or gives no times.
    fn profile(&mut self, _command: &ProfileCommand) -> Result<Profile> {
        Err(Error::harness("this worker makes no profile"))
    }
}

/// Who brings a model.
pub trait Loader {
    /// Loads; `device_resolved` is called with what will run where before anything is compiled.
    ///
    /// # Errors
    /// When the runtime, the device or the model refuses, or `device_resolved` does.
    fn load(
        &mut self,
        command: &LoadCommand,
        resolved: &mut dyn FnMut(DeviceResolvedEvent) -> Result<()>,
    ) -> Result<Brought>;
}

/// A model and the event that reports it.
pub struct Brought {
    /// The model.
    pub model: Box<dyn Model>,
    /// The event.
    pub event: LoadedEvent,
}

/// Speaks the worker's part until it is to end, its supervisor is gone, or something fails.
///
/// # Errors
/// What failed, after it was reported.
pub fn serve(
    commands: &mut dyn BufRead,
    out: Box<dyn Write + Send>,
    clock: &dyn Clock,
    loader: &mut dyn Loader,
) -> Result<()> {
    let outbox = Outbox::new(out);
    let worker = format!("arcgauge {}", env!("CARGO_PKG_VERSION"));
    outbox.report(&Event::Handshake(Handshake { protocol: PROTOCOL_VERSION, worker }))?;
    let mut worker = Worker { commands, outbox: &outbox, clock, model: None };
    worker.answer_all(loader).inspect_err(|error| {
        // Where it cannot be reported, the exit code still says it.
        let _ = outbox.report(&Event::Failed(Failed::from(error)));
    })
}

struct Worker<'a> {
    commands: &'a mut dyn BufRead,
    outbox: &'a Outbox,
    clock: &'a dyn Clock,
    model: Option<Box<dyn Model>>,
}

impl Worker<'_> {
    fn answer_all(&mut self, loader: &mut dyn Loader) -> Result<()> {
        loop {
            let event = match read_command(self.commands)? {
                Command::Load(command) => {
                    let outbox = self.outbox;
                    let brought = loader
                        .load(&command, &mut |resolved| outbox.report(&Event::DeviceResolved(resolved)))?;
                    self.model = Some(brought.model);
                    Event::Loaded(brought.event)
                }
                Command::Generate(command) => {
                    self.generate(&command)?;
                    continue;
                }
                Command::ReadCache(command) => Event::Cache(self.model()?.read_cache(command.all_states)?),
                Command::Replay(command) | Command::Witness(command) => self.replay(&command)?,
                Command::TimeStates(command) => {
                    Event::StatesTimed(self.model()?.time_states(command.repeats)?)
                }
                Command::CaptureLogits(command) => {
                    self.model()?.capture_logits(&command)?;
                    Event::LogitsCaptured
                }
                Command::CompareLogits(command) => {
                    Event::LogitsCompared(self.model()?.compare_logits(&command)?)
                }
                Command::CompareDistributions(command) => {
                    Event::DistributionsCompared { texts: self.model()?.distribution_drift(&command)? }
                }
                Command::Profile(command) => Event::Profiled(self.model()?.profile(&command)?),
                // One too many does no harm.
                Command::Acknowledge => continue,
                Command::Finish => return self.outbox.report(&Event::Done),
            };
            self.outbox.report(&event)?;
        }
    }

    fn model(&mut self) -> Result<&mut (dyn Model + 'static)> {
        self.model.as_deref_mut().ok_or_else(nothing_loaded)
    }

    fn generate(&mut self, command: &GenerateCommand) -> Result<()> {
        let Self { commands, outbox, clock, model } = self;
        let model = model.as_mut().ok_or_else(nothing_loaded)?;
        begin(model.engine(), command.input())?;
        outbox.expect_tokens(command.new_tokens);
        outbox.report(&Event::Ready { state_seen_empty: None })?;
        acknowledged(*commands)?;
        let mut sink = Sink { outbox, commands: *commands, split_phases: command.split_phases, failed: None };
        let generated = record_generation(
            model.engine(),
            command.input().first_tokens(),
            command.new_tokens,
            *clock,
            &mut sink,
        )?;
        if let Some(error) = sink.failed {
            return Err(error);
        }
        if generated.ended != Ended::Complete {
            return Err(Error::harness("the generation was stopped, and nobody requested that"));
        }
        if command.split_phases {
            outbox.report(&Event::PhaseEnded { phase: Phase::Decode })?;
            acknowledged(*commands)?;
        }
        model.generated();
        outbox.report(&Event::Generated(GeneratedEvent {
            submitted_ns: generated.submitted_ns,
            device_memory_bytes: model.device_memory_bytes(),
            kv_use: model.kv_use(),
        }))
    }

    fn replay(&mut self, command: &ReplayCommand) -> Result<Event> {
        let choices = replay(self.model()?.engine(), command.input(), command.path.as_path())?;
        if let Some(step) = choices.iter().position(|choice| !choice.margin.is_finite()) {
            // JSON has no infinity.
            let what =
                format!("the logit margin of the first two logits at step {} is no finite number", step + 1);
            return Err(Error::wrong_output(what));
        }
        Ok(Event::Replayed(choices.as_slice().into()))
    }
}

fn without_logits() -> Error {
    Error::harness("this worker does not compare logits")
}

fn nothing_loaded() -> Error {
    Error::harness("the worker got the command to decode before the one to load")
}

fn read_command(commands: &mut dyn BufRead) -> Result<Command> {
    let gone = |cause: &str| Error::harness(format!("the supervisor is gone: {cause}"));
    let mut line = String::new();
    match commands.read_line(&mut line) {
        Ok(0) => Err(gone("its pipe has ended")),
        Ok(_) => serde_json::from_str(&line)
            .map_err(|cause| Error::harness(format!("`{}` is no command: {cause}", line.trim()))),
        Err(cause) => Err(gone(&cause.to_string())),
    }
}

fn acknowledged(commands: &mut dyn BufRead) -> Result<()> {
    match read_command(commands)? {
        Command::Acknowledge => Ok(()),
        other => Err(Error::harness(format!("an acknowledgement was due, not {other:?}"))),
    }
}

/// Notes tokens, and stops between prefill and decode where that is requested.
struct Sink<'a> {
    outbox: &'a Outbox,
    commands: &'a mut dyn BufRead,
    split_phases: bool,
    failed: Option<Error>,
}

impl TokenSink for Sink<'_> {
    fn known(&mut self, token: KnownToken) -> ControlFlow<()> {
        self.outbox.note(token);
        if !self.split_phases {
            return ControlFlow::Continue(());
        }
        self.split_phases = false;
        let ended = Event::PhaseEnded { phase: Phase::Prefill };
        match self.outbox.report(&ended).and_then(|()| acknowledged(self.commands)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// How often tokens are reported; a heartbeat for whoever waits.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

struct Outbox {
    shared: Arc<Shared>,
    flusher: Option<JoinHandle<()>>,
}

struct Shared {
    out: Mutex<Box<dyn Write + Send>>,
    pending: Mutex<TokensEvent>,
    closed: AtomicBool,
}

impl Outbox {
    fn new(out: Box<dyn Write + Send>) -> Self {
        let shared = Arc::new(Shared {
            out: Mutex::new(out),
            pending: Mutex::new(TokensEvent::default()),
            closed: AtomicBool::new(false),
        });
        let flusher = Arc::clone(&shared);
        let flusher = thread::spawn(move || {
            while !flusher.closed.load(Ordering::Relaxed) {
                thread::park_timeout(FLUSH_EVERY);
                // A supervisor that has gone is noticed by the main thread's next word.
                let _ = flusher.flush();
            }
        });
        Self { shared, flusher: Some(flusher) }
    }

    /// Makes room for the tokens of a generation, so that noting one allocates nothing.
    fn expect_tokens(&self, tokens: usize) {
        let mut pending = lock(&self.shared.pending);
        pending.ids.reserve(tokens);
        pending.known_ns.reserve(tokens);
        pending.infer_ns.reserve(tokens);
    }

    /// Notes a token, to be reported within a second. Stands in the timed loop.
    fn note(&self, token: KnownToken) {
        let mut pending = lock(&self.shared.pending);
        pending.ids.push(token.id);
        pending.known_ns.push(token.known_ns);
        pending.infer_ns.push(token.infer_ns);
    }

    /// Reports an event at once, and before it the tokens that were noted.
    fn report(&self, event: &Event) -> Result<()> {
        self.shared.flush()?;
        self.shared.write(event)
    }
}

impl Shared {
    fn flush(&self) -> Result<()> {
        // Held while writing, so that no later token overtakes an earlier one.
        let mut out = lock(&self.out);
        let tokens = {
            let mut pending = lock(&self.pending);
            let room = pending.ids.capacity() - pending.ids.len();
            let reported = mem::take(&mut *pending);
            // The rest of the generation finds the room that it was promised.
            pending.ids.reserve_exact(room);
            pending.known_ns.reserve_exact(room);
            pending.infer_ns.reserve_exact(room);
            reported
        };
        if tokens.ids.is_empty() {
            return Ok(());
        }
        write_line(&mut **out, &Event::Tokens(tokens))
    }

    fn write(&self, event: &Event) -> Result<()> {
        write_line(&mut **lock(&self.out), event)
    }
}

fn write_line(out: &mut dyn Write, event: &Event) -> Result<()> {
    let failed = |cause: String| Error::harness(format!("the supervisor cannot be reached: {cause}"));
    let mut line = serde_json::to_vec(event).map_err(|cause| failed(cause.to_string()))?;
    line.push(b'\n');
    out.write_all(&line).and_then(|()| out.flush()).map_err(|cause| failed(cause.to_string()))
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking thread leaves here is whole tokens or none.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        if let Some(flusher) = self.flusher.take() {
            flusher.thread().unpark();
            let _ = flusher.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::{Brought, Loader, Model, serve};
    use crate::engine::Engine;
    use crate::engine::scripted::{Script, ScriptedEngine};
    use crate::error::Result;
    use crate::measure::protocol::{
        CacheEvent, Command, DeviceResolvedEvent, GenerateCommand, LoadCommand, LoadedEvent,
    };
    use crate::sys::ScriptedClock;

    /// What the worker did, in order: events as they were reported, and its model's word.
    #[derive(Clone, Default)]
    struct Notes(Arc<Mutex<String>>);

    impl Write for Notes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push_str(str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct NotingLoader {
        script: Script,
        clock: ScriptedClock,
        notes: Notes,
    }

    impl Loader for NotingLoader {
        fn load(
            &mut self,
            command: &LoadCommand,
            _: &mut dyn FnMut(DeviceResolvedEvent) -> Result<()>,
        ) -> Result<Brought> {
            let event = LoadedEvent {
                execution_devices: command.device.clone(),
                vocabulary_size: self.script.vocabulary_size,
                ..LoadedEvent::default()
            };
            let engine = ScriptedEngine::new(self.script.clone(), self.clock.hand());
            Ok(Brought { model: Box::new(NotingModel { engine, notes: self.notes.clone() }), event })
        }
    }

    struct NotingModel {
        engine: ScriptedEngine,
        notes: Notes,
    }

    impl Model for NotingModel {
        fn engine(&mut self) -> &mut dyn Engine {
            &mut self.engine
        }

        fn read_cache(&mut self, _all_states: bool) -> Result<CacheEvent> {
            Ok(CacheEvent::default())
        }

        fn device_memory_bytes(&self) -> BTreeMap<String, u64> {
            BTreeMap::new()
        }

        fn generated(&mut self) {
            self.notes.write_all(b"(the model hears)\n").unwrap();
        }
    }

    /// Lets a worker load and generate twice, and gives what it did from its first generation on.
    fn two_generations(script: Script) -> String {
        let load = LoadCommand { device: "CPU".into(), ..LoadCommand::default() };
        let generate =
            GenerateCommand { token_ids: vec![1, 2], cache_tokens: None, new_tokens: 2, split_phases: false };
        let mut commands = String::new();
        let [first, second] = [generate.clone(), generate].map(Command::Generate);
        for command in
            [Command::Load(load), first, Command::Acknowledge, second, Command::Acknowledge, Command::Finish]
        {
            commands += &(serde_json::to_string(&command).unwrap() + "\n");
        }
        let notes = Notes::default();
        let clock = ScriptedClock::default();
        let mut loader = NotingLoader { script, clock: clock.clone(), notes: notes.clone() };
        // A failure is reported, too.
        let _ = serve(&mut commands.as_bytes(), Box::new(notes.clone()), &clock, &mut loader);
        let notes = notes.0.lock().unwrap().clone();
        notes.split_once("\"loaded\"").unwrap().1.to_owned()
    }

    #[test]
    fn a_model_hears_of_each_generation_that_has_come_to_its_end_before_it_is_told() {
        let script = Script { vocabulary_size: 8, prefill_ns: 5, decode_ns: 5, ..Script::default() };
        let notes = two_generations(script.clone());
        let heard: Vec<&str> = notes.split("(the model hears)").collect();
        assert_eq!(heard.len(), 3, "{notes}");
        let reported = |part: &str| part.matches("\"generated\"").count();
        assert_eq!([reported(heard[0]), reported(heard[1]), reported(heard[2])], [0, 1, 1], "{notes}");
        let fails = Script { fails_at_infer: Some(1), ..script };
        let notes = two_generations(fails);
        assert!(!notes.contains("(the model hears)"), "{notes}");
    }
}
