//! A folder with a model in OpenVINO's format: which files it must have, what its config says of the model's shape, and
//! what a folder looks like that was not downloaded to its end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::files::text::NoText;
use crate::files::{self, FileKind};
use crate::sys::canonicalize;

/// The facts of `config.json` that matter here; all else is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ModelConfig {
    /// The architecture, as in `gpt_oss`.
    pub model_type: Option<String>,
    /// Tokens in the vocabulary.
    pub vocab_size: Option<usize>,
    /// The longest sequence.
    pub max_position_embeddings: Option<usize>,
    /// Experts of a layer, as `gpt_oss` and `mixtral` name it.
    pub num_local_experts: Option<u64>,
    /// Experts of a layer, as `qwen3_moe` names it.
    pub num_experts: Option<u64>,
    /// Experts that a token passes through in a layer.
    pub num_experts_per_tok: Option<u64>,
    /// The same by the name that the published GPT-OSS has beside it.
    pub experts_per_token: Option<u64>,
}

/// A model folder whose graph and weights are there. It is read, never written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolder {
    path: PathBuf,
    config: ModelConfig,
}

impl ModelFolder {
    /// Looks at the folder.
    ///
    /// # Errors
    /// A folder that is missing, lacks the graph, the weights or the config, or has a name that is no
    /// text: OpenVINO and the worker's protocol take no other.
    pub fn open(path: &Path) -> Result<Self> {
        let found = canonicalize(path).map_err(|_| {
            Error::input(format!("model folder `{}` does not exist", path.display())).hint(NAME_A_MODEL)
        })?;
        if found.to_str().is_none() {
            return Err(Error::input(format!(
                "the name of model folder `{}` is no UTF-8, which OpenVINO needs",
                found.display()
            ))
            .hint("rename it, or the folder above it that has such a name"));
        }
        let mut folder = Self { path: found, config: ModelConfig::default() };
        for (file, what) in [
            (folder.graph(), "the graph"),
            (folder.weights(), "the weights"),
            (folder.config_file(), "the model's config"),
        ] {
            // Hub caches hold links; what counts is the file behind it.
            if !file.is_file() {
                let missing = file.strip_prefix(&folder.path).unwrap_or(&file).display();
                let what = format!("model folder `{}` has no `{missing}` ({what})", folder.path.display());
                return Err(
                    unfinished(&folder.path, &what).unwrap_or_else(|| Error::input(what).hint(NAME_A_MODEL))
                );
            }
            if files::is_pointer(&file) {
                return Err(NoText::LfsPointer.of_file(&file));
            }
        }
        let file = folder.config_file();
        let text = files::read_text(&file, FileKind::ModelText)?;
        folder.config = serde_json::from_str(&text).map_err(|cause| {
            Error::input(format!("`{}` is not a model config: {cause}", file.display())).hint(NAME_A_MODEL)
        })?;
        Ok(folder)
    }

    /// The folder, resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What `config.json` says.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// `openvino_model.xml`.
    pub fn graph(&self) -> PathBuf {
        self.path.join("openvino_model.xml")
    }

    /// `openvino_model.bin`.
    pub fn weights(&self) -> PathBuf {
        self.path.join("openvino_model.bin")
    }

    /// `config.json`.
    pub fn config_file(&self) -> PathBuf {
        self.path.join("config.json")
    }

    /// `tokenizer.json`, which not every model folder has.
    pub fn tokenizer(&self) -> Option<PathBuf> {
        Some(self.path.join("tokenizer.json")).filter(|file| file.is_file())
    }

    /// Whether the folder has a tokenizer that is an OpenVINO graph.
    pub fn has_tokenizer_ir(&self) -> bool {
        self.path.join("openvino_tokenizer.xml").is_file()
    }
}

const NAME_A_MODEL: &str = "name a folder with an OpenVINO model: `--model-dir DIR`, or once and for all \
    `cargo xtask model use DIR`";

/// What a config says of a model's shape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelShape {
    /// The architecture, as in `gpt_oss`.
    pub model_type: Option<String>,
    /// The class of the original, as in `GptOssForCausalLM`.
    pub architectures: Vec<String>,
    /// Layers.
    pub layers: Option<u64>,
    /// How many of them there are of each kind of attention, as in `sliding_attention`.
    pub layers_by_attention: BTreeMap<String, u64>,
    /// How far back a sliding layer sees.
    pub sliding_window_tokens: Option<u64>,
    /// Width of the hidden state.
    pub hidden_size: Option<u64>,
    /// Heads of a layer.
    pub attention_heads: Option<u64>,
    /// Heads of a layer that have keys and values.
    pub kv_heads: Option<u64>,
    /// Width of a head.
    pub head_size: Option<u64>,
    /// Experts of a layer.
    pub experts: Option<u64>,
    /// Experts that a token passes through in a layer.
    pub experts_per_token: Option<u64>,
    /// Width of an expert, or of the feed-forward part.
    pub intermediate_size: Option<u64>,
    /// Tokens in the vocabulary.
    pub vocabulary_tokens: Option<u64>,
    /// The longest sequence.
    pub context_tokens: Option<u64>,
}

