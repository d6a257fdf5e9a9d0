//! A worker that recites a script in a thread of this process, for tests: it speaks the real
//! protocol, and nothing else of it is real.

use std::collections::BTreeMap;
use std::io::{self, BufReader, PipeWriter, Write};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use crate::engine::openvino::DeviceFacts;
use crate::engine::scripted::{Script, ScriptedEngine};
use crate::engine::{CachedTokens, Engine};
use crate::error::{Error, Result};
use crate::measure::protocol::{
    CacheEvent, CacheState, Command, DeviceResolvedEvent, LoadCommand, LoadedEvent,
};
use crate::measure::supervisor::Exit;
use crate::measure::supervisor::conversation::{Lines, Link, Received};
use crate::measure::worker::{Brought, Loader, Model, serve};
use crate::sys::{Clock, ScriptedClock};

/// A scripted worker.
pub struct ScriptedWorker {
    commands: Option<PipeWriter>,
    lines: Lines,
}

impl ScriptedWorker {
    /// Starts one on a clock of its own, which moves as the script says.
    ///
    /// # Errors
    /// When the system has no pipe to give.
    pub fn start(script: Script, cache: CacheState) -> Result<Self> {
        let no_pipe = |cause: io::Error| Error::harness(format!("cannot make a pipe: {cause}"));
        let (commands_end, commands) = io::pipe().map_err(no_pipe)?;
        let (events, events_end) = io::pipe().map_err(no_pipe)?;
        thread::spawn(move || {
            let clock = ScriptedClock::default();
            let mut loader = ScriptedLoader { script, cache, clock: clock.clone() };
            // What fails was reported; nobody waits for the thread.
            let _ = serve(&mut BufReader::new(commands_end), Box::new(events_end), &clock, &mut loader);
        });
        Ok(Self { commands: Some(commands), lines: Lines::of(events) })
    }
}

impl Link for ScriptedWorker {
    fn pid(&self) -> Option<u32> {
        None
    }

    fn shares_clock(&self) -> bool {
        false
    }

    fn send(&mut self, command: &Command) {
        if let (Some(commands), Ok(mut line)) = (&mut self.commands, serde_json::to_vec(command)) {
            line.push(b'\n');
            let _ = commands.write_all(&line);
        }
    }

    fn receive(&mut self, wait: Duration) -> Received {
        self.lines.receive(wait)
    }

    fn end(&mut self, _patience: Duration, _terminate: Duration) -> Exit {
        self.commands = None;
        Exit { code: Some(0), ..Exit::default() }
    }
}

struct ScriptedLoader {
    script: Script,
    cache: CacheState,
    clock: ScriptedClock,
}

impl Loader for ScriptedLoader {
    fn load(
        &mut self,
        command: &LoadCommand,
        reported: &mut dyn FnMut(DeviceResolvedEvent) -> Result<()>,
    ) -> Result<Brought> {
        reported(DeviceResolvedEvent {
            openvino_version: "scripted".to_owned(),
            openvino_build: "scripted".to_owned(),
            device: command.device.clone(),
            fallback_reason: None,
            facts: DeviceFacts::default(),
            gpu_name: None,
            properties_requested: BTreeMap::new(),
            compiled_model_cache: self.cache,
            compiled_model_folder: None,
        })?;
        let load_started_ns = self.clock.now_ns();
        let hand = self.clock.hand();
        hand.set(hand.get() + self.script.load_ns);
        let event = LoadedEvent {
            load_started_ns,
            load_ended_ns: self.clock.now_ns(),
            execution_devices: command.device.clone(),
            vocabulary_size: self.script.vocabulary_size,
            context_tokens: Some(4096),
            reads_cache: true,
            ..LoadedEvent::default()
        };
        let engine = ScriptedEngine::new(self.script.clone(), Rc::clone(&hand));
        Ok(Brought { model: Box::new(ScriptedModel { engine }), event })
    }
}

struct ScriptedModel {
    engine: ScriptedEngine,
}

impl Model for ScriptedModel {
    fn engine(&mut self) -> &mut dyn Engine {
        &mut self.engine
    }

    fn read_cache(&mut self, _all_states: bool) -> Result<CacheEvent> {
        Ok(match self.engine.cached_tokens()? {
            CachedTokens::Observed(tokens) => CacheEvent { tokens: Some(tokens), ..CacheEvent::default() },
            CachedTokens::NotObservable(reason) => {
                CacheEvent { not_observable: Some(reason), ..CacheEvent::default() }
            }
        })
    }

    fn device_memory_bytes(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}
