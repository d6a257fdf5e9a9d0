//! A copy of the work tree as it is.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use git2::StatusOptions;

use crate::error::{Error, Result};
use crate::files::other_than_file;
use crate::record::Repository;
use crate::record::repository::fault::unreadable;

/// The kind of an entry that is a repository of its own.
const GITLINK: u32 = 0o160_000;
/// That the owner may execute a file, which is all that git keeps of its mode.
const EXECUTABLE: u32 = 0o100;

impl Repository {
    /// Brings a folder to the state of the work tree: the head's clone with tracked files as they are, and
    /// with untracked ones that git does not ignore. Content, the executable bit and links are kept, links
    /// as links; whatever else is there is removed. Only files that differ are touched, and returned.
    /// Only one process may do so at a time.
    ///
    /// # Errors
    /// When there is no work tree or no commit, something else is in the folder, or a file cannot be read
    /// or written.
    pub fn mirror_work_tree(&self, into: &Path) -> Result<Vec<PathBuf>> {
        let head = self.head()?;
        let files = self.files_of_the_work_tree()?;
        let clone = self.borrowing(into)?;
        let failed = |cause: git2::Error| unreadable(into, &cause);
        let commit = clone.find_commit(self.commit(&head.sha)?.id()).map_err(failed)?;
        let mut index = clone.index().map_err(failed)?;
        let tree = commit.tree().map_err(failed)?;
        index.read_tree(&tree).and_then(|()| index.write()).map_err(failed)?;
        clone.set_head_detached(commit.id()).map_err(failed)?;

        let mut touched = remove_others(into, &files)?;
        for file in &files {
            let (from, to) = (self.folder().join(file), into.join(file));
            let is_touched = copy_if_different(&from, into, file);
            if is_touched.map_err(|cause| Error::io("copy", &from, &cause).hint(copying_hint(&to)))? {
                touched.push(file.clone());
            }
        }
        touched.sort();
        touched.dedup();
        Ok(touched)
    }

    /// The files and links that are there, of those that git tracks or would.
    fn files_of_the_work_tree(&self) -> Result<BTreeSet<PathBuf>> {
        let failed = |cause: git2::Error| unreadable(self.folder(), &cause);
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).include_ignored(false);
        let statuses = self.git.statuses(Some(&mut options)).map_err(failed)?;
        let untracked = statuses.iter().filter(|entry| entry.status().is_wt_new());
        let untracked = untracked.map(|entry| path_of(entry.path_bytes()));
        let index = self.git.index().map_err(failed)?;
        let tracked = index.iter().filter(|entry| entry.mode != GITLINK).map(|entry| path_of(&entry.path));
        let is_there = |path: &PathBuf| {
            let found = fs::symlink_metadata(self.folder().join(path));
            found.is_ok_and(|found| found.is_file() || found.is_symlink())
        };
        Ok(untracked.chain(tracked).filter(is_there).collect())
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

fn copying_hint(to: &Path) -> String {
    format!("its copy is `{}`; free some space or fix the folder's permissions", to.display())
}

/// Removes whatever is neither one of the files nor a folder around one.
fn remove_others(root: &Path, files: &BTreeSet<PathBuf>) -> Result<Vec<PathBuf>> {
    let mut folders: BTreeSet<&Path> = BTreeSet::new();
    for file in files {
        folders.extend(file.ancestors().skip(1));
    }
    let mut removed = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        let path = root.join(&folder);
        let failed = |cause| Error::io("read", &path, &cause);
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let below = folder.join(entry.file_name());
            let is_folder = entry.file_type().map_err(failed)?.is_dir();
            if below == Path::new(".git") || !is_folder && files.contains(&below) {
                continue;
            }
            if is_folder && folders.contains(&*below) {
                open.push(below);
                continue;
            }
            remove(&entry.path()).map_err(|cause| Error::io("remove", &entry.path(), &cause))?;
            removed.push(below);
        }
    }
    Ok(removed)
}

/// Copies one file or link, and says whether that was necessary.
fn copy_if_different(from: &Path, root: &Path, file: &Path) -> io::Result<bool> {
    let to = root.join(file);
    let new = match fs::symlink_metadata(from) {
        Ok(new) => new,
        // It has just gone away.
        Err(cause) if cause.kind() == ErrorKind::NotFound => return remove_if_there(&to),
        Err(cause) => return Err(cause),
    };
    let old = fs::symlink_metadata(&to).ok();
    if old.as_ref().is_some_and(|old| is_same(from, &new, &to, old).unwrap_or(false)) {
        return Ok(false);
    }
    // Never through a link, and never into a file that may not be written.
    remove_if_there(&to)?;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    if new.is_symlink() {
        symlink(fs::read_link(from)?, &to)?;
    } else if let Some(other) = other_than_file(new.file_type()) {
        return Err(io::Error::other(format!("it is {other}, not a regular file")));
    } else {
        fs::copy(from, &to)?;
    }
    Ok(true)
}

fn is_same(from: &Path, new: &Metadata, to: &Path, old: &Metadata) -> io::Result<bool> {
    if new.is_symlink() || old.is_symlink() {
        return Ok(new.is_symlink() && old.is_symlink() && fs::read_link(from)? == fs::read_link(to)?);
    }
    let mode = |reported: &Metadata| reported.permissions().mode() & EXECUTABLE;
    let alike = old.is_file() && new.is_file() && new.len() == old.len() && mode(new) == mode(old);
    Ok(alike && fs::read(from)? == fs::read(to)?)
}

fn remove_if_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => remove(path).map(|()| true),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
