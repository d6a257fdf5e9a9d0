//! Which model: the sha256 of its files, checked against its manifest where it has one.

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::ModelFolder;
use crate::error::{Error, Result};
use crate::files::text::NoText;
use crate::files::{self, FileKind, is_file_name};
use crate::record::encoded::hex;
use crate::record::hash_cache::HashCache;
use crate::record::model_check::{FaultyFile, faults};
use crate::record::model_files::{hash_files, model_files};
use crate::record::model_name::folder_name;

/// The file that says what a model's folder must hold.
pub(super) const MANIFEST: &str = "manifest.json";
/// The two that decide what comes out, in the order in which they make the identity.
const DECISIVE: [&str; 2] = ["openvino_model.bin", "openvino_model.xml"];

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name in the model's folder.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its hash, 64 hexadecimal digits.
    pub sha256: String,
}

/// What a model's folder must hold: `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this form: 1.
    pub schema: u32,
    /// The model's name.
    pub name: String,
    /// Every file of the model.
    pub files: Vec<ModelFile>,
}

/// Whether a model was checked against a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestCheck {
    /// Every file is as the manifest says, and there is no other.
    Verified,
    /// The folder has no manifest.
    Absent,
}

impl Manifest {
    /// The identity of the model that it describes, as [`ModelIdentity::sha256`].
    #[must_use]
    pub fn identity(&self) -> String {
        identity(&self.files)
    }

    /// Bytes of all its files together.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).fold(0, u64::saturating_add)
    }
}

/// A model's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelIdentity {
    /// The manifest's name for it, or the folder's with `-` for what cannot stand in a path's part.
    pub name: String,
    /// The sha256 of what `sha256sum openvino_model.bin openvino_model.xml` prints.
    pub sha256: String,
    /// Every file, by name.
    pub files: Vec<ModelFile>,
    /// Whether it was checked.
    pub manifest: ManifestCheck,
}

impl ModelIdentity {
    /// Hashes the files of a model folder; `progress` hears of each file's name and size before it is
    /// read. A file that `known` has seen, and that is the same by inode, size and times, is not read.
    ///
    /// # Errors
    /// A file that cannot be read, differs from the manifest, is missing from the folder, or is
    /// there without being in the manifest.
    pub fn of(
        folder: &ModelFolder,
        known: &mut HashCache,
        mut progress: impl FnMut(&str, u64),
    ) -> Result<Self> {
        let files = hash_files(folder.path(), known, &mut progress)?;
        let manifest = read_manifest(folder.path())?;
        if let Some(manifest) = &manifest {
            compare(folder.path(), manifest, &files)?;
        }
        let name = manifest.as_ref().map_or_else(|| folder_name(folder.path()), |m| m.name.clone());
        Ok(Self {
            name,
            sha256: identity(&files),
            files,
            manifest: if manifest.is_some() { ManifestCheck::Verified } else { ManifestCheck::Absent },
        })
    }

    /// Looks at the files again, after a run: the same names, and the same contents by the same test.
    ///
    /// # Errors
    /// What is not as it was.
    pub fn check_unchanged(&self, folder: &ModelFolder, known: &mut HashCache) -> Result<()> {
        let refuse = |name: &str, what: &str| {
            Err(Error::input(format!(
                "model file `{}` {what} while the model was being measured",
                folder.path().join(name).display()
            ))
            .hint("nothing that was measured counts; leave the folder alone and measure again"))
        };
        let found = model_files(folder.path())?;
        for file in &self.files {
            match found.get(&file.path) {
                None => return refuse(&file.path, "was removed"),
                Some(size) if *size != file.size_bytes => return refuse(&file.path, "changed its size"),
                Some(_) if known.sha256_of(&folder.path().join(&file.path), || ())? != file.sha256 => {
                    return refuse(&file.path, "was changed");
                }
                Some(_) => {}
            }
        }
        match found.keys().find(|name| self.files.iter().all(|file| file.path != **name)) {
            Some(added) => refuse(added, "was added"),
            None => Ok(()),
        }
    }

    /// The hash of one of the files.
    #[must_use]
    pub fn sha256_of(&self, name: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == name).map(|file| file.sha256.as_str())
    }
}

/// The sha256 of a file, in lower-case hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String> {
    let unreadable = |cause: std::io::Error| Error::io("read", path, &cause).as_input();
    let mut file = files::open(path, FileKind::Large)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(hex(&hasher.finalize())),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// What a folder's manifest says; None where it has none.
///
/// # Errors
/// A manifest that cannot be read, or is none.
pub fn read_manifest(folder: &Path) -> Result<Option<Manifest>> {
    let path = folder.join(MANIFEST);
    let Some(text) = files::read_text_if_there(&path, FileKind::Text)? else { return Ok(None) };
    let manifest: Manifest = serde_json::from_str(&text).map_err(|cause| {
        Error::input(format!("`{}` is not a model manifest: {cause}", path.display())).hint(RESTORE)
    })?;
    if !is_file_name(&manifest.name) {
        return Err(Error::input(format!(
            "`{}` names the model `{}`, which is no plain name",
            path.display(),
            manifest.name
        ))
        .hint("use letters, digits, `.`, `_` and `-` alone"));
    }
    Ok(Some(manifest))
}

fn compare(folder: &Path, manifest: &Manifest, files: &[ModelFile]) -> Result<()> {
    match faults(manifest, files).into_iter().next() {
        Some(FaultyFile { name, fault }) => {
            let file = folder.join(name);
            if files::is_pointer(&file) {
                return Err(NoText::LfsPointer.of_file(&file));
            }
            Err(Error::input(format!("model file `{}` {fault}", file.display())).hint(RESTORE))
        }
        None => Ok(()),
    }
}

const RESTORE: &str = "restore the folder (`git checkout -- fixtures/models` for the shipped model), or \
    fetch the model again: `cargo xtask model verify DIR` names all that differs, and how";

/// The sha256 of `HASH  NAME` lines, as `sha256sum` prints them.
fn identity(files: &[ModelFile]) -> String {
    let decisive = DECISIVE.iter().filter_map(|name| files.iter().find(|file| file.path == *name));
    let mut hasher = Sha256::new();
    for file in decisive {
        hasher.update(format!("{}  {}\n", file.sha256, file.path));
    }
    hex(&hasher.finalize())
}
