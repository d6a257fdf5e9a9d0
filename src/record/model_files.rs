//! The files of a model's folder: which belong to the model, and what they hash to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::record::HashCache;
use crate::record::model::{MANIFEST, Manifest, ModelFile};
use crate::record::model_check::{FaultyFile, faults};

/// Files beside a model that are not the model.
const NOT_THE_MODEL: [&str; 4] = [MANIFEST, "README.md", "LICENSE", "LICENSE.md"];

/// Holds every file of a folder against its manifest; `progress` hears of each file before it is read.
/// Gives whatever differs.
///
/// # Errors
/// A file that cannot be read.
pub fn check_files(
    folder: &Path,
    manifest: &Manifest,
    known: &mut HashCache,
    progress: &mut dyn FnMut(&str, u64),
) -> Result<Vec<FaultyFile>> {
    Ok(faults(manifest, &hash_files(folder, known, progress)?))
}

/// Every file with its hash, by name.
pub(super) fn hash_files(
    folder: &Path,
    known: &mut HashCache,
    progress: &mut dyn FnMut(&str, u64),
) -> Result<Vec<ModelFile>> {
    let mut files = Vec::new();
    for (name, size_bytes) in model_files(folder)? {
        let sha256 = known.sha256_of(&folder.join(&name), || progress(&name, size_bytes))?;
        files.push(ModelFile { path: name, size_bytes, sha256 });
    }
    Ok(files)
}

/// Names and sizes, sorted by name. Folders, hidden files and documents are not the model.
pub(super) fn model_files(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let unreadable = |cause: std::io::Error| Error::io("read", folder, &cause).as_input();
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let metadata = fs::metadata(&path).map_err(|cause| Error::io("read", &path, &cause).as_input())?;
        if metadata.is_file() && is_model_file(&name) {
            files.insert(name, metadata.len());
        }
    }
    Ok(files)
}

/// Whether a file of this name is part of the model, and not beside it.
pub(super) fn is_model_file(name: &str) -> bool {
    !name.starts_with('.') && !NOT_THE_MODEL.contains(&name)
}
