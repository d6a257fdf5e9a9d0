//! Programs that were built, kept by the commit that they are of.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::record::{InUse, KeptFolders, sha256_of_file};

/// The program in its folder.
const PROGRAM: &str = "arcgauge";
/// What it is recognised by, beside it.
const STAMP: &str = "stamp.json";

/// By what a kept program is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The commit that it was built from; of a work tree the one below it.
    pub commit: String,
    /// What built it: the compiler's own words, and variables of the C++ compiler.
    pub toolchain: String,
    /// The sha256 of the `Cargo.lock`, which names all dependencies.
    pub lock_sha256: String,
    /// The sha256 of the program.
    pub program_sha256: String,
}

/// A program that was built. It stays while this is kept.
#[derive(Debug)]
pub struct Binary {
    /// Its file.
    pub program: PathBuf,
    /// What it is recognised by.
    pub stamp: Stamp,
    /// Whether it had been built before.
    pub reused: bool,
    _in_use: InUse,
}

/// The folder of built programs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binaries<'a> {
    pub(super) folder: &'a Path,
}

impl Binaries<'_> {
    /// The program of a commit, if it was built by this toolchain from these dependencies, and is as it
    /// was built.
    pub(super) fn find(&self, commit: &str, toolchain: &str, lock_sha256: &str) -> Result<Option<Binary>> {
        let mut found = None;
        let is_good = |folder: &Path| {
            found = whole(folder).filter(|stamp| {
                stamp.commit == commit && stamp.toolchain == toolchain && stamp.lock_sha256 == lock_sha256
            });
            found.is_some()
        };
        let in_use = self.folders().find(commit, is_good)?;
        Ok(in_use.zip(found).map(|(in_use, stamp)| binary(in_use, stamp, true)))
    }

    /// Keeps a program under a name. One that is there with the same stamp is used again.
    pub(super) fn keep(&self, name: &str, built: &Path, stamp: Stamp) -> Result<Binary> {
        let mut reused = true;
        let in_use = self.folders().find_or_make(
            name,
            |folder| whole(folder).as_ref() == Some(&stamp),
            |folder| {
                reused = false;
                put(folder, built, &stamp)
            },
        )?;
        Ok(binary(in_use, stamp, reused))
    }

    /// Removes those that were used longest ago; gives what was removed.
    pub(super) fn trim(&self, keep: usize) -> Result<Vec<PathBuf>> {
        self.folders().trim(keep)
    }

    fn folders(&self) -> KeptFolders<'_> {
        KeptFolders { cache: self.folder, mark: STAMP }
    }
}

fn binary(in_use: InUse, stamp: Stamp, reused: bool) -> Binary {
    Binary { program: in_use.folder().join(PROGRAM), stamp, reused, _in_use: in_use }
}

/// The stamp of a folder whose program is what the stamp says.
fn whole(folder: &Path) -> Option<Stamp> {
    let stamp: Stamp =
        serde_json::from_slice(&files::read(&folder.join(STAMP), FileKind::Text).ok()?).ok()?;
    let sha256 = sha256_of_file(&folder.join(PROGRAM)).ok()?;
    (sha256 == stamp.program_sha256).then_some(stamp)
}

fn put(folder: &Path, built: &Path, stamp: &Stamp) -> Result<()> {
    let failed = |cause: std::io::Error| {
        Error::io("keep the program", &folder.join(PROGRAM), &cause)
            .hint("free some space or fix the folder's permissions")
    };
    let text = serde_json::to_vec_pretty(stamp)
        .map_err(|cause| Error::harness(format!("the stamp cannot be written: {cause}")))?;
    fs::create_dir_all(folder).map_err(failed)?;
    fs::copy(built, folder.join(PROGRAM)).map_err(failed)?;
    fs::write(folder.join(STAMP), text).map_err(failed)
}