impl ModelShape {
    /// What a model's config says.
    pub fn of(folder: &ModelFolder) -> Self {
        let text = files::read_text(&folder.config_file(), FileKind::ModelText).unwrap_or_default();
        Self::from_config(&serde_json::from_str(&text).unwrap_or_default())
    }

    /// Elements of keys and values that a token adds to the cache of all layers; None where a config says none, or more
    /// than can be counted.
    pub fn kv_elements_per_token(&self) -> Option<u64> {
        let one_state = self.layers?.checked_mul(self.kv_heads?)?.checked_mul(self.head_size?)?;
        one_state.checked_mul(2).filter(|elements| *elements > 0)
    }

    fn from_config(config: &Value) -> Self {
        let number = |names: &[&str]| names.iter().find_map(|name| config[*name].as_u64());
        let texts = |name: &str| {
            let list = config[name].as_array().into_iter().flatten();
            list.filter_map(|text| text.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let mut layers_by_attention = BTreeMap::new();
        for kind in texts("layer_types") {
            *layers_by_attention.entry(kind).or_default() += 1;
        }
        let (hidden_size, attention_heads) = (number(&["hidden_size"]), number(&["num_attention_heads"]));
        let usual_head = || hidden_size?.checked_div(attention_heads?);
        Self {
            model_type: config["model_type"].as_str().map(str::to_owned),
            architectures: texts("architectures"),
            layers: number(&["num_hidden_layers"]),
            layers_by_attention,
            sliding_window_tokens: number(&["sliding_window"]),
            kv_heads: number(&["num_key_value_heads"]).or(attention_heads),
            head_size: number(&["head_dim"]).or_else(usual_head),
            experts: number(&["num_local_experts", "num_experts"]),
            experts_per_token: number(&["num_experts_per_tok", "experts_per_token"]),
            intermediate_size: number(&["intermediate_size"]),
            vocabulary_tokens: number(&["vocab_size"]),
            context_tokens: number(&["max_position_embeddings"]),
            hidden_size,
            attention_heads,
        }
    }
}

/// How the clients of the hub, browsers and download managers call a file that is not whole yet.
const INCOMPLETE: [&str; 5] = ["incomplete", "part", "partial", "crdownload", "aria2"];
/// Where it keeps the revisions of a repository in its cache.
const SNAPSHOTS: &str = "snapshots";
/// Files of a download that are named in a message.
const MOST_SHOWN: usize = 3;

/// The error of a folder that lacks a file because its download has not ended, or because it is a repository
/// in the hub's cache and not one of its revisions; None where the folder shows neither. `what` says which file is missing.
pub(super) fn unfinished(folder: &Path, what: &str) -> Option<Error> {
    is_repository(folder, what).or_else(|| incomplete(folder, what))
}

fn is_repository(folder: &Path, what: &str) -> Option<Error> {
    let snapshots: Vec<PathBuf> = entries(&folder.join(SNAPSHOTS)).filter(|path| path.is_dir()).collect();
    let first = snapshots.first()?;
    let (count, names) = (snapshots.len(), shown(&snapshots));
    let plural = if count == 1 { "" } else { "s" };
    Some(
        Error::input(format!("{what}: it holds {count} snapshot{plural}, {names}"))
            .hint(format!("name one: `--model-dir {}`", first.display())),
    )
}

fn incomplete(folder: &Path, what: &str) -> Option<Error> {
    // In the hub's cache a snapshot holds links to the blobs of its repository; beside a folder that was
    // named the client keeps a folder of its own.
    let repository = match folder.parent() {
        Some(parent) if parent.ends_with(SNAPSHOTS) => parent.parent(),
        _ => Some(folder),
    };
    let own = folder.join(".cache/huggingface/download");
    let places = [Some(folder.to_owned()), repository.map(|it| it.join("blobs")), Some(own.clone())];
    let below_own = entries(&own).filter(|path| path.is_dir());
    let files = places.into_iter().flatten().chain(below_own).flat_map(|place| entries(&place));
    let mut files: Vec<PathBuf> = files
        .filter(|file| INCOMPLETE.iter().any(|it| file.extension().is_some_and(|own| own == *it)))
        .collect();
    files.sort();
    if files.is_empty() {
        return None;
    }
    let name = repository.and_then(repository_name).unwrap_or_else(|| "ORGANISATION/MODEL".to_owned());
    let into = if entries(&own).next().is_some() {
        format!(" --local-dir {}", folder.display())
    } else {
        String::new()
    };
    Some(
        Error::input(format!("{what}: its download has not ended, {} is there", shown(&files)))
            .hint(format!("go on with it: `hf download {name}{into}`")),
    )
}

/// `models--ORGANISATION--MODEL` is a repository's folder in the cache.
fn repository_name(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?.strip_prefix("models--")?;
    Some(name.replacen("--", "/", 1))
}

fn shown(paths: &[PathBuf]) -> String {
    let names = paths.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.take(MOST_SHOWN).map(|name| format!("`{name}`")).collect();
    if paths.len() > MOST_SHOWN {
        names.push("...".to_owned());
    }
    names.join(", ")
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.into_iter()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;
    use crate::engine::ModelFolder;
    use crate::error::Error;

    #[test]
    fn a_config_that_says_little_gives_what_follows_from_it_and_one_that_says_nonsense_gives_nothing() {
        let llama = ModelShape::from_config(&json!({ "hidden_size": 4096, "num_attention_heads": 32 }));
        assert_eq!((llama.head_size, llama.kv_heads, llama.experts), (Some(128), Some(32), None));
        let nonsense = json!({ "hidden_size": "wide", "num_attention_heads": 0, "layer_types": 7 });
        assert_eq!(ModelShape::from_config(&nonsense).head_size, None);
        assert_eq!(ModelShape::from_config(&json!([])), ModelShape::default());
    }

    #[test]
    fn sliding_and_full_layers_are_counted() {
        let kinds = ["sliding_attention", "full_attention", "sliding_attention"];
        let shape = ModelShape::from_config(&json!({ "layer_types": kinds }));
        assert_eq!(shape.layers_by_attention["sliding_attention"], 2);
        assert_eq!(shape.layers_by_attention["full_attention"], 1);
    }

    const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        folder
    }

    fn refused(folder: &TempDir, below: &str) -> (String, String) {
        let error: Error = ModelFolder::open(&folder.path().join(below)).unwrap_err();
        (error.to_string(), error.hint_text().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_pointer_of_git_lfs_in_place_of_any_file_is_named_with_the_command_that_brings_the_file() {
        for pointer in ["openvino_model.xml", "openvino_model.bin", "config.json"] {
            let names = ["openvino_model.xml", "openvino_model.bin", "config.json"];
            let folder = folder(&names.map(|name| (name, if name == pointer { POINTER } else { "{}" })));
            let (what, hint) = refused(&folder, "");
            assert!(what.contains(pointer) && what.contains("git-lfs"), "{what}");
            assert!(hint.contains("`git lfs pull`"), "{hint}");
        }
    }

    #[test]
    fn a_download_that_has_not_ended_is_named_with_the_command_that_goes_on_with_it() {
        let cache = folder(&[
            ("models--OpenVINO--tiny-int4/blobs/0a.incomplete", ""),
            ("models--OpenVINO--tiny-int4/snapshots/1f/config.json", "{}"),
        ]);
        let (what, hint) = refused(&cache, "models--OpenVINO--tiny-int4/snapshots/1f");
        assert!(what.contains("`openvino_model.xml`") && what.contains("`0a.incomplete`"), "{what}");
        assert!(hint.contains("`hf download OpenVINO/tiny-int4`"), "{hint}");
        let named = folder(&[(".cache/huggingface/download/openvino_model.bin.7.incomplete", "")]);
        let (what, hint) = refused(&named, "");
        assert!(what.contains("openvino_model.bin.7.incomplete"), "{what}");
        assert!(hint.contains("--local-dir"), "{hint}");
    }

    #[test]
    fn what_a_browser_or_a_download_manager_has_begun_is_named() {
        for name in ["openvino_model.bin.aria2", "openvino_model.xml.part", "Unconfirmed 7.crdownload"] {
            let (what, _) = refused(&folder(&[(name, ""), ("config.json", "{}")]), "");
            assert!(what.contains(name) && what.contains("has not ended"), "{what}");
        }
    }

    #[test]
    fn a_repository_of_the_cache_names_its_snapshots() {
        let cache = folder(&[("m/snapshots/1f/config.json", "{}"), ("m/snapshots/2e/config.json", "{}")]);
        let (what, hint) = refused(&cache, "m");
        assert!(what.contains("2 snapshots, `1f`, `2e`"), "{what}");
        assert!(hint.contains("m/snapshots/1f`"), "{hint}");
        assert!(!refused(&cache, "m/snapshots/1f").0.contains("snapshots,"));
        let (what, hint) = refused(&folder(&[("snapshots/1f/config.json", "{}")]), "");
        assert!(what.contains("1 snapshot, `1f`") && hint.contains("/snapshots/1f`"), "{what} {hint}");
    }
}
