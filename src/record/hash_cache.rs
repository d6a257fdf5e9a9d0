//! Hashes of files that were read before: 12 GB take a minute to hash and have rarely changed.
//!
//! A file counts as the same by device, inode, size, and the times of its last change of contents and
//! of anything. A file that changed within the last seconds is not remembered: it could change again
//! within one tick of the file system's clock.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind, Overwrite, write_whole};
use crate::record::sha256_of_file;

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
    stamp: Stamp,
    sha256: String,
}

/// By what a file is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified_ns: i128,
    changed_ns: i128,
}

impl Stamp {
    fn of(path: &Path) -> Result<Self> {
        let reported = fs::metadata(path).map_err(|cause| Error::io("read", path, &cause).as_input())?;
        let ns = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Ok(Self {
            device: reported.dev(),
            inode: reported.ino(),
            size_bytes: reported.len(),
            modified_ns: ns(reported.mtime(), reported.mtime_nsec()),
            changed_ns: ns(reported.ctime(), reported.ctime_nsec()),
        })
    }

    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let quiet_since = self.modified_ns.max(self.changed_ns);
        now.as_nanos().cast_signed() - quiet_since > SETTLED_AFTER.as_nanos().cast_signed()
    }
}

impl HashCache {
    /// What this file remembers; one that is missing or cannot be read remembers nothing.
    #[must_use]
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
        let stamp = Stamp::of(path)?;
        if let Some(known) = self.known.get(path).filter(|known| known.stamp == stamp) {
            return Ok(known.sha256.clone());
        }
        reading();
        let sha256 = sha256_of_file(path)?;
        if Stamp::of(path)? != stamp {
            return Err(Error::input(format!("`{}` changed while it was being hashed", path.display()))
                .hint("wait until whoever writes it is done"));
        }
        if stamp.is_settled() {
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
