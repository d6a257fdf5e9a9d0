//! An engine in words: which one, and in what it runs otherwise than the others.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use strum::IntoStaticStr;

use crate::cli::flags::EngineFlags;
use crate::cli::measuring::{SupervisionArgs, load_command, program_file, worker_program};
use crate::cli::peers::{NamedProgram, PeersArgs};
use crate::cli::root::Root;
use crate::engine::openvino::{DeviceKind, Property, Sources};
use crate::error::{Error, Result};
use crate::measure::protocol::{DeviceResolvedEvent, LoadCommand};
use crate::measure::supervisor::{Control, ExitReason, WorkerProcess, WorkerProgram, resolve_device};
use crate::places::{self, python_in};
use crate::record::{Arm, RequestedPrompt, sha256_of_file};
use crate::run::{EditedGraph, FoundModel, Identity, ReadyArm};

/// An engine that is known by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// This program.
    Stateful,
    /// `openvino_genai`'s pipeline.
    Genai(Attention),
    /// optimum-intel.
    Optimum,
    /// One that `--program` names.
    Program(String),
}

/// How `openvino_genai` attends to past tokens. As text it is what `genai.py` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Attention {
    /// Stateful, as this program.
    Sdpa,
    /// Paged.
    Paged,
}

/// An engine as it was requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EngineWords {
    name: String,
    pub(super) kind: Kind,
    /// Whether its KV cache is compressed to 8 bits, in whatever way its device has.
    has_compressed_cache: bool,
    properties: Vec<Property>,
}

/// The property that a compressed cache is requested by.
const KV_CACHE_PRECISION: &str = "KV_CACHE_PRECISION";

impl EngineWords {
    /// Properties of this engine alone, on this device.
    pub(super) fn properties(&self, device: DeviceKind) -> Vec<Property> {
        let eight_bits = match device {
            DeviceKind::Cpu => "u8",
            DeviceKind::Gpu => "i8",
        };
        let compressed = self.has_compressed_cache.then(|| Property::new(KV_CACHE_PRECISION, eight_bits));
        compressed.into_iter().chain(self.properties.clone()).collect()
    }

    /// Whose loop drives the model.
    pub(super) fn host_loop(&self) -> &str {
        match &self.kind {
            Kind::Stateful => Arm::ARCGAUGE,
            Kind::Genai(_) => Arm::OPENVINO_GENAI,
            Kind::Optimum => Arm::OPTIMUM_INTEL,
            Kind::Program(name) => name,
        }
    }
}

impl FromStr for EngineWords {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, properties) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let (kind, has_compressed_cache) = match name {
            "" => {
                return Err(Error::input("an engine has no name")
                    .hint("as in `--engines stateful,genai,optimum`; `--help` lists them"));
            }
            "stateful" => (Kind::Stateful, false),
            "genai" => (Kind::Genai(Attention::Sdpa), false),
            "genai-pa" => (Kind::Genai(Attention::Paged), false),
            "genai-pa-i8" => (Kind::Genai(Attention::Paged), true),
            "optimum" => (Kind::Optimum, false),
            other => (Kind::Program(other.to_owned()), false),
        };
        let properties = properties.iter().flat_map(|all| all.split('+'));
        let properties = properties.map(str::parse).collect::<Result<Vec<Property>>>()?;
        let is_said_twice = |property: &Property| {
            properties.iter().filter(|other| other.key == property.key).count() > 1
                || (has_compressed_cache && property.key == KV_CACHE_PRECISION)
        };
        if let Some(property) = properties.iter().find(|property| is_said_twice(property)) {
            return Err(Error::input(format!("engine `{text}` sets `{}` twice", property.key))
                .hint("give each property of an engine once"));
        }
        Ok(Self { name: name.to_owned(), kind, has_compressed_cache, properties })
    }
}

impl fmt::Display for EngineWords {
    /// The words again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (at, property) in self.properties.iter().enumerate() {
            let separator = if at == 0 { ':' } else { '+' };
            write!(f, "{separator}{property}")?;
        }
        Ok(())
    }
}

/// A program of workers, and what it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PeerProgram {
    worker: WorkerProgram,
    /// The file whose hash stands in the record: of a script the script, not the Python that runs it.
    known_by: PathBuf,
    /// Whether it is of no commit of this checkout.
    is_other_program: bool,
}

/// Finds the program of an engine.
///
/// # Errors
/// An environment that was not set up, a program that is not there, or an engine that nobody knows.
fn find_program(
    words: &EngineWords,
    programs: &[NamedProgram],
    supervision: &SupervisionArgs,
    root: &Root,
) -> Result<PeerProgram> {
    match &words.kind {
        Kind::Stateful => {
            let worker = supervision.program()?;
            let known_by = worker.program.clone();
            Ok(PeerProgram { worker, known_by, is_other_program: supervision.is_other_program() })
        }
        Kind::Genai(attention) => script(root, "genai", &["--attention", attention.into()]),
        Kind::Optimum => script(root, "optimum", &[]),
        Kind::Program(name) => of_program(name, programs),
    }
}

/// The environment of a peer below the cache folder, whether it is there or not.
pub(in crate::cli) fn environment(root: &Root, peer: &str) -> Result<PathBuf> {
    let list = root.peers().join(format!("requirements-{peer}.txt"));
    let sha256 = sha256_of_file(&list)
        .map_err(|error| error.hint("run it in a checkout of arcgauge: the peers' scripts are there"))?;
    places::peer_dir(peer, &sha256)
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))
}

