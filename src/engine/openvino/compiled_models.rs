//! The cache of compiled models (`CACHE_DIR`): a GPU compiles for minutes, once a key.
//!
//! It also holds the kernels that are compiled at the first inference, so that it is filled when a
//! load and a generation have ended well, which a file beside the blobs then says. A load that is killed
//! leaves no such file, and what it left is removed before the next one.
//!
//! That file has the properties that the cold load read back: a model that comes from the cache reads back
//! other values of the same setting, such as a `KV_CACHE_PRECISION` of `dynamic`.

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::engine::openvino::{EffectiveProperties, ResolvedRuntime};
use crate::files::{self, FileKind};

/// Beyond this, what was used longest ago gives way: two or three compiled 20B models fit.
pub const COMPILED_MODELS_LIMIT_BYTES: u64 = 40 << 30;
/// The folder of all compiled models, in the cache folder.
pub const COMPILED_MODELS_FOLDER: &str = "compiled-models";
/// Touched at each use, for its time.
const USED: &str = "used";
/// There when a load and a generation have filled the folder: a [`ColdLoad`].
const COLD_LOAD: &str = "cold-load.json";

/// What is stored of the load that filled the folder.
#[derive(Debug, Serialize, Deserialize)]
struct ColdLoad {
    properties_effective: EffectiveProperties,
}

/// The folder of one key: model, runtime, device with its driver, properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledModelFolder {
    path: PathBuf,
}

impl CompiledModelFolder {
    /// The folder below `root`; it need not be there yet.
    pub fn of(root: &Path, model_sha256: &str, resolved: &ResolvedRuntime) -> Self {
        let facts = &resolved.facts;
        let device =
            [Some(resolved.choice.target.as_str()), facts.pci_id.as_deref(), facts.driver_version.as_deref()];
        let device: Vec<&str> = device.into_iter().flatten().collect();
        let properties = resolved.properties.iter();
        let mut properties: Vec<String> =
            properties.map(|property| format!("{}={}", property.key, property.value)).collect();
        properties.sort();
        Self::of_key([model_sha256, resolved.runtime.build(), &device.join("-"), &properties.join("+")], root)
    }

    /// The start of each part for whoever looks into the folder, and a hash of them whole.
    fn of_key(parts: [&str; 4], root: &Path) -> Self {
        let mut hasher = DefaultHasher::new();
        parts.hash(&mut hasher);
        let readable = parts.map(component).join("+");
        Self { path: root.join(format!("{readable}+{:016x}", hasher.finish())) }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an earlier load and a generation have filled it.
    pub fn is_warm(&self) -> bool {
        self.cold_properties().is_some()
    }

    /// The properties that the load which filled it read back; None where none has.
    pub fn cold_properties(&self) -> Option<EffectiveProperties> {
        let text = files::read(&self.path.join(COLD_LOAD), FileKind::Text).ok()?;
        let cold: ColdLoad = serde_json::from_slice(&text).ok()?;
        Some(cold.properties_effective)
    }

    /// Makes the folder ready for a load, and notes that it is used now. What a load has left that did
    /// not come to its end is removed, for a damaged blob may be among it. Two loads at once would
    /// remove each other's: the device lock keeps them apart.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn prepare(&self) -> io::Result<()> {
        if !self.is_warm() {
            match fs::remove_dir_all(&self.path) {
                Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
                _ => {}
            }
        }
        fs::create_dir_all(&self.path)?;
        fs::write(self.path.join(USED), "")
    }

    /// Notes that a load and a generation have ended well, with the properties that the load read back.
    /// Where they have left nothing, the cache stays cold: the runtime has not used it.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn mark_complete(&self, cold_properties: &EffectiveProperties) -> io::Result<()> {
        let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name()));
        let names: Vec<OsString> = names.collect::<io::Result<_>>()?;
        if names.iter().all(|name| name == USED) {
            return Ok(());
        }
        let cold = ColdLoad { properties_effective: cold_properties.clone() };
        fs::write(self.path.join(COLD_LOAD), serde_json::to_vec_pretty(&cold)?)
    }
}

/// Removes what was used longest ago until the rest is within the limit, and gives what was removed.
/// The folder that was used last stays, whatever its size.
pub fn trim_compiled_models(root: &Path, limit_bytes: u64) -> Vec<PathBuf> {
    let mut cached: Vec<CachedModel> =
        fs::read_dir(root).into_iter().flatten().flatten().filter_map(|entry| cached_model(&entry)).collect();
    cached.sort_by_key(|folder| folder.used);
    let mut total: u64 = cached.iter().map(|folder| folder.bytes).sum();
    let mut removed = Vec::new();
    while total > limit_bytes && cached.len() > 1 {
        let oldest = cached.remove(0);
        total -= oldest.bytes;
        if fs::remove_dir_all(&oldest.path).is_ok() {
            removed.push(oldest.path);
        }
    }
    removed
}

