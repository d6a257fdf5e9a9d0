//! What a model is made of, by its graph, its config and its files; it is not loaded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::openvino::{ActiveWeights, Anatomy, Graph, KindOfWeight};
use crate::engine::{ModelFolder, ModelShape};
use crate::error::Result;
use crate::record::hub::FetchedFrom;
use crate::record::{HashCache, Manifest, ModelFile, ModelIdentity, read_manifest};

/// By whose word the files have their hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HashesFrom {
    /// The manifest's; the files themselves were not read for it.
    Manifest,
    /// The files' own.
    Files,
}

/// What a token adds to the KV cache, by its precision. Scales of a cache in u8 come on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvBytes {
    /// Keys and values of all layers.
    pub values_per_token: u64,
    /// Bytes in f32.
    pub f32_bytes_per_token: u64,
    /// Bytes in f16.
    pub f16_bytes_per_token: u64,
    /// Bytes in u8, without its scales.
    pub u8_bytes_per_token: u64,
}

/// A model, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelDescription {
    /// What this is: `model-description`.
    pub kind: String,
    /// Version of this form: 1.
    pub schema: u32,
    /// The model's name.
    pub name: String,
    /// The folder that was looked into.
    pub folder: String,
    /// The model's identity, as records have it.
    pub sha256: String,
    /// By whose word.
    pub hashes_from: HashesFrom,
    /// Where it was fetched from.
    pub fetched_from: Option<FetchedFrom>,
    /// Layers, heads, experts.
    pub shape: ModelShape,
    /// The weights by what they are for; empty where the graph is not understood.
    pub weights_by_kind: Vec<KindOfWeight>,
    /// All weights, and what a token reads of them.
    pub weights: Option<ActiveWeights>,
    /// Why they could not be counted.
    pub weights_not_counted_reason: Option<String>,
    /// What a token adds to the KV cache.
    pub kv_cache: Option<KvBytes>,
    /// What the tools that made the model noted in it.
    pub made_by: BTreeMap<String, String>,
    /// Every file.
    pub files: Vec<ModelFile>,
}

impl ModelDescription {
    /// Describes the model in a folder. Its files are hashed only where no manifest states their hashes;
    /// `progress` hears of each before it is read.
    ///
    /// # Errors
    /// A folder without a model, or with files that cannot be read.
    pub fn of(folder: &ModelFolder, known: &mut HashCache, progress: impl FnMut(&str, u64)) -> Result<Self> {
        let graph = Graph::read(folder)?;
        let (manifest, hashes_from) = if let Some(manifest) = read_manifest(folder.path())? {
            (manifest, HashesFrom::Manifest)
        } else {
            let ModelIdentity { name, files, .. } = ModelIdentity::of(folder, known, progress)?;
            (Manifest { schema: 1, name, files }, HashesFrom::Files)
        };
        let anatomy = Anatomy::of(&graph)?;
        let weights = ActiveWeights::of(&graph, folder.config());
        Ok(Self {
            kind: "model-description".to_owned(),
            schema: 1,
            folder: folder.path().display().to_string(),
            sha256: manifest.identity(),
            name: manifest.name,
            hashes_from,
            fetched_from: FetchedFrom::read(folder.path()),
            shape: ModelShape::of(folder),
            weights_by_kind: KindOfWeight::all_of(&graph, folder.config()).unwrap_or_default(),
            weights_not_counted_reason: weights.as_ref().err().map(ToString::to_string),
            weights: weights.ok(),
            kv_cache: anatomy.kv_values_per_token.map(kv_bytes),
            made_by: anatomy.made_by,
            files: manifest.files,
        })
    }
}

fn kv_bytes(values_per_token: u64) -> KvBytes {
    let bytes = |each: u64| values_per_token.saturating_mul(each);
    KvBytes {
        values_per_token,
        f32_bytes_per_token: bytes(4),
        f16_bytes_per_token: bytes(2),
        u8_bytes_per_token: bytes(1),
    }
}
