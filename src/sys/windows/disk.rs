//! Free room, stamps, permissions, and an opening that follows no link.

use std::fs::{File, FileType, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::fs::{MetadataExt as _, OpenOptionsExt as _, symlink_file};
use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_OPEN_REPARSE_POINT, GetDiskFreeSpaceExW};

use crate::sys::FileStamp;

/// From 1601, when Windows begins to count, to 1970, in 100 ns.
const BEFORE_1970: i128 = 116_444_736_000_000_000;

/// The metadata that the standard library gives have no number of a file, so that its creation stands in for it.
pub(in crate::sys) fn stamp_of(file: &Metadata) -> FileStamp {
    let ns = |ticks: u64| (i128::from(ticks) - BEFORE_1970) * 100;
    FileStamp {
        device: 0,
        inode: file.creation_time(),
        size_bytes: file.file_size(),
        modified_ns: ns(file.last_write_time()),
        changed_ns: ns(file.last_write_time()),
    }
}

/// A path that is there without links and detours, as people write it: without `\\?\` before it wherever Windows
/// takes it so.
///
/// # Errors
/// One that is not there, or cannot be looked up.
pub fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    dunce::canonicalize(path)
}

/// Windows keeps the names in a folder by itself, and gives no way to wait for that.
///
/// # Errors
/// None.
pub fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a file; a link is refused where it is not followed.
///
/// # Errors
/// What cannot be opened so.
pub fn open_at_once(options: &mut OpenOptions, path: &Path, follows_links: bool) -> io::Result<File> {
    if follows_links {
        return options.open(path);
    }
    let file = options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?;
    if file.metadata()?.file_type().is_symlink() {
        return Err(io::Error::other("it is a link"));
    }
    Ok(file)
}

/// None is listed in a folder.
pub fn is_pipe(_kind: FileType) -> bool {
    false
}

/// Likewise.
pub fn is_socket(_kind: FileType) -> bool {
    false
}

/// An open file cannot be removed from its folder.
pub fn is_removed(_file: &Metadata) -> bool {
    false
}

/// Git keeps no such mark on Windows.
pub fn is_executable(_file: &Metadata) -> bool {
    false
}

/// Checks that a program is there.
///
/// # Errors
/// A program that is not there.
pub fn check_executable(program: &Path) -> io::Result<()> {
    File::open(program).map(|_| ())
}

/// Whoever may read and write the folder may read and write a new file.
pub fn for_all() -> Permissions {
    permissions(false)
}

/// What nobody may write.
pub fn read_only() -> Permissions {
    permissions(true)
}

/// The standard library makes them from those of a file alone; the program's own is always there.
fn permissions(is_read_only: bool) -> Permissions {
    let own = std::env::current_exe().and_then(|own| own.metadata());
    let mut permissions = own.expect("this program's file is there while it runs").permissions();
    permissions.set_readonly(is_read_only);
    permissions
}

/// Makes a link to a file.
///
/// # Errors
/// Where this user may not make links.
pub fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    symlink_file(original, link)
}

/// A path from its bytes, as git stores it.
pub fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Bytes that this user may still write where the folder is or will be; None where the system does not report it.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let named = |folder| if folder == Path::new("") { Path::new(".") } else { folder };
    let there = folder.ancestors().map(named).find(|folder| folder.exists())?;
    let name: Vec<u16> = there.as_os_str().encode_wide().chain([0]).collect();
    let mut free = 0;
    // SAFETY: the name ends with a zero, and one number is written to where it points; the others may be null.
    let is_known = unsafe {
        GetDiskFreeSpaceExW(name.as_ptr(), &raw mut free, std::ptr::null_mut(), std::ptr::null_mut())
    };
    (is_known != 0).then_some(free)
}
