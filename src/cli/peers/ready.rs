//! An engine, ready to be measured: its program, what its workers load, and what is known of it beforehand.

use std::sync::Arc;

use crate::cli::flags::EngineFlags;
use crate::cli::measuring::load_command;
use crate::cli::peers::args::{NamedProgram, PeersArgs};
use crate::cli::peers::engine::{EngineWords, Kind};
use crate::cli::peers::program::{self, PeerProgram};
use crate::cli::root::Root;
use crate::engine::openvino::{COMPILED_MODELS_FOLDER, DeviceKind, Property, Sources};
use crate::error::{Error, Result};
use crate::measure::protocol::{DeviceResolvedEvent, LoadCommand};
use crate::measure::supervisor::{Control, ExitReason, WorkerProcess, resolve_device};
use crate::places;
use crate::record::RequestedPrompt;
use crate::run::EditedGraph;
use crate::run::{FoundModel, Identity, ReadyArm};

/// An engine that can be measured.
pub(super) struct ReadyEngine {
    pub(super) words: EngineWords,
    pub(super) program: PeerProgram,
    pub(super) load: LoadCommand,
    /// Properties that it has for itself.
    pub(super) differences: Vec<Property>,
    pub(super) identity: Identity,
}

impl ReadyEngine {
    /// The engine as an arm of an experiment.
    pub(super) fn arm<'a>(
        &'a self,
        model: &'a FoundModel,
        edited: Option<&'a EditedGraph>,
        args: &'a PeersArgs,
    ) -> ReadyArm<'a> {
        let can_replay = self.words.kind == Kind::Stateful;
        ReadyArm {
            label: self.words.to_string(),
            differences: self.differences.iter().map(|it| format!("{}={}", it.key, it.value)).collect(),
            host_loop: self.words.host_loop().to_owned(),
            program: &self.program.worker,
            load: &self.load,
            model,
            edited: edited.filter(|_| can_replay),
            requested: &args.engine.device,
            identity: &self.identity,
            can_replay,
        }
    }
}

/// What all engines have in common.
pub(super) struct Common<'a> {
    pub(super) args: &'a PeersArgs,
    pub(super) engines: &'a [EngineWords],
    pub(super) root: &'a Root,
    pub(super) model: &'a FoundModel,
    pub(super) edited: Option<&'a EditedGraph>,
    pub(super) control: &'a Control,
}

/// The engines, and what this machine makes of the flags.
pub(super) struct ReadyEngines {
    pub(super) engines: Vec<ReadyEngine>,
    pub(super) event: DeviceResolvedEvent,
}

