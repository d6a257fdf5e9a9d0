//! A side, ready to be measured: its program, its commit, its model, and what its workers load.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::cli::ab::AbArgs;
use crate::cli::flags::EngineFlags;
use crate::cli::loading::model_dir;
use crate::cli::measuring::{load_command, worker_program};
use crate::cli::root::Root;
use crate::cli::say;
use crate::engine::ModelFolder;
use crate::engine::openvino::Sources;
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::gate::side::{Binary, Builder, NamedSource, SideWords, changed_inputs, inputs_sha256};
use crate::measure::protocol::LoadCommand;
use crate::measure::supervisor::WorkerProgram;
use crate::record::{
    Arm, Commit, CommitContext, InUse, InputsRecord, PolicyText, Repository, Side, Source, sha256_of_bytes,
};
use crate::run::{EditedGraph, FoundModel, Identity, ReadyArm};

/// A side that can be measured.
pub(super) struct ReadySide {
    /// Its words, as they were given.
    words: SideWords,
    /// Flags of both sides with its own differences put over them.
    pub(super) engine: EngineFlags,
    program: WorkerProgram,
    pub(super) model: FoundModel,
    load: LoadCommand,
    edited: Option<EditedGraph>,
    pub(super) identity: Identity,
    /// Keeps the program from being tidied away.
    _kept: Option<Binary>,
}

/// Both sides that can be measured.
pub(super) struct ReadySides {
    pub(super) base: ReadySide,
    pub(super) head: ReadySide,
}

/// Both sides in words, the head's with what it is by default.
pub(in crate::cli) struct RequestedSides {
    pub(in crate::cli) base: SideWords,
    pub(in crate::cli) head: SideWords,
}

impl RequestedSides {
    /// Reads the words of both. A head that is not named is HEAD where the base is a revision.
    pub(super) fn of(args: &AbArgs) -> Result<Self> {
        let (base, mut head) = (SideWords::parse(&args.base)?, SideWords::parse(&args.head)?);
        if base.source.is_some() && head.source.is_none() {
            head.source = Some(NamedSource::Revision("HEAD".to_owned()));
        }
        if base.source.is_none() && head.source.is_some() {
            return Err(Error::input(format!("the head is `{head}`, and the base names no revision"))
                .hint("name both, as in `--base main --head HEAD`"));
        }
        Ok(Self { base, head })
    }

    /// Refuses what is not there before the lock is taken and anything is built: revisions, devices, models, OpenVINO.
    pub(in crate::cli) fn check(&self, args: &AbArgs, root: &Root) -> Result<()> {
        let sources = [&self.base.source, &self.head.source];
        if sources.iter().any(|source| source.is_some()) {
            let repository = Repository::open(root.path())?;
            for source in sources.into_iter().flatten() {
                source.find(&repository)?;
            }
        }
        for words in [&self.base, &self.head] {
            let engine = engine_of(&args.measuring.engine, words)?;
            engine.check_device()?;
            Sources::from_environment(engine.openvino.clone()).locate()?;
            // The model that ships with a commit is not there before its copy is.
            if engine.model.model_dir.is_some() {
                ModelFolder::open(&model_dir(&engine.model, root)?)?;
            }
        }
        Ok(())
    }
}

/// The flags of both sides, with the differences of one.
pub(in crate::cli) fn engine_of(both: &EngineFlags, words: &SideWords) -> Result<EngineFlags> {
    let mut engine = both.clone();
    if let Some(model) = &words.model {
        engine.model.model_dir = Some(model.clone());
    }
    if let Some(device) = &words.device {
        engine.device.clone_from(device);
    }
    if let Some(openvino) = &words.openvino {
        engine.openvino = Some(openvino.clone());
    }
    for property in &words.properties {
        if engine.properties.iter().any(|both| both.key == property.key) {
            return Err(Error::input(format!(
                "property `{}` is set for both sides and for one of them",
                property.key
            ))
            .hint("leave it out of `--property`, and give it to each side"));
        }
        engine.properties.push(property.clone());
    }
    Ok(engine)
}

/// What is said of two sides of one commit that differ in nothing.
fn same_commit(base: &Commit, head: &Commit, requested: &RequestedSides) -> Option<String> {
    let is_same = base.sha == head.sha && requested.base.differences() == requested.head.differences();
    is_same.then(|| {
        format!(
            "base and head are the same commit ({}); `--measure-identical` measures it against itself",
            base.short()
        )
    })
}

/// Where the programs of the sides come from.
pub(super) struct Workshop<'a> {
    pub(super) args: &'a AbArgs,
    /// Where prompts, goldens and policy are taken from.
    pub(super) inputs: &'a Root,
    /// What was checked out where `ab` was called.
    pub(super) root: &'a Root,
    pub(super) repository: Option<&'a Repository>,
    pub(super) builder: &'a Builder,
    pub(super) stop: &'a AtomicBool,
}

