//! The folder of a site: files that are there whole or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::record::FileLock;
use crate::report::site::Page;
use crate::report::site::made::{MADE_FILE, Made};

/// Held while a site is made.
const LOCK_FILE: &str = ".lock";
const ANOTHER_FOLDER: &str = "free some space, or name another folder with `--output DIR`";

/// A folder in which a site is being made.
#[derive(Debug)]
pub(super) struct SiteFolder {
    root: PathBuf,
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
    /// The site in this folder, which need not be there yet. `anew`: whatever was made before, all is made
    /// again.
    pub(super) fn open(root: PathBuf, anew: bool) -> Result<Self> {
        fs::create_dir_all(&root)
            .map_err(|cause| Error::io("write", &root, &cause).as_input().hint(ANOTHER_FOLDER))?;
        // Two at a time would take each other's pages for unknown ones.
        let lock = FileLock::take(&root.join(LOCK_FILE), &mut || true)?;
        let file = root.join(MADE_FILE);
        let before = match fs::read(&file) {
            Ok(text) => Made::read(&text),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Made::default(),
            Err(cause) => return Err(Error::io("read", &file, &cause)),
        };
        let mut folder =
            Self { root, before, now: Made::default(), written: Written::default(), _lock: lock };
        if anew {
            // What it named may still have to go.
            let gone: Vec<PathBuf> = folder.before.gone(&Made::default()).map(Path::to_owned).collect();
            gone.iter().try_for_each(|path| folder.remove(path))?;
            folder.before = Made::default();
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
        let there = fs::metadata(&file).ok().filter(fs::Metadata::is_file).map(|file| file.len());
        if let Some(bytes) = there.filter(|bytes| self.before.is_as_made(path, &sources_sha256, *bytes)) {
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
        let gone: Vec<PathBuf> = self.before.gone(&self.now).map(Path::to_owned).collect();
        gone.iter().try_for_each(|path| self.remove(path))?;
        let text = serde_json::to_vec(&self.now)
            .map_err(|cause| Error::harness(format!("`{MADE_FILE}` cannot be written: {cause}")))?;
        replace(&self.root.join(MADE_FILE), &text)?;
        Ok(self.written)
    }

    fn remove(&mut self, path: &Path) -> Result<()> {
        let file = self.root.join(path);
        match fs::remove_file(&file) {
            Ok(()) => self.written.removed += 1,
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(Error::io("remove", &file, &cause)),
        }
        Ok(())
    }
}

/// Writes a page that no site counts as its own, whole or not at all, and gives its file.
///
/// # Errors
/// When it cannot be written.
pub fn write_page(site_folder: &Path, page: &Page) -> Result<PathBuf> {
    let file = site_folder.join(&page.path);
    replace(&file, page.text.as_bytes())?;
    Ok(file)
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
    fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path)).map_err(|cause| failed(&cause))
}
