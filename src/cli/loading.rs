//! From flags to a loaded engine, the same way for every verb that runs a model.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::cli::edited_graph::EditedGraph;
use crate::cli::flags::{EngineFlags, ModelFlags};
use crate::cli::load_warnings::{self, AsLoaded};
use crate::cli::root::Root;
use crate::cli::say;
use crate::cli::settings::Settings;
use crate::engine::openvino::{Graph, OpenVinoEngine, Settled, Sources};
use crate::engine::{ModelConfig, ModelFolder};
use crate::error::{Error, Result};
use crate::golden::GoldenSet;
use crate::places;
use crate::record::{AskedPrompt, HashCache, ModelIdentity, Warning, sha256_of_file};
use crate::workload::{PromptSet, TemplateTokens, TextTokenizer, TokenId, TokenizerIdentity};

/// Files above this size are announced before they are hashed.
const SLOW_TO_HASH_BYTES: u64 = 1 << 30;

/// A model that was found and identified, before anything is loaded.
pub(super) struct FoundModel {
    pub(super) folder: ModelFolder,
    pub(super) identity: ModelIdentity,
    pub(super) tokenizer: Option<TextTokenizer>,
    pub(super) tokenizer_identity: TokenizerIdentity,
    pub(super) prompts: PromptSet,
    pub(super) goldens: GoldenSet,
    pub(super) graph: Graph,
}

