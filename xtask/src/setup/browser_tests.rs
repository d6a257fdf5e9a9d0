//! What the browser tests take from npm, in the user's cache folder, complete or not at all.

use std::fmt::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::npm::{Npm, Packages};
use super::workbench::Workbench;
use crate::failure::Failure;
use crate::{places, say};

#[path = "../../../tests/it/browser/program.rs"]
mod program;

/// What npm is to fetch.
const PACKAGES: Packages = Packages {
    name: "what the browser tests need",
    list: include_str!("../../../tests/browser/package.json"),
    lock: include_str!("../../../tests/browser/package-lock.json"),
    again: "cargo xtask test",
};
/// What the tests take from each package.
const NEEDED: [&str; 2] = ["playwright-core/package.json", "axe-core/axe.min.js"];

/// Everything the set-up depends on, so that a test can hand in its own.
#[derive(Debug)]
pub(crate) struct BrowserTests {
    /// Who fetches.
    pub(crate) npm: Npm,
    /// Where it will be.
    pub(crate) folder: PathBuf,
}

/// Makes all ready, or tells what is missing. The tests themselves fail for it: here it is only reported early,
/// because they run last.
pub(crate) fn provide() {
    if program::goes_without() {
        say(&format!("no page is tested in a browser: {} is set", program::WITHOUT));
        return;
    }
    if program::browser().is_none() {
        say(&format!("no Chromium on the PATH, so the browser tests will fail; {}", program::INSTALL));
    }
    if let Err(Failure { message, hint, .. }) = BrowserTests::here().and_then(|tests| tests.run()) {
        say(&format!("{message}, so the browser tests will fail; {hint}"));
    }
}

impl BrowserTests {
    fn here() -> Result<Self, Failure> {
        let folder = places::browser_tests_dir(&sha256_of(PACKAGES.lock)).ok_or_else(|| {
            Failure::harness(
                "no home folder to keep the browser tests' packages in",
                "name a cache folder: XDG_CACHE_HOME=/ABSOLUTE/DIR cargo xtask test",
            )
        })?;
        Ok(Self { npm: Npm::default(), folder })
    }

    /// Leaves the packages in their folder, or leaves nothing.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        if self.is_ready() {
            return Ok(());
        }
        let parent = self.folder.parent().unwrap_or(&self.folder);
        let workbench = Workbench::open(parent, "packages")?;
        if self.is_ready() {
            return Ok(()); // by the set-up we waited for
        }
        say("fetching what the browser tests need through npm, about 17 MB unpacked");
        let made = workbench.new_folder("made")?;
        self.npm.fetch(&PACKAGES, &made)?;
        if let Some(missing) = NEEDED.iter().find(|path| !made.join("node_modules").join(path).is_file()) {
            return Err(Failure::harness(
                format!("npm ended well, but left no `{missing}`"),
                "see which registry npm asks: npm config list",
            ));
        }
        workbench.move_into_place(&made, &self.folder, || self.is_ready())
    }

    fn is_ready(&self) -> bool {
        NEEDED.iter().all(|path| self.folder.join("node_modules").join(path).is_file())
    }
}

/// In lower-case hexadecimal, for the name of a folder whose content a text pins.
pub(super) fn sha256_of(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // into a String it cannot fail
        text
    })
}
