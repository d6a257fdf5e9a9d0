//! Which model: the sha256 of its files, checked against its manifest where it has one. 12 GB take a minute to hash and have
//! rarely changed, so hashes are remembered.
//!
//! A file counts as the same by device, inode, size, and the times of its last change of contents and of anything. A file
//! that changed within the last seconds is not remembered: it could change again within one tick of the file system's clock.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::ModelFolder;
use crate::error::{Error, Result};
use crate::files::text::NoText;
use crate::files::{self, FileKind, Overwrite, is_file_name, write_whole};
use crate::record::encoded::hex;
use crate::sys::FileStamp;

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
    pub fn identity(&self) -> String {
        identity(&self.files)
    }

    /// Bytes of all its files together.
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
    /// Hashes the files of a model folder; `progress` is called with each file's name and size before it is
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
        let manifest = read_manifest(folder.path())?;
        let files = hash_files(folder.path(), manifest.as_ref(), known, &mut progress)?;
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
    let read = files::read_text_if_there(&path, FileKind::Text).map_err(|error| error.or_hint(RESTORE));
    let Some(text) = read? else { return Ok(None) };
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

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFault {
    /// It is there, and the manifest does not know it.
    Extra,
    /// It has another size: of the file, and by the manifest.
    Size {
        /// Bytes that it has.
        found: u64,
        /// Bytes that it should have.
        stated: u64,
    },
    /// It has the right size and another content.
    Altered {
        /// The sha256 that it has.
        found: String,
        /// The sha256 that it should have.
        stated: String,
    },
    /// The manifest lists it, and it is not there.
    Missing,
}

/// A file with what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyFile {
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub fault: FileFault,
}

impl FileFault {
    /// The fault in a word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Extra => "extra",
            Self::Size { .. } | Self::Altered { .. } => "damaged",
            Self::Missing => "missing",
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extra => f.write_str("is not in the model's manifest"),
            Self::Size { found, stated } => write!(f, "has {found} bytes, the manifest says {stated}"),
            Self::Altered { found, stated } => {
                write!(f, "is altered: its sha256 is {found}, the manifest says {stated}")
            }
            Self::Missing => f.write_str("is missing, the manifest lists it"),
        }
    }
}

/// Compares the files of a folder with its manifest: first what is there, then what is not.
pub(super) fn faults(manifest: &Manifest, files: &[ModelFile]) -> Vec<FaultyFile> {
    let stated = |name: &str| manifest.files.iter().find(|file| file.path == name);
    let fault_of = |file: &ModelFile| match stated(&file.path) {
        None => Some(FileFault::Extra),
        Some(stated) if stated.size_bytes != file.size_bytes => {
            Some(FileFault::Size { found: file.size_bytes, stated: stated.size_bytes })
        }
        Some(stated) if stated.sha256 != file.sha256 => {
            Some(FileFault::Altered { found: file.sha256.clone(), stated: stated.sha256.clone() })
        }
        Some(_) => None,
    };
    let there = files
        .iter()
        .filter_map(|file| fault_of(file).map(|fault| FaultyFile { name: file.path.clone(), fault }));
    let missing = manifest.files.iter().filter(|stated| !files.iter().any(|file| file.path == stated.path));
    there
        .chain(missing.map(|stated| FaultyFile { name: stated.path.clone(), fault: FileFault::Missing }))
        .collect()
}

/// Files beside a model that are not the model.
const NOT_THE_MODEL: [&str; 4] = [MANIFEST, "README.md", "LICENSE", "LICENSE.md"];

/// Compares every file of a folder with its manifest; `progress` is called with each file before it is read.
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
    Ok(faults(manifest, &hash_files(folder, Some(manifest), known, progress)?))
}

