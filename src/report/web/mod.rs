//! What runs in a browser: styles, scripts and the chart library.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files::{self, FileKind};
use crate::places;
use crate::record::sha256_of_bytes;

/// The style and the script of the page that compares.
pub(in crate::report) const COMPARE_STYLE: &str = include_str!("compare.css");
pub(in crate::report) const COMPARE_SCRIPT: &str = include_str!("compare.js");
/// The style of the page of the history.
pub(in crate::report) const HISTORY_STYLE: &str = include_str!("history.css");
/// Its scripts, in their order: what the page knows, one chart of it, and all of them together.
pub(in crate::report) const HISTORY_SCRIPTS: [&str; 3] =
    [include_str!("history-data.js"), include_str!("history-chart.js"), include_str!("history.js")];

/// Which library, and which bytes of it. `cargo xtask setup` reads the same file.
const PINNED: &str = include_str!("library.json");
/// What would end the element that holds the text.
const ENDINGS: [&str; 2] = ["</script", "</style"];

/// The chart library as texts, to be written into a page or beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartLibrary {
    /// The script.
    pub script: String,
    /// Its style sheet.
    pub style: String,
    /// Its licence, which goes wherever a copy of it goes.
    pub license: String,
    /// For a note of what a page contains.
    pub version: String,
}

impl ChartLibrary {
    /// Where set-up puts the library of this user. None where there is no home folder.
    pub fn folder() -> Option<PathBuf> {
        let pinned = Pinned::of_this_build()?;
        places::web_library_dir(&pinned.name, &pinned.version)
    }

    /// The library in a folder. None where it is not there or is not the pinned one: the pages are whole
    /// without it, and nobody's script goes into them unseen.
    pub fn load(folder: &Path) -> Option<Self> {
        Pinned::of_this_build()?.load(folder)
    }
}

#[derive(Debug, Deserialize)]
struct Pinned {
    name: String,
    version: String,
    files: Vec<PinnedFile>,
}

#[derive(Debug, Deserialize)]
struct PinnedFile {
    /// In the package; it is stored under the last part alone.
    path: PathBuf,
    sha256: String,
}

impl Pinned {
    fn of_this_build() -> Option<Self> {
        serde_json::from_str(PINNED).ok()
    }

    fn load(&self, folder: &Path) -> Option<ChartLibrary> {
        Some(ChartLibrary {
            script: self.text(folder, "js")?,
            style: self.text(folder, "css")?,
            license: self.text(folder, "")?,
            version: self.version.clone(),
        })
    }

    /// The one file of this extension, with the pinned bytes.
    fn text(&self, folder: &Path, extension: &str) -> Option<String> {
        let has_it = |file: &&PinnedFile| file.path.extension().unwrap_or_default() == extension;
        let file = self.files.iter().find(has_it)?;
        let bytes = files::read(&folder.join(file.path.file_name()?), FileKind::Page).ok()?;
        if sha256_of_bytes(&bytes) != file.sha256 {
            return None;
        }
        let text = String::from_utf8(bytes).ok()?;
        let lower_case = text.to_ascii_lowercase();
        (!ENDINGS.iter().any(|exit_reason| lower_case.contains(exit_reason))).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// A library of three files, and a folder that has them.
    fn scene(script: &str) -> (Pinned, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let files = [("dist/charts.js", script), ("dist/charts.css", "p {}"), ("LICENSE", "MIT")];
        let pinned = files.map(|(path, text)| {
            let path = PathBuf::from(path);
            fs::write(folder.path().join(path.file_name().unwrap()), text).unwrap();
            PinnedFile { path, sha256: sha256_of_bytes(text.as_bytes()) }
        });
        (Pinned { name: "charts".into(), version: "1.0".into(), files: pinned.into() }, folder)
    }

    #[test]
    fn the_pinned_bytes_become_script_style_and_licence() {
        let (pinned, folder) = scene("let charts;");
        let library = pinned.load(folder.path()).unwrap();
        assert_eq!(library.script, "let charts;");
        assert_eq!((library.style.as_str(), library.license.as_str()), ("p {}", "MIT"));
        assert_eq!(library.version, "1.0");
    }

    #[test]
    fn one_other_byte_or_a_missing_file_means_no_library() {
        for name in ["charts.js", "charts.css", "LICENSE"] {
            let (pinned, folder) = scene("let charts;");
            let path = folder.path().join(name);
            let mut bytes = fs::read(&path).unwrap();
            bytes[0] ^= 1;
            fs::write(&path, bytes).unwrap();
            assert_eq!(pinned.load(folder.path()), None, "{name} is damaged");
            fs::remove_file(&path).unwrap();
            assert_eq!(pinned.load(folder.path()), None, "{name} is gone");
        }
    }

    #[test]
    fn a_text_that_would_end_its_own_element_is_no_library_though_it_is_the_pinned_one() {
        for script in ["'</script>'", "'</SCRIPT x'", "'</style'"] {
            let (pinned, folder) = scene(script);
            assert_eq!(pinned.load(folder.path()), None, "{script}");
        }
    }

    #[test]
    fn the_list_of_this_build_is_understood_and_names_a_folder_by_version() {
        let pinned = Pinned::of_this_build().unwrap();
        assert_eq!(pinned.files.len(), 3);
        let folder = ChartLibrary::folder().unwrap();
        assert!(folder.ends_with(format!("web/{}-{}", pinned.name, pinned.version)), "{}", folder.display());
    }
}
