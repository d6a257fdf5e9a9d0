//! The folder of a site: files that are there whole or not at all, which of them were made and from what, and which of
//! them a browser may have.

use std::collections::BTreeMap;
use std::fs;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files;
use crate::files::{FileKind, is_file_name};
use crate::report::render::{Page, PageKind};
use crate::sys::FileLock;

/// Held while a site is made.
const LOCK_FILE: &str = ".lock";
const ANOTHER_FOLDER: &str = "free some space, or name another folder with `--output DIR`";

/// A folder in which a site is being made.
#[derive(Debug)]
pub(super) struct SiteFolder {
    root: PathBuf,
    render_all: bool,
    before: Made,
    now: Made,
    written: Written,
    _lock: Option<FileLock>,
}

/// What was done of a site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that are new or other than before.
    pub written: usize,
    /// Files that were as they should be.
    pub kept: usize,
    /// Files that are no part of it any more.
    pub removed: usize,
}

impl SiteFolder {
    /// The site in this folder, which need not be there yet. `render_all`: whatever was made before, all is made
    /// again.
    pub(super) fn open(root: PathBuf, render_all: bool) -> Result<Self> {
        let lock = take(&root)?;
        let before = Made::of_site(&root)?;
        if before.is_none() {
            refuse_imported(&root)?;
        }
        let folder = Self {
            before: before.clone().unwrap_or_default(),
            now: Made::default(),
            written: Written::default(),
            render_all,
            root,
            _lock: lock,
        };
        if before.is_none() {
            // Should this end half-way, the pages are known as our own.
            folder.remember()?;
        }
        Ok(folder)
    }

    /// Leaves a file as it is where these sources made it; else asks for its bytes and writes them.
    pub(super) fn provide(
        &mut self,
        path: &Path,
        sources_sha256: String,
        make: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<()> {
        let file = self.root.join(path);
        let there = fs::symlink_metadata(&file).ok().filter(|it| it.is_file() && !self.render_all);
        let bytes = there.map(|file| file.len());
        if let Some(bytes) = bytes.filter(|bytes| self.before.is_as_made(path, &sources_sha256, *bytes)) {
            self.now.add(path.to_owned(), sources_sha256, bytes);
            self.written.kept += 1;
            return Ok(());
        }
        let bytes = make()?;
        replace(&file, &bytes)?;
        self.now.add(path.to_owned(), sources_sha256, bytes.len() as u64);
        self.written.written += 1;
        Ok(())
    }

    /// Takes away what is no part of the site any more, and remembers what is.
    pub(super) fn close(mut self) -> Result<Written> {
        for path in self.before.gone(&self.now) {
            let file = self.root.join(path);
            match fs::remove_file(&file) {
                Ok(()) => self.written.removed += 1,
                Err(cause) if cause.kind() == ErrorKind::NotFound => {}
                Err(cause) => return Err(Error::io("remove", &file, &cause)),
            }
        }
        self.remember()?;
        Ok(self.written)
    }

    fn remember(&self) -> Result<()> {
        let text = serde_json::to_vec(&self.now)
            .map_err(|cause| Error::harness(format!("`{MADE_FILE}` cannot be written: {cause}")))?;
        replace(&self.root.join(MADE_FILE), &text)
    }
}

/// Writes a page that no site counts as its own, whole or not at all, and gives its file.
///
/// # Errors
/// When it cannot be written.
pub fn write_page(site_folder: &Path, page: &Page) -> Result<PathBuf> {
    let _lock = take(site_folder)?;
    let file = site_folder.join(&page.path);
    replace(&file, page.text.as_bytes())?;
    Ok(file)
}

/// Makes the folder and takes its lock: two at a time would take each other's pages for unknown ones.
fn take(root: &Path) -> Result<Option<FileLock>> {
    if let Some(file) = root.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir()) {
        let fault =
            format!("no pages can be written to `{}`: `{}` is a file", root.display(), file.display());
        return Err(Error::input(fault).hint("name a folder with `--output DIR`"));
    }
    fs::create_dir_all(root)
        .map_err(|cause| Error::io("write", root, &cause).as_input().hint(ANOTHER_FOLDER))?;
    refuse_links(root)?;
    FileLock::take(&root.join(LOCK_FILE), &mut || true)
}

/// What is written and removed must be in this folder, and not where a link of somebody else's leads.
fn refuse_links(root: &Path) -> Result<()> {
    let files = own_names().chain([LOCK_FILE]).map(|name| root.join(name));
    let is_link = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
    files.into_iter().find(is_link).map_or(Ok(()), |link| {
        let fault =
            format!("`{}` is a symbolic link, and a site is written to no other folder", link.display());
        Err(Error::input(fault).hint("remove the link, or name another folder with `--output DIR`"))
    })
}

/// A folder with such a page that no site knows of is somebody else's.
fn refuse_imported(root: &Path) -> Result<()> {
    let mut pages = PageKind::LISTED.iter().map(|page| root.join(page.file()));
    pages.find(|page| fs::symlink_metadata(page).is_ok()).map_or(Ok(()), |page| {
        let fault = format!("`{}` was not made by arcgauge, and would be overwritten", page.display());
        Err(Error::input(fault).hint("name another folder with `--output DIR`, or remove that file"))
    })
}

