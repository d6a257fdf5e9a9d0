//! Opens files that others may have written: records, goldens, models, policies, imports, locks.
//!
//! Whatever lies at a path, opening it neither waits nor has an effect, and reading it has an end: only a regular
//! file is opened, and its size is compared with the limit of its kind before it is read. Where the rules say no
//! links, a link is refused. What the kernel offers as files is read elsewhere.

pub mod text;

use std::fs::{self, DirEntry, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};
use crate::files::text::{is_lfs_pointer, text_of};
use crate::sys::{canonicalize, for_all, is_pipe, is_removed, is_socket, open_at_once, sync_folder};

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
    /// What a store has beside its records: its index, their origins.
    StoreList,
    /// What git keeps beside its objects: its index, its references, its settings.
    Git,
    /// A golden, a prompt, pinned token ids: what git keeps.
    Fixture,
    /// A policy, settings, a manifest, published results: text that people write.
    Text,
    /// The config, the tokenizer or a calibration of a model.
    ModelText,
    /// The graph of a model.
    Graph,
    /// The weights of a model: too large to be read at once.
    Large,
    /// A program that somebody names: it is hashed before it is run.
    Program,
    /// A file of another tool.
    Imported,
    /// What a runner left: a verdict in a zip.
    Artifact,
    /// The payload of an event.
    Event,
    /// What the kernel reports of the machine.
    Kernel,
    /// A file of a site.
    Page,
}

impl FileKind {
    /// The most bytes that such a file may have.
    pub const fn largest_bytes(self) -> u64 {
        match self {
            Self::Record | Self::Fixture | Self::Page => 64 * MIB,
            Self::StoreList | Self::ModelText | Self::Git => 128 * MIB,
            Self::Text => 4 * MIB,
            Self::Graph => 256 * MIB,
            Self::Large => u64::MAX,
            Self::Program => 1024 * MIB,
            Self::Imported | Self::Event | Self::Kernel => 16 * MIB,
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
    let file = open_at_once(options, path, false)?;
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
pub fn is_file_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LONGEST_NAME).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(plain)
}

/// What stands in the place of a regular file, in words; None for a regular file.
pub fn other_than_file(kind: FileType) -> Option<&'static str> {
    let words = [
        (kind.is_file(), None),
        (kind.is_dir(), Some("a folder")),
        (kind.is_symlink(), Some("a symbolic link")),
        (is_pipe(kind), Some("a pipe")),
        (is_socket(kind), Some("a socket")),
    ];
    words.into_iter().find(|(is_so, _)| *is_so).map_or(Some("a device"), |(_, word)| word)
}

fn text_in(bytes: &[u8], path: &Path) -> Result<String> {
    Ok(text_of(bytes).map_err(|cause| cause.of_file(path))?.into_owned())
}

fn opened(path: &Path, kind: FileKind) -> io::Result<File> {
    // Before it is opened: to open a device may do something already.
    check_regular(&if kind.may_be_link() { fs::metadata(path)? } else { fs::symlink_metadata(path)? })?;
    let file = open_at_once(OpenOptions::new().read(true), path, kind.may_be_link())?;
    let found = file.metadata()?;
    check_regular(&found)?;
    check_size(found.len(), kind)?;
    Ok(file)
}

/// The bytes of a file, with the system's own reason where it cannot be read.
pub(crate) fn bytes_of(path: &Path, kind: FileKind) -> io::Result<Vec<u8>> {
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
    let target = canonicalize(path).ok().filter(|_| overwrite == Overwrite::ReplaceBehindLink);
    let mut file = NewFile::create(target.as_deref().unwrap_or(path))?;
    file.write_all(bytes).map_err(|cause| unwritable(&file.path, &cause))?;
    file.keep(overwrite)
}

/// A file that is written bit by bit, and is there whole or not at all: a temporary file beside it until it is kept.
#[derive(Debug)]
pub struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Begins it.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = folder_of(path);
        make_folder(folder).map_err(|cause| unwritable(path, &cause))?;
        remove_stale_files(folder);
        let file = locked_temporary_in(folder).map_err(|cause| unwritable(path, &cause))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Where it is until it is kept.
    pub fn temporary(&self) -> &Path {
        self.file.path()
    }

    fn keep(self, overwrite: Overwrite) -> Result<()> {
        let Self { file, path } = self;
        file.as_file().sync_all().map_err(|cause| unwritable(&path, &cause))?;
        let renamed = match overwrite {
            Overwrite::Never => file.persist_noclobber(&path),
            Overwrite::Replace | Overwrite::ReplaceBehindLink => file.persist(&path),
        };
        renamed.map_err(|cause| unwritable(&path, &cause.error))?;
        // The name, too, must be on the disk.
        sync(folder_of(&path)).map_err(|cause| unwritable(&path, &cause))
    }

    /// Gives it another name in its folder, unless a file of that name is there: then that one stays.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn keep_as(self, name: &str) -> Result<()> {
        let path = self.path.with_file_name(name);
        match (Self { path: path.clone(), ..self }).keep(Overwrite::Never) {
            Err(_) if path.is_file() => Ok(()),
            kept => kept,
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn unwritable(path: &Path, cause: &io::Error) -> Error {
    Error::io("write", path, cause)
        .hint("free some space or fix the folder's permissions; `cargo xtask doctor` looks at both")
}

/// Makes a folder and those around it. The names of new ones are on the disk before anything is in them.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().rev().try_for_each(|made| sync(folder_of(made)))
}

