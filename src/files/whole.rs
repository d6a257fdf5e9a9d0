//! Files that are there whole or not at all.

use std::fs::{self, DirEntry, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};
use crate::files::open_with;

/// The file that marks a model's folder, which nothing is ever written to.
const MODEL: &str = "openvino_model.xml";
/// How the name of a temporary file begins.
const TEMPORARY: &str = ".tmp-arcgauge-";

/// Whether a file that is there gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and the write fails.
    Never,
    /// It is replaced at once, when the new one is whole; of a link the link itself.
    Replace,
    /// The same, and of a link the file behind it: for names that a user has given.
    ReplaceBehindLink,
}

/// Writes a file whole or not at all: a temporary file in the same folder, synced, then renamed.
///
/// # Errors
/// When the folder or the file cannot be written; then all is as it was.
pub fn write_whole(path: &Path, bytes: &[u8], overwrite: Overwrite) -> Result<()> {
    let target = fs::canonicalize(path).ok().filter(|_| overwrite == Overwrite::ReplaceBehindLink);
    let path = target.as_deref().unwrap_or(path);
    let failed = |cause: &std::io::Error| {
        Error::io("write", path, cause)
            .hint("free some space or fix the folder's permissions; `cargo xtask doctor` looks at both")
    };
    let folder = folder_of(path);
    make_folder(folder).map_err(|cause| failed(&cause))?;
    remove_stale_files(folder);
    let mut file = locked_temporary_in(folder).map_err(|cause| failed(&cause))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|cause| failed(&cause))?;
    let renamed = match overwrite {
        Overwrite::Never => file.persist_noclobber(path),
        Overwrite::Replace | Overwrite::ReplaceBehindLink => file.persist(path),
    };
    renamed.map_err(|cause| failed(&cause.error))?;
    // The name, too, must be on the disk.
    sync(folder).map_err(|cause| failed(&cause))
}

/// Makes a folder and those around it. The names of new ones are on the disk before anything is in them.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().rev().try_for_each(|made| sync(folder_of(made)))
}

/// Has the disk keep the names in a folder.
pub(crate) fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes sure, before an hour of measuring, that the file could be written.
///
/// # Errors
/// When its folder is missing, cannot be written or has a model in it, or when what stands in its
/// place is a folder, a pipe, or a link to nothing.
pub fn check_writable(path: &Path) -> Result<()> {
    let target = fs::canonicalize(path);
    let folder = folder_of(target.as_deref().unwrap_or(path));
    let refuse = |cause: &str| {
        Err(Error::input(format!("cannot write `{}`: {cause}", path.display()))
            .hint("name a file in a folder that is there and can be written"))
    };
    if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return refuse("it is a folder");
    }
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return refuse("it is not a plain file");
    }
    if target.is_err() && path.is_symlink() {
        return refuse("it is a link to a file that is not there");
    }
    // As it is named, too: in a hub's cache the files of a model are links.
    if [folder_of(path), folder].iter().any(|folder| folder.join(MODEL).exists()) {
        return refuse("a model is in that folder, which is only read");
    }
    match temporary_in(folder) {
        Ok(_) => Ok(()),
        Err(cause) => refuse(&cause.to_string()),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file that is locked while it is written, so that it is not taken for a stale one.
fn locked_temporary_in(folder: &Path) -> std::io::Result<NamedTempFile> {
    loop {
        let file = temporary_in(folder)?;
        // A file system without locks has no stale files removed either.
        let _ = file.as_file().lock();
        // Between its creation and the lock it may have been removed.
        if file.as_file().metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// Removes the temporary files of writers that were killed: those of this program that no one has locked.
pub(crate) fn remove_stale_files(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |entry: &DirEntry| entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes());
    for entry in entries.filter(is_ours).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        let file = entry.path();
        // The lock is held until the file is gone: a writer that waits for it then makes another.
        if let Ok(opened) = open_with(OpenOptions::new().read(true), &file)
            && opened.try_lock().is_ok()
        {
            let _ = fs::remove_file(&file);
        }
    }
}

/// Readable by others, as far as the user's mask allows: a temporary file is not, by default.
fn temporary_in(folder: &Path) -> std::io::Result<NamedTempFile> {
    Builder::new().prefix(TEMPORARY).permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_writer_left_is_removed_by_the_next_and_what_another_writes_is_not() {
        let scene = tempfile::tempdir().unwrap();
        let file = |name: &str| scene.path().join(name);
        let (stale, of_another) = (file(".tmp-arcgauge-stale"), file(".tmpAbCdEf"));
        fs::write(&stale, "half a rec").unwrap();
        fs::write(&of_another, "").unwrap();
        let mut being_written = locked_temporary_in(scene.path()).unwrap();
        write_whole(&file("a.json"), b"whole", Overwrite::Never).unwrap();
        assert!(!stale.exists(), "the stale file is there");
        assert!(of_another.exists(), "a file of another program was removed");
        being_written.write_all(b"too").unwrap();
        being_written.persist_noclobber(file("b.json")).unwrap();
        assert_eq!(fs::read(file("b.json")).unwrap(), b"too");
    }
}
