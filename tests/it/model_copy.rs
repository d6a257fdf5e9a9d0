//! A copy of the shipped model, to be damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use crate::checkout::shipped_model;

/// The files of the shipped model.
pub(crate) const FILES: [&str; 5] =
    ["config.json", "manifest.json", "openvino_model.bin", "openvino_model.xml", "tokenizer.json"];

/// A model folder of its own, called as the shipped one is.
pub(crate) struct ModelCopy {
    folder: TempDir,
}

/// What a folder holds: size and time of the last change, by name.
pub(crate) type Listing = BTreeMap<PathBuf, (u64, SystemTime)>;

impl ModelCopy {
    pub(crate) fn new() -> Self {
        let copy = Self::empty();
        for name in FILES {
            fs::copy(shipped_model().join(name), copy.file(name)).unwrap();
        }
        copy
    }

    /// A folder of the same name with nothing in it.
    pub(crate) fn empty() -> Self {
        let copy = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(copy.path()).unwrap();
        copy
    }

    /// The folder.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("tiny-gpt-oss")
    }

    /// The folder, as an argument.
    pub(crate) fn argument(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    /// A file of the model.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The copy without a file.
    pub(crate) fn without(self, name: &str) -> Self {
        fs::remove_file(self.file(name)).unwrap();
        self
    }

    /// The copy with a file changed.
    pub(crate) fn with(self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = fs::read(self.file(name)).unwrap();
        change(&mut bytes);
        fs::write(self.file(name), bytes).unwrap();
        self
    }

    /// The copy with one bit of the weights turned over.
    pub(crate) fn with_a_flipped_bit(self) -> Self {
        self.with("openvino_model.bin", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        })
    }

    /// What is in the folder.
    pub(crate) fn listing(&self) -> Listing {
        listing(&self.path())
    }
}

/// What is in a folder.
pub(crate) fn listing(folder: &Path) -> Listing {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let metadata = fs::metadata(&path).unwrap();
            (path, (metadata.len(), metadata.modified().unwrap()))
        })
        .collect()
}