/// A loaded engine and what it was loaded with.
pub(super) struct Loaded {
    pub(super) engine: OpenVinoEngine,
    pub(super) settled: Settled,
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
    let revision = fs::read_to_string(folder.join("refs/main")).ok();
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

/// Finds the model, hashes it, and reads what belongs to it.
pub(super) fn find_model(flags: &ModelFlags, root: &Root) -> Result<FoundModel> {
    let folder = ModelFolder::open(&model_dir(flags, root)?)?;
    let graph = Graph::read(&folder)?;
    let mut known = known_hashes();
    let identity = ModelIdentity::of(&folder, &mut known, announce_hashing)?;
    known.save();
    let file = flags.tokenizer.clone().or_else(|| folder.tokenizer());
    let tokenizer = file.as_deref().map(TextTokenizer::from_file).transpose()?;
    let tokenizer_sha256 = file.as_deref().map(sha256_of_file).transpose()?;
    let tokenizer_identity = tokenizer_identity(folder.config(), tokenizer_sha256);
    let prompts = PromptSet::load(&root.prompts())?;
    let goldens = GoldenSet::load(&root.goldens(&identity.name))?;
    Ok(FoundModel { folder, identity, tokenizer, tokenizer_identity, prompts, goldens, graph })
}

/// The hashes of files that were read before, in the cache folder.
pub(super) fn known_hashes() -> HashCache {
    places::cache_dir().map_or_else(HashCache::default, |folder| HashCache::load(folder.join("hashes.json")))
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

/// The tokens that a tokenizer's own template puts around a text, for people; None where there are none.
pub(super) fn template_line(tokenizer: &TextTokenizer) -> Option<String> {
    let TemplateTokens { before, after } = tokenizer.template_tokens();
    let named = |ids: &[TokenId], place: &str| {
        let words = ids.iter().map(|id| format!("`{}` ({id})", tokenizer.token(*id)));
        (!ids.is_empty()).then(|| format!("{} {place} the text", words.collect::<Vec<_>>().join(", ")))
    };
    let parts: Vec<String> =
        [named(&before, "before"), named(&after, "after")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("its template puts {}", parts.join(" and ")))
}

impl FoundModel {
    /// The tokens of a reference prompt: pinned ones, else by the tokenizer.
    pub(super) fn prompt_tokens(&self, id: &str, text: &str) -> Result<Vec<TokenId>> {
        let pinned = self.prompts.pinned_for(&self.tokenizer_identity);
        match pinned.and_then(|pinned| pinned.prompts.get(id)) {
            Some(ids) => Ok(ids.clone()),
            None => self.encode(text),
        }
    }

    /// The tokens of a text.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<TokenId>> {
        if text.trim().is_empty() {
            return Err(Error::input("the prompt is empty").hint("give some text: `--prompt \"Hello\"`"));
        }
        self.tokenizer()?.encode(text)
    }

    /// The tokenizer, which turning text into tokens and back needs.
    pub(super) fn tokenizer(&self) -> Result<&TextTokenizer> {
        self.tokenizer.as_ref().ok_or_else(|| {
            Error::input(format!("model folder `{}` has no `tokenizer.json`", self.folder.path().display()))
                .hint("name one with `--tokenizer FILE`")
        })
    }

    /// What the tokenizer's file asks for and is not done.
    pub(super) fn tokenizer_warning(&self) -> Option<Warning> {
        let switched_off = self.tokenizer.as_ref()?.switched_off();
        (!switched_off.is_empty()).then(|| {
            Warning::new(
                "tokenizer-settings-off",
                format!("the tokenizer was saved with {}: not done here", switched_off.join(" and ")),
                "prompts are fed whole and without padding, as the tokenizer of a text generator feeds them",
            )
        })
    }

    /// The tokens that the tokenizer's own template puts around a text, for people.
    pub(super) fn template_line(&self) -> Option<String> {
        let tokenizer = self.tokenizer.as_ref()?;
        template_line(tokenizer)
    }

    /// Refuses goldens that were made from other files than these.
    pub(super) fn check_goldens_belong(&self) -> Result<()> {
        let foreign =
            self.goldens.goldens.values().find(|golden| golden.model_sha256 != self.identity.sha256);
        let Some(golden) = foreign else { return Ok(()) };
        Err(Error::input(format!(
            "model `{}` in `{}` is not the one its goldens were made from: its sha256 is {}, the golden of `{}` has {}",
            self.identity.name,
            self.folder.path().display(),
            self.identity.sha256,
            golden.prompt_id,
            golden.model_sha256
        ))
        .hint("restore the model's files; or measure it without goldens by `--unverified`, and bless the record"))
    }

    /// Refuses a prompt whose tokens are not those that its golden answers.
    pub(super) fn check_goldens_fit(&self, asked: &[AskedPrompt]) -> Result<()> {
        let golden_of = |id: &str| self.goldens.goldens.get(id);
        let unfit = asked.iter().find(|prompt| {
            golden_of(&prompt.id).is_some_and(|golden| golden.prompt_token_ids != prompt.token_ids)
        });
        let Some(prompt) = unfit else { return Ok(()) };
        Err(Error::input(format!(
            "prompt `{}` has other tokens than those that its golden answers: the golden, the pinned ids or the tokenizer was changed",
            prompt.id
        ))
        .hint("restore them: `git checkout -- fixtures`; or measure without goldens by `--unverified`"))
    }

    /// Loads the runtime, settles the device and compiles the model, in this process: for verbs that do
    /// not measure.
    pub(super) fn load(&self, flags: &EngineFlags) -> Result<Loaded> {
        let location = Sources::from_environment(flags.openvino.clone()).locate()?;
        let mut settled = Settled::on(location, &flags.device, &flags.properties)?;
        let edited = EditedGraph::place(&self.identity, flags.all_logits)?;
        let edited = edited.as_ref().map(EditedGraph::path);
        let engine = settled.load(&self.folder, &self.graph, edited, None)?;
        let asked = settled.properties.iter().map(|p| (p.key.clone(), p.value.clone())).collect();
        let warnings = load_warnings::of(&AsLoaded {
            requested: &settled.choice.requested,
            target: &settled.choice.target,
            fallback_because: settled.choice.fallback_because.as_deref(),
            emulated_reason: settled.facts.emulated_reason.as_deref(),
            asked: &asked,
            effective: engine.properties(),
        });
        load_warnings::tell(&warnings);
        Ok(Loaded { engine, settled })
    }
}