/// Has the disk keep the names in a folder.
pub(crate) fn sync(folder: &Path) -> std::io::Result<()> {
    sync_folder(folder)
}

/// Makes sure, before an hour of measuring, that the file could be written.
///
/// # Errors
/// When its folder is missing, cannot be written or has a model in it, or when what stands in its
/// place is a folder, a pipe, or a link to nothing.
pub fn check_writable(path: &Path) -> Result<()> {
    let target = canonicalize(path);
    let folder = folder_of(target.as_deref().unwrap_or(path));
    let refuse = |cause: &str| {
        Err(Error::input(format!("cannot write `{}`: {cause}", path.display()))
            .hint("name a file in a folder that is there and can be written"))
    };
    if let Err(cause) = fs::symlink_metadata(path)
        && cause.kind() != io::ErrorKind::NotFound
    {
        return refuse(&cause.to_string());
    }
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
    if !folder.is_dir() {
        return refuse("its folder is not there");
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
        if !is_removed(&file.as_file().metadata()?) {
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
    Builder::new().prefix(TEMPORARY).permissions(for_all()).tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::sys::symlink;

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

    const KINDS: [FileKind; 11] = [
        FileKind::Record,
        FileKind::StoreList,
        FileKind::Fixture,
        FileKind::Text,
        FileKind::ModelText,
        FileKind::Graph,
        FileKind::Imported,
        FileKind::Artifact,
        FileKind::Event,
        FileKind::Page,
        FileKind::Program,
    ];

    fn scene() -> (TempDir, impl Fn(&str) -> PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        (folder, move |name: &str| path.join(name))
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read_and_its_beginning_is() {
        let (_scene, path) = scene();
        let file = path("sparse");
        File::create(&file).unwrap().set_len(3 << 30).unwrap();
        for kind in KINDS {
            let error = read(&file, kind).unwrap_err().to_string();
            assert!(error.contains("it has 3221225472 bytes, and at most "), "{error}");
        }
        assert_eq!(beginning(&file, 5).unwrap(), [0; 5]);
        assert_eq!(read_if_there(&path("none"), FileKind::Record).unwrap(), None);
    }

    #[test]
    fn a_link_stands_for_a_file_where_its_kind_says_so() {
        let (_scene, path) = scene();
        fs::write(path("file"), "text").unwrap();
        symlink("file", path("link")).unwrap();
        for kind in KINDS {
            let strict = [FileKind::StoreList, FileKind::Fixture, FileKind::Page].contains(&kind);
            assert_eq!(read(&path("link"), kind).is_err(), strict, "{kind:?}");
            assert_eq!(read(&path("file"), kind).unwrap(), b"text");
        }
    }

    #[test]
    fn a_text_is_read_with_its_mark() {
        let (_scene, path) = scene();
        let utf_16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [b"{}".to_vec(), b"\xef\xbb\xbf{}".to_vec(), utf_16] {
            fs::write(path("text"), bytes).unwrap();
            assert_eq!(read_text(&path("text"), FileKind::Text).unwrap(), "{}");
        }
        fs::write(path("text"), b"\xfc").unwrap();
        let error = read_text(&path("text"), FileKind::Text).unwrap_err().to_string();
        assert!(error.contains(&path("text").display().to_string()), "{error}");
    }

    #[test]
    fn nothing_is_written_behind_a_link_that_no_user_has_named() {
        let (_scene, path) = scene();
        fs::write(path("theirs"), "precious").unwrap();
        fs::create_dir(path("folder")).unwrap();
        symlink("theirs", path("link")).unwrap();
        symlink("folder", path("elsewhere")).unwrap();
        write_whole(&path("link"), b"named", Overwrite::ReplaceBehindLink).unwrap();
        assert_eq!(fs::read(path("theirs")).unwrap(), b"named");
        write_whole(&path("link"), b"ours", Overwrite::Replace).unwrap();
        assert_eq!(fs::read(path("theirs")).unwrap(), b"named");
        assert!(!path("link").is_symlink());
        assert!(refuse_links(&path("elsewhere/file"), 1).is_ok(), "only the last part counts");
        let error = refuse_links(&path("elsewhere/file"), 2).unwrap_err().to_string();
        assert!(error.contains(&path("elsewhere").display().to_string()), "{error}");
    }

    #[test]
    fn a_name_that_leaves_its_folder_or_is_too_long_is_none_of_a_file() {
        for name in ["", "..", "../golden", "a/b", ".hidden", "a b", "a\n", "\u{202e}a", &"a".repeat(200)] {
            assert!(!is_file_name(name), "`{name}`");
        }
        for name in ["gpt-oss-20b_int4.v2", &"a".repeat(199)] {
            assert!(is_file_name(name), "`{name}`");
        }
    }
}