fn script(root: &Root, peer: &str, arguments: &[&str]) -> Result<PeerProgram> {
    let python = python_in(&environment(root, peer)?);
    let script = root.peers().join(format!("{peer}.py"));
    if !python.is_file() {
        return Err(Error::input(format!(
            "engine `{peer}` is not set up: there is no `{}`",
            python.display()
        ))
        .hint("fetch the peers: `cargo xtask setup --peers`; or name others: `--engines stateful,...`"));
    }
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| Error::input(format!("the path `{}` is not UTF-8", path.display())))
    };
    // Neither Python's own variables nor the user's packages reach into the environment.
    let mut all = vec!["-E".to_owned(), "-s".to_owned(), text(&script)?];
    all.extend(arguments.iter().map(ToString::to_string));
    // A link to the system's Python, by which it knows its environment: the path stays as it is.
    Ok(PeerProgram { worker: worker_program(python, all)?, known_by: script, is_other_program: false })
}

fn of_program(name: &str, programs: &[NamedProgram]) -> Result<PeerProgram> {
    let named = programs.iter().find(|program| program.name == name).ok_or_else(|| {
        Error::input(format!("there is no engine `{name}`")).hint(format!(
            "name stateful, genai, genai-pa, genai-pa-i8 or optimum; or say which program it is: \
             `--program {name}=FILE`"
        ))
    })?;
    let hint = "name a program that speaks the worker's protocol; benches/peers/README.md describes it";
    let file = program_file(&named.file, hint)?;
    let worker = worker_program(file.clone(), Vec::new())?;
    Ok(PeerProgram { worker, known_by: file, is_other_program: true })
}

/// An engine that can be measured.
pub(super) struct ReadyEngine {
    words: EngineWords,
    program: PeerProgram,
    load: LoadCommand,
    /// Properties that it has for itself.
    differences: Vec<Property>,
    identity: Identity,
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
            kv: None,
            label: self.words.to_string(),
            differences: self.differences.iter().map(ToString::to_string).collect(),
            host_loop: self.words.host_loop().to_owned(),
            program: &self.program.worker,
            load: &self.load,
            model,
            edited: edited.filter(|_| can_replay),
            requested: &args.measuring.engine.device,
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
    /// Finds every engine's program before one is started, then settles device and properties once
    /// for all: engines that choose for themselves are not comparable. None where Ctrl-C ended it.
    pub(super) fn settle(&self) -> Result<Option<ReadyEngines>> {
        check_names(self.engines)?;
        check_programs(&self.args.programs, self.engines)?;
        let found = |words: &EngineWords| {
            find_program(words, &self.args.programs, &self.args.measuring.supervision, self.root)
        };
        let programs = self.engines.iter().map(found).collect::<Result<Vec<_>>>()?;
        let load = self.load(&self.args.measuring.engine, None)?;
        let own = self.args.measuring.supervision.program()?;
        let link = Box::new(WorkerProcess::start(&own)?);
        let limits = self.args.measuring.supervision.limits();
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
        let mut engine =
            EngineFlags { device: resolved.device.clone(), ..self.args.measuring.engine.clone() };
        // Every property is stated, for an engine of another language has other defaults.
        engine.properties =
            resolved.properties_requested.iter().map(|(key, value)| Property::new(key, value)).collect();
        engine.properties.retain(|common| differences.iter().all(|own| own.key != common.key));
        engine.properties.extend(differences.clone());
        let edited = self.edited.filter(|_| words.kind == Kind::Stateful);
        let load = self.load(&engine, edited)?;
        let identity = Identity::of(self.root.path(), &program.known_by, program.is_other_program)?;
        Ok(ReadyEngine { words: words.clone(), program, load, differences, identity })
    }

    fn load(&self, engine: &EngineFlags, edited: Option<&EditedGraph>) -> Result<LoadCommand> {
        let location = Sources::from_environment(engine.openvino.clone()).locate()?;
        Ok(load_command(engine, self.model, location, edited))
    }
}

/// Without a golden an answer is compared with that of the engine which can report its logit margins: this one,
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
            "prompt `{}` has no golden, and `{}` is named before `stateful`, which alone reports how close its \
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_named_with_what_it_has_for_itself() {
        let engine: EngineWords = "genai-pa:KV_CACHE_PRECISION=u8+NUM_STREAMS=1".parse().unwrap();
        assert_eq!(engine.kind, Kind::Genai(Attention::Paged));
        let reported: Vec<String> =
            engine.properties(DeviceKind::Cpu).iter().map(ToString::to_string).collect();
        assert_eq!(reported, ["KV_CACHE_PRECISION=u8", "NUM_STREAMS=1"]);
        assert_eq!(engine.to_string(), "genai-pa:KV_CACHE_PRECISION=u8+NUM_STREAMS=1");
        assert_eq!("mine".parse::<EngineWords>().unwrap().host_loop(), "mine");
    }

    #[test]
    fn a_compressed_cache_is_requested_as_the_device_has_it() {
        let engine: EngineWords = "genai-pa-i8".parse().unwrap();
        assert_eq!(engine.properties(DeviceKind::Cpu), [Property::new("KV_CACHE_PRECISION", "u8")]);
        assert_eq!(engine.properties(DeviceKind::Gpu), [Property::new("KV_CACHE_PRECISION", "i8")]);
    }
}
