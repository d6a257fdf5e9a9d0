//! When a model's files were last read whole and found to be what its manifest says.
//!
//! It counts as long as no file has changed since by inode, size or times, as for the hashes of files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{self, FileKind, Overwrite, write_whole};
use crate::record::model::MANIFEST;
use crate::record::{Manifest, sha256_of_bytes, utc_now};

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
    #[must_use]
    pub fn load(cache: &Path) -> Self {
        let file = cache.join("verified-models.json");
        let known = files::read(&file, FileKind::StoreList)
            .ok()
            .and_then(|text: Vec<u8>| serde_json::from_slice(&text).ok());
        Self { file, known: known.unwrap_or_default() }
    }

    /// When this folder's model was verified; None where it was not, or something changed since.
    #[must_use]
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
        let reported = fs::metadata(folder.join(name)).ok()?;
        let (device, inode, size) = (reported.dev(), reported.ino(), reported.len());
        let (modified, changed, rest) = (reported.mtime(), reported.ctime(), reported.ctime_nsec());
        Some(format!("{name} {device} {inode} {size} {modified} {changed}.{rest}\n"))
    });
    let text: String = lines.collect::<Option<_>>()?;
    Some(sha256_of_bytes(text.as_bytes()))
}