struct CachedModel {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

fn cached_model(entry: &fs::DirEntry) -> Option<CachedModel> {
    let path = entry.path();
    let used = fs::metadata(path.join(USED)).and_then(|file| file.modified()).ok()?;
    let files = fs::read_dir(&path).ok()?.flatten();
    let bytes = files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum();
    Some(CachedModel { path, bytes, used })
}

/// Four of them and a hash fit into a file's name.
const PART_CHARACTERS: usize = 32;

/// The start of a text as a part of a file's name.
fn component(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-=+".contains(c) { c } else { '_' };
    text.chars().map(plain).take(PART_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cached(root: &Path, name: &str, bytes: usize, seconds_ago: u64) -> PathBuf {
        let folder = root.join(name);
        CompiledModelFolder { path: folder.clone() }.prepare().unwrap();
        fs::write(folder.join("1.blob"), vec![0; bytes]).unwrap();
        let used = fs::File::open(folder.join(USED)).unwrap();
        used.set_modified(SystemTime::now() - Duration::from_secs(seconds_ago)).unwrap();
        folder
    }

    #[test]
    fn a_cache_is_warm_when_a_load_and_a_generation_have_filled_it_and_not_before() {
        let root = tempfile::tempdir().unwrap();
        let folder = CompiledModelFolder { path: root.path().join("key") };
        assert!(!folder.is_warm());
        folder.prepare().unwrap();
        let cold: EffectiveProperties = [("KV_CACHE_PRECISION".to_owned(), "f16".to_owned())].into();
        folder.mark_complete(&cold).unwrap();
        assert!(!folder.is_warm(), "the runtime has left nothing");
        let blob = folder.path().join("1.blob");
        fs::write(&blob, "x").unwrap();
        assert!(!folder.is_warm(), "a load that was killed has left as much");
        folder.mark_complete(&cold).unwrap();
        assert_eq!(folder.cold_properties(), Some(cold));
        folder.prepare().unwrap();
        assert!(folder.is_warm() && blob.is_file(), "what is filled is kept");
    }

    #[test]
    fn what_a_load_has_left_that_was_killed_is_removed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = CompiledModelFolder { path: root.path().join("key") };
        let [half, other, beside] =
            ["key/a folder/1.blob", "other/1.blob", "a file"].map(|name| root.path().join(name));
        for file in [&half, &other, &beside] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        folder.prepare().unwrap();
        assert!(!half.exists() && !folder.is_warm());
        assert!(other.is_file() && beside.is_file());
        assert!(folder.path().join(USED).is_file(), "it can be trimmed");
    }

    #[test]
    fn what_was_used_longest_ago_gives_way_first_and_the_last_used_never() {
        let root = tempfile::tempdir().unwrap();
        let oldest = cached(root.path(), "oldest", 100, 300);
        let older = cached(root.path(), "older", 100, 200);
        let newest = cached(root.path(), "newest", 500, 1);
        let other = root.path().join("a folder of somebody else");
        fs::create_dir(&other).unwrap();
        assert_eq!(trim_compiled_models(root.path(), 700), Vec::<PathBuf>::new());
        assert_eq!(trim_compiled_models(root.path(), 650), [oldest]);
        assert_eq!(trim_compiled_models(root.path(), 10), [older]);
        assert!(newest.is_dir() && other.is_dir());
    }

    #[test]
    fn a_key_is_a_plain_file_name_that_differs_wherever_a_part_does_however_long_it_is() {
        assert_eq!(component("../../x y"), ".._.._x_y");
        let name = |properties: &str| {
            let long = "9".repeat(500);
            CompiledModelFolder::of_key([&long, &long, &long, properties], Path::new("/cache")).path
        };
        let start = "INFERENCE_PRECISION_HINT=f16+KV_CACHE_PRECISION=f16+PERFORMANCE_HINT=";
        let (one, other) = (name(&format!("{start}LATENCY")), name(&format!("{start}THROUGHPUT")));
        assert_ne!(one, other);
        assert!(one.file_name().unwrap().len() <= 255 && one.parent() == Some(Path::new("/cache")));
    }
}
