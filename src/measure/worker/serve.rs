//! Answers commands, one after the other, on an engine that a loader brings.

use std::io::{BufRead, Write};
use std::ops::ControlFlow;

use crate::engine::{Ended, Engine, replay};
use crate::error::{Error, Result};
use crate::measure::generation::{KnownToken, TokenSink, record_generation};
use crate::measure::protocol::{
    CacheEvent, Command, DeviceResolvedEvent, Event, Failed, GenerateCommand, GeneratedEvent, Handshake,
    LoadCommand, LoadedEvent, PROTOCOL_VERSION, Phase, ReplayCommand, ReplayedEvent,
};
use crate::measure::worker::outbox::Outbox;
use crate::sys::Clock;

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
}

/// Who brings a model.
pub trait Loader {
    /// Loads; `device_resolved` hears what will run where before anything is compiled.
    ///
    /// # Errors
    /// When the runtime, the device or the model refuses, or `device_resolved` does.
    fn load(
        &mut self,
        command: &LoadCommand,
        resolved: &mut dyn FnMut(DeviceResolvedEvent) -> Result<()>,
    ) -> Result<Brought>;
}

/// A model and the event that tells of it.
pub struct Brought {
    /// The model.
    pub model: Box<dyn Model>,
    /// The event.
    pub event: LoadedEvent,
}

/// Speaks the worker's part until it is told to end, its supervisor is gone, or something fails.
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
            match self.next_command()? {
                Command::Load(command) => {
                    let outbox = self.outbox;
                    let brought = loader
                        .load(&command, &mut |resolved| outbox.report(&Event::DeviceResolved(resolved)))?;
                    self.model = Some(brought.model);
                    self.outbox.report(&Event::Loaded(brought.event))?;
                }
                Command::Generate(command) => self.generate(&command)?,
                Command::ReadCache(command) => {
                    let model = self.model.as_mut().ok_or_else(nothing_loaded)?;
                    self.outbox.report(&Event::Cache(model.read_cache(command.all_states)?))?;
                }
                Command::Replay(command) | Command::Witness(command) => self.replay(&command)?,
                // One too many does no harm.
                Command::Acknowledge => {}
                Command::Finish => return self.outbox.report(&Event::Done),
            }
        }
    }

    fn next_command(&mut self) -> Result<Command> {
        read_command(self.commands)
    }

    fn generate(&mut self, command: &GenerateCommand) -> Result<()> {
        let Self { commands, outbox, clock, model } = self;
        let model = model.as_mut().ok_or_else(nothing_loaded)?;
        model.engine().reset()?;
        outbox.expect_tokens(command.new_tokens);
        outbox.report(&Event::Ready { state_seen_empty: None })?;
        acknowledged(*commands)?;
        let mut sink = Sink { outbox, commands: *commands, split_phases: command.split_phases, failed: None };
        let generated =
            record_generation(model.engine(), &command.token_ids, command.new_tokens, *clock, &mut sink)?;
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
        }))
    }

    fn replay(&mut self, command: &ReplayCommand) -> Result<()> {
        let model = self.model.as_mut().ok_or_else(nothing_loaded)?;
        let choices = replay(model.engine(), &command.token_ids, command.path.as_path())?;
        if let Some(step) = choices.iter().position(|choice| !choice.margin.is_finite()) {
            // JSON has no infinity.
            let what =
                format!("the logit margin of the first two logits at step {} is no finite number", step + 1);
            return Err(Error::wrong_output(what));
        }
        self.outbox.report(&Event::Replayed(ReplayedEvent {
            token_ids: choices.iter().map(|choice| choice.token).collect(),
            runner_up_ids: choices.iter().map(|choice| choice.runner_up).collect(),
            logit_margins: choices.iter().map(|choice| choice.margin).collect(),
        }))
    }
}

fn nothing_loaded() -> Error {
    Error::harness("the worker was asked to decode before it was asked to load")
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
