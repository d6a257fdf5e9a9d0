//! Copies of a repository's files at one commit, each a small repository of its own.
//!
//! A clone borrows the objects of the repository that it is of, as `git clone --shared` does: it is made
//! in a moment from anything that has objects (a work tree among several, a shallow clone, a bare one) and
//! writes nothing there. Should the objects go away, the clone is made again from where they are now.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{RepositoryInitOptions, StatusOptions};

use crate::error::{Error, Result};
use crate::files::other_than_file;
use crate::record::repository::unreadable;
use crate::record::{CacheFolders, InUse, Repository};
use crate::sys::{is_executable, path_of_bytes, symlink};

/// The kind of an entry that is a link.
const LINK: i32 = 0o120_000;

/// In the git folder of a clone: it is ours, to be changed and removed.
pub const CLONE_MARK: &str = ".git/arcgauge-clone";

impl Repository {
    /// A clone in this folder, detached at the commit and clean. One that is there is used again; one that
    /// is damaged, changed or of another commit is made again. It stays while the returned value is kept.
    ///
    /// Whoever does the same at the same time waits: the folder around has a lock.
    ///
    /// # Errors
    /// When the commit is missing, something else is in the folder, or it cannot be written.
    pub fn clone_at(&self, sha: &str, into: &Path) -> Result<InUse> {
        self.commit(sha)?;
        refuse_others(into)?;
        let name = into.file_name().and_then(|name| name.to_str());
        let (Some(cache), Some(name)) = (into.parent(), name) else {
            return Err(Error::input(format!("a clone cannot be made in `{}`", into.display()))
                .hint("name a folder that is not there yet"));
        };
        CacheFolders { cache, mark: CLONE_MARK }.find_or_make(
            name,
            |folder| is_clean_at(folder, sha),
            |folder| self.check_out_into(sha, folder),
        )
    }

    /// Brings a folder to a commit, where only files that differ are touched. Whatever else is there is
    /// removed, what git ignores included. Only one process may do so at a time.
    ///
    /// # Errors
    /// As [`Self::clone_at`].
    pub fn check_out_into(&self, sha: &str, into: &Path) -> Result<()> {
        let id = self.commit(sha)?.id();
        let failed = |cause: git2::Error| {
            let why = unreadable(self.folder(), &cause);
            let error = Error::harness(format!(
                "cannot check out commit `{sha}` in `{}`: {}",
                into.display(),
                cause.message()
            ));
            why.hint_text().map_or(error.clone(), |hint| error.hint(hint))
        };
        let clone = self.borrowing(into)?;
        if clone.head().is_ok_and(|head| head.peel_to_commit().is_err()) {
            // It was of a repository that had other commits, and git looks there for what was checked out.
            clone.set_head("refs/heads/none").map_err(failed)?;
        }
        let strayed = remove_stray_links(&clone, into);
        if strayed.map_err(|cause| Error::io("remove a link in", into, &cause))? {
            // What they hid is not there, so git is set as if nothing was checked out.
            clone.set_head("refs/heads/none").map_err(failed)?;
            clone.index().and_then(|mut index| index.clear().and_then(|()| index.write())).map_err(failed)?;
        }
        let mut how = CheckoutBuilder::new();
        how.force().remove_untracked(true).remove_ignored(true);
        let commit = clone.find_commit(id).map_err(failed)?;
        clone.checkout_tree(commit.as_object(), Some(&mut how)).map_err(failed)?;
        clone.set_head_detached(id).map_err(failed)
    }