impl Workshop<'_> {
    /// Both sides, the base first; None where Ctrl-C ended a build.
    pub(super) fn both(&self, requested: &RequestedSides, inputs: &Inputs) -> Result<Option<ReadySides>> {
        if let (Some(Source::Commit(base)), Some(Source::Commit(head))) = (&inputs.base, &inputs.head)
            && !self.args.measure_identical
            && let Some(line) = same_commit(base, head, requested)
        {
            say(&line);
        }
        let Some(base) = self.ready(Side::Base, &requested.base, inputs.base.as_ref())? else {
            return Ok(None);
        };
        let head = self.ready(Side::Head, &requested.head, inputs.head.as_ref())?;
        Ok(head.map(|head| ReadySides { base, head }))
    }

    /// Builds a side's program where it names one, finds its model and says what its workers load.
    fn ready(&self, side: Side, words: &SideWords, source: Option<&Source>) -> Result<Option<ReadySide>> {
        let engine = engine_of(&self.args.measuring.engine, words)?;
        let Some(mut program) = self.program(side, source)? else { return Ok(None) };
        program.worker.variables.clone_from(&words.variables);
        let location = Sources::from_environment(engine.openvino.clone()).locate()?;
        let model = self.args.workload.find_model(&engine, self.inputs)?;
        let edited = EditedGraph::place(&model.identity, engine.all_logits, 0)?;
        let load = load_command(&engine, &model, location, edited.as_ref());
        let is_other_program = source.is_none() && self.args.measuring.supervision.is_other_program();
        let mut identity = Identity::of(self.root.path(), &program.worker.program, is_other_program)?;
        identity.environment_variables.extend(words.variables.clone());
        if let Some(source) = source {
            identity.commit = Some(source.commit().clone());
        }
        Ok(Some(ReadySide {
            words: words.clone(),
            engine,
            program: program.worker,
            model,
            load,
            edited,
            identity,
            _kept: program.kept,
        }))
    }

    /// The program of a side, built where it names a commit or the work tree.
    fn program(&self, side: Side, source: Option<&Source>) -> Result<Option<Program>> {
        let (Some(source), Some(repository)) = (source, self.repository) else {
            return Ok(Some(Program { worker: self.args.measuring.supervision.program()?, kept: None }));
        };
        let what = match source {
            Source::Commit(commit) => format!("the {} ({})", side.as_str(), commit.short()),
            Source::WorkTree(commit) => {
                format!("the {} (the working tree over {})", side.as_str(), commit.short())
            }
        };
        build_worker(self.builder, repository, source, &what, self.stop)
    }
}

/// Builds the program of a commit or of the work tree as a worker; `what` names it where something has to be built. None
/// where Ctrl-C ended the build.
pub(in crate::cli) fn build_worker(
    builder: &Builder,
    repository: &Repository,
    source: &Source,
    what: &str,
    stop: &AtomicBool,
) -> Result<Option<Program>> {
    let mut reported = false;
    let built = builder.build(repository, source, stop, &mut |line: &str| {
        if !reported {
            say(&format!("building {what}"));
            reported = true;
        }
        say(line);
    })?;
    let Some(binary) = built else { return Ok(None) };
    let worker = worker_program(binary.program.clone(), vec!["worker".to_owned()])?;
    Ok(Some(Program { worker, kept: Some(binary) }))
}

/// A worker's program.
pub(in crate::cli) struct Program {
    pub(in crate::cli) worker: WorkerProgram,
    /// What keeps it where it is.
    kept: Option<Binary>,
}

impl ReadySide {
    /// The side as an arm of an experiment.
    pub(super) fn arm(&self) -> ReadyArm<'_> {
        let words = self.words.to_string();
        ReadyArm {
            kv: None,
            label: if words.is_empty() { "this program".to_owned() } else { words },
            differences: self.differences(),
            host_loop: Arm::ARCGAUGE.to_owned(),
            program: &self.program,
            load: &self.load,
            model: &self.model,
            edited: self.edited.as_ref(),
            requested: &self.engine.device,
            identity: &self.identity,
            can_replay: true,
        }
    }

    /// In what it differs from the usual run of its program: by its own words, and by flags of both sides.
    fn differences(&self) -> Vec<String> {
        let of_both =
            self.engine.properties.iter().filter(|property| !self.words.properties.contains(property));
        let of_both = of_both.map(ToString::to_string);
        let openvino = self.engine.openvino.iter().filter(|_| self.words.openvino.is_none());
        let openvino = openvino.map(|openvino| format!("openvino={openvino}"));
        let logits = self.engine.all_logits.then(|| "--all-logits".to_owned());
        self.words.differences().into_iter().chain(openvino).chain(of_both).chain(logits).collect()
    }

    /// Whether nothing that runs differs from the other side: program, runtime, model, device, properties.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let place = |load: &LoadCommand| LoadCommand {
            edited_graph: load.edited_graph.as_ref().map(|_| Path::new("edited").to_owned()),
            properties: sorted(&load.properties),
            ..load.clone()
        };
        self.identity.worker.sha256.is_some()
            && self.identity.worker.sha256 == other.identity.worker.sha256
            && self.program.arguments == other.program.arguments
            && self.program.variables == other.program.variables
            && self.model.identity.files == other.model.identity.files
            && place(&self.load) == place(&other.load)
    }
}