/// Every file with its hash, by name. One that by its name or size is not of the manifest is not read for a hash.
fn hash_files(
    folder: &Path,
    manifest: Option<&Manifest>,
    known: &mut HashCache,
    progress: &mut dyn FnMut(&str, u64),
) -> Result<Vec<ModelFile>> {
    let mut files = Vec::new();
    for (name, size_bytes) in model_files(folder)? {
        let is_stated = |manifest: &Manifest| {
            manifest.files.iter().any(|file| file.path == name && file.size_bytes == size_bytes)
        };
        let sha256 = if manifest.is_none_or(is_stated) {
            known.sha256_of(&folder.join(&name), || progress(&name, size_bytes))?
        } else {
            String::new()
        };
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

/// Of a longer name the beginning is taken.
const LONGEST: usize = 128;

/// The folder's name; in a Hugging Face cache, the repository's.
pub(super) fn folder_name(folder: &Path) -> String {
    let names = folder.components().rev().filter_map(|part| part.as_os_str().to_str());
    let mut names = names.map(str::to_owned);
    let last = names.next().unwrap_or_default();
    let name = match (names.next().as_deref(), names.next()) {
        (Some("snapshots"), Some(cached)) => cached.rsplit("--").next().unwrap_or(&cached).to_owned(),
        _ => last,
    };
    as_plain(&name)
}

/// A name that can stand in a table, a message and the path of the model's goldens.
pub(super) fn as_plain(name: &str) -> String {
    let plain = |c: char| if is_file_name(&format!("a{c}")) { c } else { '-' };
    let name: String = name.trim_start_matches('.').chars().map(plain).take(LONGEST).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// A file must have been left alone for so long.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// Hashes by file.
#[derive(Debug, Clone, Default)]
pub struct HashCache {
    file: Option<PathBuf>,
    known: BTreeMap<PathBuf, Known>,
    changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    stamp: FileStamp,
    sha256: String,
}

fn stamp_of(path: &Path) -> Result<FileStamp> {
    let file = fs::metadata(path).map_err(|cause| Error::io("read", path, &cause).as_input())?;
    Ok(FileStamp::of(&file))
}

fn is_settled(stamp: &FileStamp) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let quiet_since = stamp.modified_ns.max(stamp.changed_ns);
    now.as_nanos().cast_signed() - quiet_since > SETTLED_AFTER.as_nanos().cast_signed()
}

impl HashCache {
    /// What this file remembers; one that is missing or cannot be read remembers nothing.
    pub fn load(file: PathBuf) -> Self {
        let text = files::read(&file, FileKind::StoreList).unwrap_or_default();
        let known = serde_json::from_slice(&text).unwrap_or_default();
        Self { file: Some(file), known, changed: false }
    }

    /// The sha256 of a file; `reading` is called before it has to be read.
    ///
    /// # Errors
    /// When it cannot be read, or changes while it is read.
    pub fn sha256_of(&mut self, path: &Path, reading: impl FnOnce()) -> Result<String> {
        let stamp = stamp_of(path)?;
        if let Some(known) = self.known.get(path).filter(|known| known.stamp == stamp) {
            return Ok(known.sha256.clone());
        }
        reading();
        let sha256 = sha256_of_file(path)?;
        if stamp_of(path)? != stamp {
            return Err(Error::input(format!("`{}` changed while it was being hashed", path.display()))
                .hint("wait until whoever writes it is done"));
        }
        if is_settled(&stamp) {
            self.known.insert(path.to_owned(), Known { stamp, sha256: sha256.clone() });
            self.changed = true;
        }
        Ok(sha256)
    }

    /// Writes down what was learnt, without files that are gone. One that cannot be written costs time
    /// and nothing else.
    pub fn save(&mut self) {
        let Some(file) = self.file.as_ref().filter(|_| self.changed) else { return };
        self.known.retain(|path, _| path.exists());
        if let Ok(text) = serde_json::to_vec(&self.known) {
            let _ = write_whole(file, &text, Overwrite::Replace);
        }
        self.changed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_in_a_hub_cache_is_named_by_its_repository() {
        let cached = Path::new("/c/models--OpenVINO--gpt-oss-20b-int4-ov/snapshots/0123abcd");
        assert_eq!(folder_name(cached), "gpt-oss-20b-int4-ov");
        assert_eq!(folder_name(Path::new("/models/my-model")), "my-model");
    }

    #[test]
    fn a_folder_whose_name_is_not_plain_gives_a_name_that_is() {
        for (folder, name) in [
            ("/models/my model", "my-model"),
            ("/models/$(touch x)\n", "--touch-x--"),
            ("/models/modèle", "mod-le"),
            ("/models/.hidden", "hidden"),
            ("/models/...", "unnamed"),
            ("/", "-"),
        ] {
            assert_eq!(folder_name(Path::new(folder)), name, "{folder}");
            assert!(is_file_name(name));
        }
    }

    fn settled(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
    }

    /// Whether the file had to be read.
    fn reads(cache: &mut HashCache, path: &Path) -> bool {
        let mut read = false;
        cache.sha256_of(path, || read = true).unwrap();
        read
    }

    #[test]
    fn a_file_that_is_the_same_is_not_read_again_and_one_that_changed_is() {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = (folder.path().join("model.bin"), folder.path().join("hashes.json"));
        settled(&path, "one");
        std::thread::sleep(SETTLED_AFTER + Duration::from_millis(50));
        let mut cache = HashCache::load(file.clone());
        assert!(reads(&mut cache, &path));
        assert!(!reads(&mut cache, &path));
        cache.save();
        assert!(!reads(&mut HashCache::load(file.clone()), &path));

        settled(&path, "two");
        let mut cache = HashCache::load(file);
        assert!(reads(&mut cache, &path), "the same size, another content");
        assert!(reads(&mut cache, &path), "it has just changed, and is not trusted yet");
    }

    #[test]
    fn a_cache_that_is_no_cache_remembers_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = (folder.path().join("model.bin"), folder.path().join("hashes.json"));
        settled(&path, "one");
        fs::write(&file, "not JSON").unwrap();
        assert!(reads(&mut HashCache::load(file), &path));
    }
}
