//! A worker in this thread, with its whole conversation written down beforehand.

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
    let generate = GenerateCommand { token_ids: vec![1, 2], new_tokens: 2, split_phases: false };
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