fn sorted(properties: &[String]) -> Vec<String> {
    let mut properties = properties.to_vec();
    properties.sort();
    properties
}

/// The inputs, and where the sides come from.
pub(in crate::cli) struct Inputs {
    /// The checkout that they are in.
    pub(in crate::cli) root: Root,
    pub(in crate::cli) repository: Option<Repository>,
    pub(super) base: Option<Source>,
    pub(super) head: Option<Source>,
    pub(in crate::cli) record: InputsRecord,
    pub(in crate::cli) policy: PolicyText,
    /// What the policy is called in messages.
    pub(in crate::cli) policy_name: String,
    /// Keeps the checkout from being tidied away.
    _in_use: Option<InUse>,
}

impl Inputs {
    /// Finds the sides' commits, and takes the inputs from the base's: from a clean copy of a commit, from
    /// the work tree itself where that is the base.
    pub(in crate::cli) fn of(root: &Root, requested: &RequestedSides, builder: &Builder) -> Result<Self> {
        let names_a_source = requested.base.source.is_some() || requested.head.source.is_some();
        let repository = names_a_source.then(|| Repository::open(root.path())).transpose()?;
        let find = |source: Option<&NamedSource>| {
            source.zip(repository.as_ref()).map(|(named, repository)| named.find(repository)).transpose()
        };
        let (base, head) = (find(requested.base.source.as_ref())?, find(requested.head.source.as_ref())?);
        let (inputs_root, in_use) = match (&base, &repository) {
            (Some(Source::Commit(commit)), Some(repository)) => {
                let in_use = builder.clone_of(repository, &commit.sha, &mut say)?;
                (Root::at(in_use.folder().to_owned()), Some(in_use))
            }
            _ => (root.clone(), None),
        };
        let policy_file = inputs_root.policy();
        let policy_name = match &base {
            Some(source) => format!("ci/gate.json of {}", source.commit().short()),
            None => policy_file.display().to_string(),
        };
        let text = files::read_text(&policy_file, FileKind::Text).map_err(|cause| {
            Error::input(format!("the policy `{policy_name}` cannot be read: {cause}"))
                .hint("name a base that has one: it is what the head is judged by")
        })?;
        let record = record(&inputs_root, repository.as_ref(), base.as_ref(), head.as_ref())?;
        let policy = PolicyText { sha256: sha256_of_bytes(text.as_bytes()), text };
        Ok(Self { root: inputs_root, repository, base, head, record, policy, policy_name, _in_use: in_use })
    }
}

fn record(
    inputs: &Root,
    repository: Option<&Repository>,
    base: Option<&Source>,
    head: Option<&Source>,
) -> Result<InputsRecord> {
    let sha256 = inputs_sha256(inputs.path())?;
    let (Some(repository), Some(base), Some(head)) = (repository, base, head) else {
        return Ok(InputsRecord { sha256, ..InputsRecord::default() });
    };
    let context = CommitContext::around(repository, head.commit().clone(), Some(base.commit().clone()))?;
    // What the base has gone on with since is no change of the head's.
    let from = context.merge_base.as_deref().unwrap_or(&base.commit().sha);
    let changed_by_head = changed_inputs(repository, from, head)?;
    Ok(InputsRecord {
        from_commit: Some(base.commit().sha.clone()),
        sha256,
        changed_by_head,
        merge_base: context.merge_base,
        merge: context.merge,
        policy: PolicyText::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(digit: &str) -> Commit {
        Commit {
            sha: digit.repeat(40),
            parents: Vec::new(),
            tree: "f".repeat(40),
            branch: None,
            subject: "A change".to_owned(),
            author_date_utc: "2026-11-24T12:00:00Z".to_owned(),
            dirty: false,
            difference_sha256: None,
        }
    }

    #[test]
    fn two_sides_of_one_commit_are_pointed_out_unless_they_differ_in_a_setting() {
        let sides = |base: &str, head: &str| {
            let parse = |words: &str| SideWords::parse(&[words.to_owned()]).unwrap();
            RequestedSides { base: parse(base), head: parse(head) }
        };
        let (one, other) = (commit("1"), commit("2"));
        let line = same_commit(&one, &one, &sides("main", "HEAD"));
        let expected = "base and head are the same commit (111111111111); `--measure-identical` measures it against itself";
        assert_eq!(line.as_deref(), Some(expected));
        assert_eq!(same_commit(&one, &other, &sides("main", "HEAD")), None);
        assert_eq!(same_commit(&one, &one, &sides("main", "KV_CACHE_PRECISION=u8")), None);
    }
}
