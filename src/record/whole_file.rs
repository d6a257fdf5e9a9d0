//! Files that are there whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};

/// The file that marks a model's folder, which nothing is ever written to.
const MODEL: &str = "openvino_model.xml";

/// Whether a file that is there gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and the write fails.
    Never,
    /// It is replaced at once, when the new one is whole.
    Replace,
}

/// Writes a file whole or not at all: a temporary file in the same folder, synced, then renamed.
///
/// # Errors
/// When the folder or the file cannot be written; then all is as it was.
pub fn write_whole(path: &Path, bytes: &[u8], overwrite: Overwrite) -> Result<()> {
    // Behind a link it is the file that is replaced, not the link.
    let target = fs::canonicalize(path);
    let path = target.as_deref().unwrap_or(path);
    let failed = |cause: &std::io::Error| {
        Error::io("write", path, cause)
            .hint("free some space or mend the folder's permissions; `cargo xtask doctor` looks at both")
    };
    let folder = folder_of(path);
    make_folder(folder).map_err(|cause| failed(&cause))?;
    let mut file = temporary_in(folder).map_err(|cause| failed(&cause))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|cause| failed(&cause))?;
    let renamed = match overwrite {
        Overwrite::Never => file.persist_noclobber(path),
        Overwrite::Replace => file.persist(path),
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
pub(super) fn sync(folder: &Path) -> std::io::Result<()> {
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

/// Readable by others, as far as the user's mask allows: a temporary file is not, by default.
fn temporary_in(folder: &Path) -> std::io::Result<NamedTempFile> {
    Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
}
