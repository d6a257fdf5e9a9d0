//! What a site's folder holds that was made, and from what: only what would come out otherwise is made
//! again, and what no page is made of any more goes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::files::{self, FileKind, is_file_name};
use crate::report::render::PageKind;

/// The file below the site's folder.
pub(super) const MADE_FILE: &str = "made.json";
/// The folders of the files that a site makes and takes away.
const FOLDERS: [&str; 3] = ["commit", "records", "csv"];
/// The folder of the pages of two runs. They are made when they are requested, and no site takes them away.
const PAIRS: &str = "compare";

/// Files by their path below the site's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    files: BTreeMap<PathBuf, MadeFile>,
}

/// A file that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MadeFile {
    /// A hash over all that it was made of.
    sources_sha256: String,
    /// Its size: one of another size was touched since.
    bytes: u64,
}

impl Made {
    /// What the site in this folder says of itself; None where nothing was made there.
    pub(super) fn of_site(root: &Path) -> Result<Option<Self>> {
        let file = root.join(MADE_FILE);
        Ok(files::read_if_there(&file, FileKind::Page)?.map(|text| Self::read(&text)))
    }

    /// What was made here before; nothing where that is not known, and then all is made.
    fn read(text: &[u8]) -> Self {
        serde_json::from_slice(text).unwrap_or_default()
    }

    pub(super) fn add(&mut self, path: PathBuf, sources_sha256: String, bytes: u64) {
        self.files.insert(path, MadeFile { sources_sha256, bytes });
    }

    /// Whether a file of this size is what these sources would make.
    pub(super) fn is_as_made(&self, path: &Path, sources_sha256: &str, bytes: u64) -> bool {
        self.files.get(path).is_some_and(|file| file.sources_sha256 == sources_sha256 && file.bytes == bytes)
    }

    /// Whether a file is one of those.
    pub(super) fn has(&self, path: &Path) -> bool {
        is_of_a_site(path) && self.files.contains_key(path)
    }

    /// Files that were made once and are no part of what was made now. Only names that a site has are among
    /// them, whatever the file says.
    pub(super) fn gone<'a>(&'a self, now: &'a Self) -> impl Iterator<Item = &'a Path> {
        let files = self.files.keys().filter(|path| !now.files.contains_key(*path));
        files.map(PathBuf::as_path).filter(|path| is_of_a_site(path))
    }
}

/// Names in the site's folder that are its own.
pub(super) fn own_names() -> impl Iterator<Item = &'static str> {
    let pages = PageKind::LISTED.map(PageKind::file).into_iter();
    pages.chain(FOLDERS).chain([PAIRS, MADE_FILE])
}

/// Whether this is the page of two runs.
pub(super) fn is_page_of_two(path: &Path) -> bool {
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