    /// The clone in this folder, borrowing from this repository; an empty one where there is none yet.
    pub(super) fn borrowing(&self, folder: &Path) -> Result<git2::Repository> {
        refuse_others(folder)?;
        let mut how = RepositoryInitOptions::new();
        // Of the user's templates and hooks it has nothing.
        how.mkpath(true).external_template(false);
        let failed = |cause: git2::Error| {
            Error::harness(format!("cannot make a clone in `{}`: {}", folder.display(), cause.message()))
                .hint(format!("remove it and try again: `rm -r {}`", folder.display()))
        };
        git2::Repository::init_opts(folder, &how).map_err(failed)?;
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(|cause| Error::io("write", &path, &cause))
        };
        write(CLONE_MARK, b"")?;
        let mut objects = self.git.commondir().join("objects").into_os_string().into_encoded_bytes();
        objects.push(b'\n');
        let info = folder.join(".git/objects/info");
        fs::create_dir_all(&info).map_err(|cause| Error::io("make", &info, &cause))?;
        write(".git/objects/info/alternates", &objects)?;
        // Where history ends here it ends there.
        match fs::read(self.git.commondir().join("shallow")) {
            Ok(ends) => write(".git/shallow", &ends)?,
            Err(_) => drop(fs::remove_file(folder.join(".git/shallow"))),
        }
        // Again, for the objects that it borrows are looked up once.
        git2::Repository::open(folder).map_err(failed)
    }
}

/// Removes the links of a checkout that are not of the commit that is checked out, wherever they lead: git would
/// write files through them. Gives whether there were any.
fn remove_stray_links(clone: &git2::Repository, root: &Path) -> io::Result<bool> {
    let tree = clone.head().and_then(|head| head.peel_to_tree()).ok();
    let is_known = |link: &Path| -> io::Result<bool> {
        let below = link.strip_prefix(root).unwrap_or(link);
        let entry = tree.as_ref().and_then(|tree| tree.get_path(below).ok());
        let Some(entry) = entry.filter(|entry| entry.filemode() == LINK) else { return Ok(false) };
        let target = fs::read_link(link)?;
        let known = clone.find_blob(entry.id());
        Ok(known.is_ok_and(|known| known.content() == target.as_os_str().as_encoded_bytes()))
    };
    let mut removed = false;
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_symlink() && !is_known(&path)? {
                fs::remove_file(path)?;
                removed = true;
            } else if kind.is_dir() && entry.file_name() != ".git" {
                open.push(path);
            }
        }
    }
    Ok(removed)
}

/// Nothing that is not ours is changed: only what has our mark, or nothing at all.
fn refuse_others(folder: &Path) -> Result<()> {
    let is_empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if folder.join(CLONE_MARK).is_file() || is_empty || folder.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Error::input(format!("`{}` is in the way: it is no clone of arcgauge's", folder.display()))
        .hint("move it away, or name another folder"))
}

fn is_clean_at(folder: &Path, sha: &str) -> bool {
    let clean = || {
        let clone = git2::Repository::open(folder).ok()?;
        let head = clone.head().ok()?;
        let is_there = !head.is_branch() && head.target()?.to_string() == sha;
        let mut options = StatusOptions::new();
        options.include_untracked(true).include_ignored(false);
        Some(is_there && clone.statuses(Some(&mut options)).ok()?.is_empty())
    };
    folder.join(CLONE_MARK).is_file() && clean().unwrap_or(false)
}

/// The kind of an entry that is a repository of its own.
const GITLINK: u32 = 0o160_000;

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
        let untracked = untracked.map(|entry| path_of_bytes(entry.path_bytes()));
        let index = self.git.index().map_err(failed)?;
        let tracked =
            index.iter().filter(|entry| entry.mode != GITLINK).map(|entry| path_of_bytes(&entry.path));
        let is_there = |path: &PathBuf| {
            let found = fs::symlink_metadata(self.folder().join(path));
            found.is_ok_and(|found| found.is_file() || found.is_symlink())
        };
        Ok(untracked.chain(tracked).filter(is_there).collect())
    }
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
    // All that git stores of a mode.
    let is_one_mode = is_executable(new) == is_executable(old);
    let alike = old.is_file() && new.is_file() && new.len() == old.len() && is_one_mode;
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
