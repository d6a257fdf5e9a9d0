//! From flags to a loaded engine, the same way for every verb that runs a model.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::cli::flags::{EngineFlags, ModelFlags, openvino_as_typed};
use crate::cli::measuring::own_program;
use crate::cli::root::Root;
use crate::cli::settings::Settings;
use crate::cli::{say, warn};
use crate::engine::openvino::{Graph, OpenVinoEngine, ResolvedRuntime, Sources};
use crate::engine::{ModelConfig, ModelFolder};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::golden::GoldenSet;
use crate::measure::start_tokenizer;
use crate::record::{ModelIdentity, sha256_of_file};
use crate::run::{AsLoaded, EditedGraph, FoundModel, known_hashes, load_warnings};
use crate::workload::{PromptSet, TextTokenizer, TokenizerIdentity};

/// Files above this size are announced before they are hashed.
const SLOW_TO_HASH_BYTES: u64 = 1 << 30;

/// A loaded engine and what it was loaded with.
pub(super) struct Loaded {
    pub(super) engine: OpenVinoEngine,
    pub(super) resolved: ResolvedRuntime,
}

/// The model folder that a verb uses: the flag's, the settings', or the shipped one.
pub(super) fn model_dir(flags: &ModelFlags, root: &Root) -> Result<PathBuf> {
    if let Some(folder) = &flags.model_dir {
        return Ok(snapshot_of(folder));
    }
    match Settings::load()?.model_dir {
        Some(folder) => {
            say(&format!("model: `{}` (by `model use`)", folder.display()));
            Ok(folder)
        }
        None => Ok(root.shipped_model()),
    }
}

/// The checked-out revision of a repository in a Hugging Face cache; any other folder is itself.
pub(super) fn snapshot_of(folder: &Path) -> PathBuf {
    let snapshots = folder.join("snapshots");
    let revision = files::read_text(&folder.join("refs/main"), FileKind::Text).ok();
    // One name: a path would lead out of the repository.
    let revision = revision.as_deref().map(str::trim).filter(|revision| is_one_name(revision));
    let named = revision.map(|revision| snapshots.join(revision)).filter(|named| named.is_dir());
    let only = || {
        let mut revisions = fs::read_dir(&snapshots).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        revisions.next().filter(|_| revisions.next().is_none())
    };
    named.or_else(only).unwrap_or_else(|| folder.to_owned())
}

fn is_one_name(text: &str) -> bool {
    let mut parts = Path::new(text).components();
    matches!(parts.next(), Some(Component::Normal(name)) if name == text) && parts.next().is_none()
}

/// Finds the model, hashes it, and reads what belongs to it. `openvino` is what a tokenizer IR is read with.
pub(super) fn find_model(flags: &ModelFlags, openvino: Option<&String>, root: &Root) -> Result<FoundModel> {
    let folder = ModelFolder::open(&model_dir(flags, root)?)?;
    let graph = Graph::read(&folder)?;
    let mut known = known_hashes();
    let identity = ModelIdentity::of(&folder, &mut known, announce_hashing)?;
    known.save();
    let file = flags.tokenizer.clone().or_else(|| folder.tokenizer());
    let tokenizer = match &file {
        Some(file) => TextTokenizer::from_file(file).map(Ok)?,
        None => tokenizer_ir(&folder, openvino),
    };
    let tokenizer_sha256 = file.as_deref().map(sha256_of_file).transpose()?;
    let tokenizer_identity = tokenizer_identity(folder.config(), tokenizer_sha256);
    let prompts = PromptSet::load(&root.prompts())?;
    let goldens = GoldenSet::load_all(&root.goldens(&identity.name))?;
    Ok(FoundModel { folder, identity, tokenizer, tokenizer_identity, prompts, goldens, graph })
}

/// The tokenizer of a folder without a `tokenizer.json`, or why there is none.
pub(super) fn tokenizer_ir(folder: &ModelFolder, openvino: Option<&String>) -> Result<TextTokenizer> {
    if !folder.has_tokenizer_ir() {
        let what = format!("model folder `{}` has no `tokenizer.json`", folder.path().display());
        return Err(Error::input(what).hint("name one with `--tokenizer FILE`"));
    }
    let mut command = Command::new(own_program()?);
    command.arg("tokenizer").args(openvino_as_typed(openvino)).arg("--").arg(folder.path());
    start_tokenizer(&mut command, folder.path())
}

/// Says that a large file is being hashed.
pub(super) fn announce_hashing(name: &str, size_bytes: u64) {
    if size_bytes > SLOW_TO_HASH_BYTES {
        say(&format!("hashing {name} ({:.1} GB)", size_bytes as f64 / 1e9));
    }
}

/// By what the tokenizer of a model is recognised.
pub(super) fn tokenizer_identity(
    config: &ModelConfig,
    tokenizer_sha256: Option<String>,
) -> TokenizerIdentity {
    TokenizerIdentity {
        model_type: config.model_type.clone(),
        vocabulary_size: config.vocab_size,
        tokenizer_sha256,
    }
}

/// Loads the runtime, settles the device and compiles the model, in this process: for verbs that do not measure.
pub(super) fn load(model: &FoundModel, flags: &EngineFlags) -> Result<Loaded> {
    let location = Sources::from_environment(flags.openvino.clone()).locate()?;
    let mut resolved = ResolvedRuntime::on(location, &flags.device, &flags.properties)?;
    let edited = EditedGraph::place(&model.identity, flags.all_logits, 0)?;
    let edited = edited.as_ref().map(EditedGraph::path);
    let engine = resolved.load(&model.folder, &model.graph, edited, None)?;
    let requested = resolved.properties.iter().map(|p| (p.key.clone(), p.value.clone())).collect();
    let warnings = load_warnings(&AsLoaded {
        requested: &resolved.choice.requested,
        target: &resolved.choice.target,
        fallback_reason: resolved.choice.fallback_reason.as_deref(),
        emulated_reason: resolved.facts.emulated_reason.as_deref(),
        properties: &requested,
        effective: engine.properties(),
    });
    warnings.iter().for_each(warn);
    Ok(Loaded { engine, resolved })
}
