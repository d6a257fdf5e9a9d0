//! What a model is made of, by its graph, its config and its files; it is not loaded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::openvino::{ActiveWeights, Anatomy, Graph, KindOfWeight};
use crate::engine::{ModelFolder, ModelShape};
use crate::error::Result;
use crate::files::{self, FileKind, Overwrite, write_whole};
use crate::record::hub::FetchedFrom;
use crate::record::model::MANIFEST;
use crate::record::{HashCache, Manifest, ModelFile, ModelIdentity, read_manifest, sha256_of_bytes, utc_now};
use crate::sys::FileStamp;

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
    /// `progress` is called with each before it is read.
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

/// Verifications by folder.
#[derive(Debug, Clone, Default)]
pub struct VerifiedModels {
    file: PathBuf,
    known: BTreeMap<PathBuf, Verified>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Verified {
    when_utc: String,
    stamp: String,
}

impl VerifiedModels {
    /// What is remembered in a cache folder; what cannot be read remembers nothing.
    pub fn load(cache: &Path) -> Self {
        let file = cache.join("verified-models.json");
        let known = files::read(&file, FileKind::StoreList)
            .ok()
            .and_then(|text: Vec<u8>| serde_json::from_slice(&text).ok());
        Self { file, known: known.unwrap_or_default() }
    }

    /// When this folder's model was verified; None where it was not, or something changed since.
    pub fn when_utc(&self, folder: &Path, manifest: &Manifest) -> Option<&str> {
        let verified = self.known.get(folder)?;
        let is_same = stamp(folder, manifest).is_some_and(|stamp| stamp == verified.stamp);
        is_same.then_some(verified.when_utc.as_str())
    }

    /// Remembers that this folder's model is what the manifest says. What cannot be written is forgotten.
    pub fn remember(&mut self, folder: &Path, manifest: &Manifest) {
        let Some(stamp) = stamp(folder, manifest) else { return };
        self.known.retain(|folder, _| folder.is_dir());
        self.known.insert(folder.to_owned(), Verified { when_utc: utc_now(), stamp });
        if let Ok(text) = serde_json::to_vec(&self.known) {
            let _ = write_whole(&self.file, &text, Overwrite::Replace);
        }
    }
}

/// By what the files of a model are recognised; None where one of them is not there.
fn stamp(folder: &Path, manifest: &Manifest) -> Option<String> {
    let names = manifest.files.iter().map(|file| file.path.as_str()).chain([MANIFEST]);
    let lines = names.map(|name| {
        let stamp = FileStamp::of(&fs::metadata(folder.join(name)).ok()?);
        Some(format!("{name} {}\n", serde_json::to_string(&stamp).ok()?))
    });
    let text: String = lines.collect::<Option<_>>()?;
    Some(sha256_of_bytes(text))
}
