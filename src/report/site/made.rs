//! What a site's folder holds that was made, and from what: only what would come out otherwise is made
//! again, and what no page is made of any more goes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file below the site's folder.
pub(super) const MADE_FILE: &str = "made.json";

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
    /// What was made here before; nothing where that is not known, and then all is made.
    pub(super) fn read(text: &[u8]) -> Self {
        serde_json::from_slice(text).unwrap_or_default()
    }

    pub(super) fn add(&mut self, path: PathBuf, sources_sha256: String, bytes: u64) {
        self.files.insert(path, MadeFile { sources_sha256, bytes });
    }

    /// Whether a file of this size is what these sources would make.
    pub(super) fn is_as_made(&self, path: &Path, sources_sha256: &str, bytes: u64) -> bool {
        self.files.get(path).is_some_and(|file| file.sources_sha256 == sources_sha256 && file.bytes == bytes)
    }

    /// Files that were made once and are no part of what was made now. Only names that a site has are among
    /// them, whatever the file says.
    pub(super) fn gone<'a>(&'a self, now: &'a Self) -> impl Iterator<Item = &'a Path> {
        let files = self.files.keys().filter(|path| !now.files.contains_key(*path));
        files.map(PathBuf::as_path).filter(|path| is_of_a_site(path))
    }
}

fn is_of_a_site(path: &Path) -> bool {
    let Some(path) = path.to_str() else { return false };
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    match path.split_once('/') {
        Some((folder, name)) => ["commit", "records", "csv"].contains(&folder) && is_name(name),
        None => path.strip_suffix(".html").is_some_and(is_name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_page_of_a_site_is_ever_taken_away() {
        let mut made = Made::default();
        let names = ["commit/0123456789ab.html", "old.html", "records/20260101T000000Z-0123456789ab.json"];
        let others =
            ["../x.html", "/etc/x.html", "commit/../../x", "commit/a/b", "Cargo.toml", ".git/x.html", ""];
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
