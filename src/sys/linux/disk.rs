//! Free room, stamps, permissions, and an opening that waits for nobody.

use std::ffi::OsStr;
use std::fs::{self, File, FileType, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, OFlags, access};

use crate::sys::FileStamp;

pub use std::os::unix::fs::symlink;

pub(in crate::sys) fn stamp_of(file: &Metadata) -> FileStamp {
    let ns = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    FileStamp {
        device: file.dev(),
        inode: file.ino(),
        size_bytes: file.len(),
        modified_ns: ns(file.mtime(), file.mtime_nsec()),
        changed_ns: ns(file.ctime(), file.ctime_nsec()),
    }
}

/// A path that is there without links and detours.
///
/// # Errors
/// One that is not there, or cannot be looked up.
pub fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// Has the disk keep the names in a folder.
///
/// # Errors
/// A folder that cannot be opened, or a disk that fails.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Opens a file without waiting, as for the other end of a pipe; a link is refused where it is not followed.
///
/// # Errors
/// What cannot be opened so.
pub fn open_at_once(options: &mut OpenOptions, path: &Path, follows_links: bool) -> io::Result<File> {
    let flags = if follows_links { OFlags::NONBLOCK } else { OFlags::NONBLOCK | OFlags::NOFOLLOW };
    options.custom_flags(flags.bits().cast_signed()).open(path)
}

/// Whether it is a named pipe.
pub fn is_pipe(kind: FileType) -> bool {
    kind.is_fifo()
}

/// Whether it is a socket.
pub fn is_socket(kind: FileType) -> bool {
    kind.is_socket()
}

/// Whether an open file was removed from its folder.
pub fn is_removed(file: &Metadata) -> bool {
    file.nlink() == 0
}

/// Whether its owner may execute a file.
pub fn is_executable(file: &Metadata) -> bool {
    file.permissions().mode() & 0o100 != 0
}

/// Checks that this user may execute a program.
///
/// # Errors
/// A program that is not there or may not be executed.
pub fn check_executable(program: &Path) -> io::Result<()> {
    Ok(access(program, Access::EXEC_OK)?)
}

/// What everybody may read and write, as far as the user's mask allows.
pub fn for_all() -> Permissions {
    Permissions::from_mode(0o666)
}

/// What everybody may read and nobody write.
pub fn read_only() -> Permissions {
    Permissions::from_mode(0o444)
}

/// A path from its bytes, as git stores it.
pub fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Bytes that this user may still write where the folder is or will be; None where the system does not report it.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    // The current folder is where a relative path begins, and its name is not that of what is there.
    let named = |folder| if folder == Path::new("") { Path::new(".") } else { folder };
    let there = folder.ancestors().map(named).find(|folder| folder.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}