/// A page can be made again, so it need not be on the disk when this returns; but a browser must never see
/// half of one.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |cause: &std::io::Error| Error::io("write", path, cause).hint(ANOTHER_FOLDER);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|cause| failed(&cause))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    write_new(&partial, bytes).and_then(|()| fs::rename(&partial, path)).map_err(|cause| failed(&cause))
}

/// Writes a file that is not there. What a killed process left of it goes first; of a link the link itself.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
}

/// The file below the site's folder.
const MADE_FILE: &str = "made.json";
/// The folders of the files that a site makes and takes away.
const FOLDERS: [&str; 3] = ["commit", "records", "csv"];
/// The folder of the pages of two runs. They are made when they are requested, and no site takes them away.
const PAIRS: &str = "compare";

/// Files by their path below the site's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    files: BTreeMap<PathBuf, MadeFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MadeFile {
    /// A hash over all that it was made of.
    sources_sha256: String,
    /// Its size: one of another size was touched since.
    bytes: u64,
}

impl Made {
    /// What the site in this folder says of itself; None where nothing was made there.
    fn of_site(root: &Path) -> Result<Option<Self>> {
        let file = root.join(MADE_FILE);
        Ok(files::read_if_there(&file, FileKind::Page)?.map(|text| Self::read(&text)))
    }

    /// What was made here before; nothing where that is not known, and then all is made.
    fn read(text: &[u8]) -> Self {
        serde_json::from_slice(text).unwrap_or_default()
    }

    fn add(&mut self, path: PathBuf, sources_sha256: String, bytes: u64) {
        self.files.insert(path, MadeFile { sources_sha256, bytes });
    }

    /// Whether a file of this size is what these sources would make.
    fn is_as_made(&self, path: &Path, sources_sha256: &str, bytes: u64) -> bool {
        self.files.get(path).is_some_and(|file| file.sources_sha256 == sources_sha256 && file.bytes == bytes)
    }

    /// Whether a file is one of those.
    fn has(&self, path: &Path) -> bool {
        is_of_a_site(path) && self.files.contains_key(path)
    }

    /// Files that were made once and are no part of what was made now. Only names that a site has are among
    /// them, whatever the file says.
    fn gone<'a>(&'a self, now: &'a Self) -> impl Iterator<Item = &'a Path> {
        let files = self.files.keys().filter(|path| !now.files.contains_key(*path));
        files.map(PathBuf::as_path).filter(|path| is_of_a_site(path))
    }
}

/// Names in the site's folder that are its own.
fn own_names() -> impl Iterator<Item = &'static str> {
    let pages = PageKind::LISTED.map(PageKind::file).into_iter();
    pages.chain(FOLDERS).chain([PAIRS, MADE_FILE])
}

/// Whether this is a page that is made when it is requested: that of two runs, or that of a fleet.
fn is_requested_page(path: &Path) -> bool {
    if path == Path::new(PageKind::Fleet.file()) {
        return true;
    }
    let Some((folder, name)) = path.to_str().and_then(|path| path.split_once('/')) else { return false };
    folder == PAIRS && name.strip_suffix(".html").is_some_and(is_file_name)
}

fn is_of_a_site(path: &Path) -> bool {
    let Some(path) = path.to_str() else { return false };
    match path.split_once('/') {
        Some((folder, name)) => FOLDERS.contains(&folder) && is_file_name(name),
        None => PageKind::LISTED.iter().any(|page| page.file() == path),
    }
}

/// A file of the site in this folder: one that was made there, or one that was requested. Whatever else lies in
/// the folder, or elsewhere behind a link, is none.
pub fn served_file(site_folder: &Path, path: &Path) -> Option<Vec<u8>> {
    let is_link = |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
    let file = site_folder.join(path);
    let below = file.ancestors().take_while(|it| *it != site_folder);
    if below.chain([site_folder.join(MADE_FILE).as_path()]).any(is_link) {
        return None;
    }
    let is_made = || Made::of_site(site_folder).ok().flatten().is_some_and(|made| made.has(path));
    (is_requested_page(path) || is_made()).then(|| files::read(&file, FileKind::Page).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_page_of_a_site_is_ever_taken_away() {
        let mut made = Made::default();
        let names = ["commit/0123456789ab.html", "method.html", "records/20260101T000000Z-0123456789ab.json"];
        let others = [
            "../x.html",
            "/etc/x.html",
            "commit/../../x",
            "commit/a/b",
            "old.html",
            "compare/a-b.html",
            "Cargo.toml",
            ".git/x.html",
            "",
        ];
        for name in names.iter().chain(&others) {
            made.add(name.into(), String::new(), 0);
        }
        let nothing = Made::default();
        let gone: Vec<_> = made.gone(&nothing).map(|path| path.to_str().unwrap()).collect();
        assert_eq!(gone, names);
    }

    #[test]
    fn a_file_is_made_again_when_its_sources_or_its_size_are_others() {
        let mut made = Made::default();
        made.add("a.html".into(), "1".to_owned(), 5);
        let made = Made::read(&serde_json::to_vec(&made).unwrap());
        assert!(made.is_as_made(Path::new("a.html"), "1", 5));
        assert!(!made.is_as_made(Path::new("a.html"), "2", 5));
        assert!(!made.is_as_made(Path::new("a.html"), "1", 6));
        assert!(!made.is_as_made(Path::new("b.html"), "1", 5));
        assert_eq!(Made::read(b"{"), Made::default());
    }
}
