//! The program of a commit or of the work tree, built or built before.
//!
//! ```text
//! CACHE/ab/build/tree       the checkout that everything is built in, brought to one commit after the other
//! CACHE/ab/build/target     what cargo makes of it: dependencies are compiled once
//! CACHE/ab/binaries/SHA     the program of a commit, with its stamp
//! CACHE/ab/clones/SHA       the files of a commit, for its fixtures
//! ```
//!
//! There is one checkout, because a program holds the path that it was built in: so commits that differ in
//! their documentation alone give the same program, byte by byte.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::gate::side::cargo::{CargoBuild, check_is_worker, toolchain, user_cargo};
use crate::record::{CLONE_MARK, CacheFolders, InUse, Repository, Source, sha256_of_bytes, sha256_of_file};
use crate::sys::FileLock;

/// So many programs and so many clones are cached.
const MOST_CACHED: usize = 20;

/// What names the versions of all dependencies.
const LOCK_FILE: &str = "Cargo.lock";

/// Builds programs, and caches them in a folder.
#[derive(Debug, Clone)]
pub struct Builder {
    folder: PathBuf,
    binaries: PathBuf,
    cargo: OsString,
    own: Option<PathBuf>,
}

impl Builder {
    /// A builder below this cache folder. Cargo is the one that runs this process, else the user's.
    pub fn new(cache: &Path) -> Self {
        let folder = cache.join("ab");
        Self { binaries: folder.join("binaries"), folder, cargo: user_cargo(), own: None }
    }

    /// The same, whose cargo ends with this process; `own` is the file of this program.
    pub fn ending_with(self, own: PathBuf) -> Self {
        Self { own: Some(own), ..self }
    }

    /// The program of a side; None where it was stopped. `report` gets what a user should know, line by line:
    /// that another build is waited for, cargo's words where it has something to do, and what was removed
    /// from the cache.
    ///
    /// # Errors
    /// When the commit is missing, has no program that could be a worker, or cannot be built; or when the
    /// cache cannot be written to.
    pub fn build(
        &self,
        repository: &Repository,
        source: &Source,
        stop: &AtomicBool,
        report: &mut dyn FnMut(&str),
    ) -> Result<Option<Binary>> {
        let build = self.folder.join("build");
        fs::create_dir_all(&build).map_err(|cause| Error::io("make", &build, &cause))?;
        let toolchain = toolchain(&build)?;
        if let Some(binary) = self.built_before(repository, source, &toolchain)? {
            return Ok(Some(binary));
        }
        let Some(lock) = wait_for_turn(&build.join("lock"), stop, report)? else { return Ok(None) };
        // By the one that was waited for, it may be.
        if let Some(binary) = self.built_before(repository, source, &toolchain)? {
            return Ok(Some(binary));
        }
        let tree = build.join("tree");
        let what = place(repository, source, &tree)?;
        let target = build.join("target");
        let cargo = CargoBuild {
            cargo: &self.cargo,
            own: self.own.as_deref(),
            checkout: &tree,
            target: &target,
            lock: &lock,
            what: &what,
        };
        let Some(program) = cargo.run(stop, report)? else { return Ok(None) };
        if check_is_worker(&program, &what, stop)?.is_none() {
            return Ok(None);
        }
        let stamp = Stamp {
            commit: source.commit().sha.clone(),
            toolchain,
            lock_sha256: sha256_of_bytes(
                files::read(&tree.join(LOCK_FILE), FileKind::Text).unwrap_or_default(),
            ),
            program_sha256: sha256_of_file(&program)?,
        };
        let name = match source {
            Source::Commit(commit) => commit.sha.clone(),
            Source::WorkTree(_) => format!("work-tree-{}", &stamp.program_sha256[..16]),
        };
        let mut reused = true;
        let in_use = self.binaries().find_or_make(
            &name,
            |folder| whole(folder).as_ref() == Some(&stamp),
            |folder| {
                reused = false;
                put(folder, &program, &stamp)
            },
        )?;
        report_removed(&self.binaries().trim(MOST_CACHED)?, report);
        Ok(Some(Binary::of(in_use, stamp, reused)))
    }

    /// The files of a commit, for its fixtures. They stay while the returned value is kept.
    ///
    /// # Errors
    /// When the commit is missing, or the cache cannot be written to.
    pub fn clone_of(
        &self,
        repository: &Repository,
        sha: &str,
        report: &mut dyn FnMut(&str),
    ) -> Result<InUse> {
        let clones = self.folder.join("clones");
        let clone = repository.clone_at(sha, &clones.join(sha))?;
        report_removed(&CacheFolders { cache: &clones, mark: CLONE_MARK }.trim(MOST_CACHED)?, report);
        Ok(clone)
    }

    /// The program of a commit, if there is one. What a work tree gives is only known when it is built.
    fn built_before(
        &self,
        repository: &Repository,
        source: &Source,
        toolchain: &str,
    ) -> Result<Option<Binary>> {
        let Source::Commit(commit) = source else { return Ok(None) };
        let lock_file = repository.file_at(&commit.sha, LOCK_FILE)?.unwrap_or_default();
        let lock_sha256 = sha256_of_bytes(lock_file);
        let mut found = None;
        let is_good = |folder: &Path| {
            found = whole(folder).filter(|stamp| {
                stamp.commit == commit.sha && stamp.toolchain == toolchain && stamp.lock_sha256 == lock_sha256
            });
            found.is_some()
        };
        let in_use = self.binaries().find(&commit.sha, is_good)?;
        Ok(in_use.zip(found).map(|(in_use, stamp)| Binary::of(in_use, stamp, true)))
    }

    fn binaries(&self) -> CacheFolders<'_> {
        CacheFolders { cache: &self.binaries, mark: STAMP }
    }
}

/// Brings the checkout to what is to be built, and names that.
fn place(repository: &Repository, source: &Source, tree: &Path) -> Result<String> {
    match source {
        Source::Commit(commit) => {
            repository.check_out_into(&commit.sha, tree)?;
            Ok(format!("commit `{}`", commit.short()))
        }
        Source::WorkTree(_) => {
            repository.mirror_work_tree(tree)?;
            Ok(format!("the work tree `{}`", repository.folder().display()))
        }
    }
}

/// The turn of the one checkout; None where the wait was stopped.
fn wait_for_turn(path: &Path, stop: &AtomicBool, report: &mut dyn FnMut(&str)) -> Result<Option<FileLock>> {
    let mut reported = false;
    FileLock::take(path, &mut || {
        if !reported {
            report(&format!("waiting: another build is under way (`{}`)", path.display()));
            reported = true;
        }
        !stop.load(Ordering::Relaxed)
    })
}

fn report_removed(removed: &[PathBuf], report: &mut dyn FnMut(&str)) {
    for folder in removed {
        report(&format!("removed from the cache: {}", folder.display()));
    }
}

/// The program in its folder.
const PROGRAM: &str = "arcgauge";
/// What it is recognised by, beside it.
const STAMP: &str = "stamp.json";

/// By what a stored program is recognised.
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

impl Binary {
    fn of(in_use: InUse, stamp: Stamp, reused: bool) -> Self {
        Self { program: in_use.folder().join(PROGRAM), stamp, reused, _in_use: in_use }
    }
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
