//! Opens files that others may have written: records, goldens, models, policies, imports, locks.
//!
//! Whatever lies at a path, opening it neither waits nor has an effect, and reading it has an end: only a regular
//! file is opened, and its size is compared with the limit of its kind before it is read. Where the rules say no
//! links, a link is refused. What the kernel offers as files is read elsewhere.

pub mod text;
mod whole;

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::error::{Error, Result};
use text::{is_lfs_pointer, text_of};

pub use whole::{Overwrite, check_writable, write_whole};
pub(crate) use whole::{remove_stale_files, sync};

/// A longer name is none of ours: a file's name has at most 255 bytes, and ours are made of two or three.
const LONGEST_NAME: usize = 199;
const MIB: u64 = 1 << 20;
/// A pointer of git-lfs is recognised by its first line.
const POINTER_BEGINNING: u64 = 64;

/// What a file is read as, which says how large it may be and whether a link may stand for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A record.
    Record,
    /// What a store keeps beside its records: its index, their origins.
    StoreList,
    /// A golden, a prompt, pinned token ids: what git keeps.
    Fixture,
    /// A policy, settings, a manifest, published results: text that people write.
    Text,
    /// The config or the tokenizer of a model.
    ModelText,
    /// The graph of a model.
    Graph,
    /// The weights of a model, a program: too large to be read at once.
    Large,
    /// A file of another tool.
    Imported,
    /// What a runner left: a verdict in a zip.
    Artifact,
    /// The payload of an event.
    Event,
    /// A file of a site.
    Page,
}

impl FileKind {
    /// The most bytes that such a file may have.
    #[must_use]
    pub const fn largest_bytes(self) -> u64 {
        match self {
            Self::Record | Self::Fixture | Self::Page => 64 * MIB,
            Self::StoreList | Self::ModelText => 128 * MIB,
            Self::Text => 4 * MIB,
            Self::Graph => 256 * MIB,
            Self::Large => u64::MAX,
            Self::Imported | Self::Event => 16 * MIB,
            Self::Artifact => 32 * MIB,
        }
    }

    /// A hub's cache is made of links, and whoever names a file may name a link to it. In a store, among fixtures
    /// and on a site a link leads elsewhere.
    const fn may_be_link(self) -> bool {
        !matches!(self, Self::StoreList | Self::Fixture | Self::Page)
    }
}

/// Opens a file to read it.
///
/// # Errors
/// What is not there, cannot be read, is no regular file, or is larger than its kind may be.
pub fn open(path: &Path, kind: FileKind) -> Result<File> {
    opened(path, kind).map_err(|cause| unreadable(path, &cause))
}

/// The bytes of a file.
///
/// # Errors
/// As for [`open`].
pub fn read(path: &Path, kind: FileKind) -> Result<Vec<u8>> {
    bytes_of(path, kind).map_err(|cause| unreadable(path, &cause))
}

/// The bytes of a file; None where nothing is there.
///
/// # Errors
/// As for [`open`], for what is there.
pub fn read_if_there(path: &Path, kind: FileKind) -> Result<Option<Vec<u8>>> {
    match bytes_of(path, kind) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(cause) => Err(unreadable(path, &cause)),
    }
}

/// The text of a file: UTF-8, or UTF-16 with a byte order mark.
///
/// # Errors
/// As for [`open`]; bytes that are no text.
pub fn read_text(path: &Path, kind: FileKind) -> Result<String> {
    text_in(&read(path, kind)?, path)
}

/// The same; None where nothing is there.
///
/// # Errors
/// As for [`read_text`], for what is there.
pub fn read_text_if_there(path: &Path, kind: FileKind) -> Result<Option<String>> {
    read_if_there(path, kind)?.map(|bytes| text_in(&bytes, path)).transpose()
}

/// The first bytes of a file, however large it is.
///
/// # Errors
/// As for [`open`].
pub fn beginning(path: &Path, bytes: u64) -> Result<Vec<u8>> {
    let mut first = Vec::new();
    open(path, FileKind::Large)?
        .take(bytes)
        .read_to_end(&mut first)
        .map_err(|cause| unreadable(path, &cause))?;
    Ok(first)
}

/// Whether a file is what git leaves in its place without git-lfs.
#[must_use]
pub fn is_pointer(path: &Path) -> bool {
    beginning(path, POINTER_BEGINNING).is_ok_and(|bytes| is_lfs_pointer(&bytes))
}

/// Opens a file as `options` say, as a lock or to write: a regular file and no link, without waiting.
///
/// # Errors
/// What cannot be opened so.
pub fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path) {
        Ok(found) => check_regular(&found)?,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(cause),
    }
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    check_regular(&file.metadata()?)?;
    Ok(file)
}

/// Refuses a path of which one of the last parts is a link: what is written there would lie elsewhere.
///
/// # Errors
/// The link.
pub fn refuse_links(path: &Path, parts: usize) -> Result<()> {
    let mut links = path.ancestors().take(parts);
    match links.find(|part| part.is_symlink()) {
        None => Ok(()),
        Some(link) => Err(Error::input(format!("`{}` is a symbolic link", link.display()))
            .hint("put the file or folder itself in its place")),
    }
}

/// Whether a text may be the name of a file or folder: it can leave no folder, and is not too long for one.
#[must_use]
pub fn is_file_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LONGEST_NAME).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(plain)
}

/// What stands in the place of a regular file, in words; None for a regular file.
#[must_use]
pub fn other_than_file(kind: FileType) -> Option<&'static str> {
    let words = [
        (kind.is_file(), None),
        (kind.is_dir(), Some("a folder")),
        (kind.is_symlink(), Some("a symbolic link")),
        (kind.is_fifo(), Some("a pipe")),
        (kind.is_socket(), Some("a socket")),
    ];
    words.into_iter().find(|(is_so, _)| *is_so).map_or(Some("a device"), |(_, word)| word)
}

fn text_in(bytes: &[u8], path: &Path) -> Result<String> {
    Ok(text_of(bytes).map_err(|cause| cause.of_file(path))?.into_owned())
}

fn opened(path: &Path, kind: FileKind) -> io::Result<File> {
    let flags = if kind.may_be_link() { OFlags::NONBLOCK } else { OFlags::NONBLOCK | OFlags::NOFOLLOW };
    // Before it is opened: to open a device may do something already.
    check_regular(&if kind.may_be_link() { fs::metadata(path)? } else { fs::symlink_metadata(path)? })?;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let found = file.metadata()?;
    check_regular(&found)?;
    check_size(found.len(), kind)?;
    Ok(file)
}

fn bytes_of(path: &Path, kind: FileKind) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A byte more than is allowed, so that a file that grows is seen to be larger.
    opened(path, kind)?.take(kind.largest_bytes().saturating_add(1)).read_to_end(&mut bytes)?;
    check_size(bytes.len() as u64, kind)?;
    Ok(bytes)
}

fn check_regular(found: &Metadata) -> io::Result<()> {
    match other_than_file(found.file_type()) {
        None => Ok(()),
        Some(other) => Err(io::Error::other(format!("it is {other}, not a regular file"))),
    }
}

fn check_size(bytes: u64, kind: FileKind) -> io::Result<()> {
    let largest = kind.largest_bytes();
    if bytes <= largest {
        return Ok(());
    }
    Err(io::Error::other(format!("it has {bytes} bytes, and at most {largest} are read of such a file")))
}

fn unreadable(path: &Path, cause: &io::Error) -> Error {
    Error::io("read", path, cause).as_input()
}

#[cfg(test)]
mod tests;
