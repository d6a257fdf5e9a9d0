//! A folder with a model in OpenVINO's format: which files it must have, and what its config says.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::engine::download;
use crate::error::{Error, Result};
use crate::files::text::NoText;
use crate::files::{self, FileKind};

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
        let found = fs::canonicalize(path).map_err(|_| {
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
                return Err(download::unfinished(&folder.path, &what)
                    .unwrap_or_else(|| Error::input(what).hint(NAME_A_MODEL)));
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
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What `config.json` says.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// `openvino_model.xml`.
    #[must_use]
    pub fn graph(&self) -> PathBuf {
        self.path.join("openvino_model.xml")
    }

    /// `openvino_model.bin`.
    #[must_use]
    pub fn weights(&self) -> PathBuf {
        self.path.join("openvino_model.bin")
    }

    /// `config.json`.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.path.join("config.json")
    }

    /// `tokenizer.json`, which not every model folder has.
    #[must_use]
    pub fn tokenizer(&self) -> Option<PathBuf> {
        Some(self.path.join("tokenizer.json")).filter(|file| file.is_file())
    }
}

const NAME_A_MODEL: &str = "name a folder with an OpenVINO model: `--model-dir DIR`, or once and for all \
    `cargo xtask model use DIR`";