impl Common<'_> {
    /// Finds every engine's program before anything is asked of one, then settles device and properties once
    /// for all: engines that choose for themselves are not comparable. None where Ctrl-C ended it.
    pub(super) fn settle(&self) -> Result<Option<ReadyEngines>> {
        check_names(self.engines)?;
        check_programs(&self.args.programs, self.engines)?;
        let found = |words: &EngineWords| {
            program::find(words, &self.args.programs, &self.args.supervision, self.root)
        };
        let programs = self.engines.iter().map(found).collect::<Result<Vec<_>>>()?;
        let load = self.load(&self.args.engine, None)?;
        let own = self.args.supervision.program()?;
        let link = Box::new(WorkerProcess::start(&own)?);
        let limits = self.args.supervision.limits();
        let event = match resolve_device(link, &load, limits, &Arc::clone(&self.control.stop)) {
            Ok(event) => event,
            Err(ExitReason::Interrupted) => return Ok(None),
            Err(exit_reason) => {
                let unknown = || Error::harness("the worker ended before it said what would run");
                return Err(exit_reason.error().unwrap_or_else(unknown));
            }
        };
        let kind = DeviceKind::of_name(&event.device);
        let mut engines = Vec::new();
        for (words, program) in self.engines.iter().zip(programs) {
            engines.push(self.ready(words, program, &event, kind)?);
        }
        Ok(Some(ReadyEngines { engines, event }))
    }

    fn ready(
        &self,
        words: &EngineWords,
        program: PeerProgram,
        resolved: &DeviceResolvedEvent,
        kind: DeviceKind,
    ) -> Result<ReadyEngine> {
        let differences = words.properties(kind);
        let mut engine = EngineFlags { device: resolved.device.clone(), ..self.args.engine.clone() };
        // Every property is stated, for an engine of another language has other defaults.
        engine.properties =
            resolved.properties_requested.iter().map(|(key, value)| Property::new(key, value)).collect();
        engine.properties.retain(|common| differences.iter().all(|own| own.key != common.key));
        engine.properties.extend(differences.clone());
        let edited = self.edited.filter(|_| words.kind == Kind::Stateful);
        let load = self.load(&engine, edited)?;
        let identity = Identity::of(self.root.path(), &program.known_by, program.is_foreign)?;
        Ok(ReadyEngine { words: words.clone(), program, load, differences, identity })
    }

    fn load(&self, engine: &EngineFlags, edited: Option<&EditedGraph>) -> Result<LoadCommand> {
        let location = Sources::from_environment(engine.openvino.clone()).locate()?;
        let compiled_models = places::cache_dir().map(|folder| folder.join(COMPILED_MODELS_FOLDER));
        Ok(load_command(engine, self.model, location, edited, compiled_models))
    }
}

/// Without a golden an answer is compared with that of the engine which can be asked how sure it was: this one,
/// if it is among them, and then it has to be the first to answer.
///
/// # Errors
/// Another engine that is named before it.
pub(super) fn check_order(
    engines: &[EngineWords],
    requested: &[RequestedPrompt],
    model: &FoundModel,
) -> Result<()> {
    let has_golden = |prompt: &RequestedPrompt| model.goldens.goldens.contains_key(&prompt.id);
    let own = engines.iter().position(|engine| engine.kind == Kind::Stateful);
    match (own, requested.iter().find(|prompt| !has_golden(prompt))) {
        (Some(place), Some(prompt)) if place > 0 => Err(Error::input(format!(
            "prompt `{}` has no golden, and `{}` is named before `stateful`, which alone tells how close its \
             choices were",
            prompt.id, engines[0]
        ))
        .hint("name `stateful` first, or leave it out")),
        _ => Ok(()),
    }
}

/// Each program once, under a name of its own, and measured.
fn check_programs(programs: &[NamedProgram], engines: &[EngineWords]) -> Result<()> {
    for (at, program) in programs.iter().enumerate() {
        let name = &program.name;
        let refuse =
            |what: String| Err(Error::input(what).hint("`--program NAME=FILE` and NAME among `--engines`"));
        if !matches!(name.parse::<EngineWords>()?.kind, Kind::Program(_)) {
            return refuse(format!("`--program {name}=...` has the name of an engine that is there already"));
        }
        if programs[..at].iter().any(|earlier| earlier.name == *name) {
            return refuse(format!("`--program {name}=...` is given twice"));
        }
        if !engines.iter().any(|engine| engine.kind == Kind::Program(name.clone())) {
            return refuse(format!("`--program {name}=...` is no engine that is measured"));
        }
    }
    Ok(())
}

/// At least two, and none twice: of two that are the same the second is `--measure-identical` of `ab`.
fn check_names(engines: &[EngineWords]) -> Result<()> {
    if engines.len() < 2 {
        return Err(Error::input("one engine is no comparison")
            .hint("name two or more: `--engines stateful,genai`; `bench` measures one"));
    }
    let twice = engines.iter().enumerate().find(|(at, engine)| engines[..*at].contains(engine));
    match twice {
        Some((_, engine)) => Err(Error::input(format!("engine `{engine}` is named twice"))
            .hint("name each once; `ab --measure-identical` compares a program with itself")),
        None => Ok(()),
    }
}
