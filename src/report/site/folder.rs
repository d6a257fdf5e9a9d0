//! The folder of a site. What is the same is not written again, and what no page is made of any more goes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::report::site::Page;

/// A folder in which a site stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFolder {
    root: PathBuf,
}

/// What was written of a site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that are new or other than before.
    pub written: usize,
    /// Files that were as they should be.
    pub kept: usize,
}

impl SiteFolder {
    /// The site in this folder, which need not be there yet.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes these pages, each whole or not at all.
    ///
    /// # Errors
    /// When one cannot be written; those before it stand.
    pub fn write(&self, pages: &[Page]) -> Result<Written> {
        let mut written = Written::default();
        for page in pages {
            let path = self.root.join(&page.path);
            if fs::read(&path).is_ok_and(|there| there == page.html.as_bytes()) {
                written.kept += 1;
            } else {
                replace(&path, page.html.as_bytes())?;
                written.written += 1;
            }
        }
        Ok(written)
    }
}

/// A page can be made again, so it need not be on the disk when this returns; but a browser must never see
/// half of one.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |cause: &std::io::Error| {
        Error::io("write", path, cause).hint("free some space, or name another folder with `--output DIR`")
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|cause| failed(&cause))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path)).map_err(|cause| failed(&cause))
}
