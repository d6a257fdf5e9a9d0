//! The chart library of the pages, in the user's cache folder, complete or not at all.
//!
//! The pages have their charts without it, so nothing fails where it cannot be had.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::install::sha256;
use super::npm::{Npm, Packages};
use super::workbench::{Workbench, cannot_write};
use crate::failure::Failure;
use crate::{places, say};

/// What the library is, from the same file the pages' side reads.
const LIBRARY: &str = include_str!("../../../src/report/web/library.json");
/// What npm is to fetch.
const PACKAGES: Packages = Packages {
    name: "the chart library",
    list: include_str!("../../../src/report/web/package.json"),
    lock: include_str!("../../../src/report/web/package-lock.json"),
    again: "cargo xtask setup",
};

/// The files that are kept, each with its hash.
#[derive(Debug)]
pub(crate) struct Library {
    /// The package's name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// All that is taken from it.
    pub(crate) files: Vec<Pinned>,
}

/// One file of the package.
#[derive(Debug)]
pub(crate) struct Pinned {
    /// Where it lies in the package.
    pub(crate) path: PathBuf,
    /// In lower-case hexadecimal.
    pub(crate) sha256: String,
}

/// Everything the set-up depends on, so that a test can hand in its own.
#[derive(Debug)]
pub(crate) struct ChartLibrary {
    /// Who fetches.
    pub(crate) npm: Npm,
    /// What is fetched.
    pub(crate) library: Library,
    /// Where its files will lie, side by side.
    pub(crate) folder: PathBuf,
}

/// Makes the library ready, and tells both that and why it is not.
pub(crate) fn provide(report: impl Fn(&str)) {
    match ChartLibrary::here().and_then(|library| library.run().map(|()| library)) {
        Ok(ChartLibrary { library: Library { name, version, .. }, folder, .. }) => {
            report(&format!("ready: {name} {version} in `{}`", folder.display()));
        }
        Err(Failure { message, hint, .. }) => {
            report(&format!("{message}: the pages have their charts, without zoom and hover; {hint}"));
        }
    }
}

/// Tells only that it is missing: a verb was requested something else.
pub(crate) fn provide_for_verb(is_reported: bool) {
    provide(|line| {
        if is_reported && !line.starts_with("ready: ") {
            say(line);
        }
    });
}

impl ChartLibrary {
    /// For the user that runs this.
    fn here() -> Result<Self, Failure> {
        let library = Library::pinned()?;
        let folder = places::web_library_dir(&library.name, &library.version).ok_or_else(|| {
            Failure::harness(
                "no home folder to keep the chart library in",
                "name a cache folder: XDG_CACHE_HOME=/ABSOLUTE/DIR cargo xtask setup",
            )
        })?;
        Ok(Self { npm: Npm::default(), library, folder })
    }

    /// Leaves the library in its folder, or leaves nothing.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        if self.is_ready() {
            return Ok(());
        }
        let parent = self.folder.parent().unwrap_or(&self.folder);
        let Library { name, version, files } = &self.library;
        let workbench = Workbench::open(parent, &format!("{name}-{version}"))?;
        if self.is_ready() {
            return Ok(()); // by the set-up we waited for
        }
        self.npm.fetch(&PACKAGES, &workbench.folder)?;
        let package = workbench.folder.join("node_modules").join(name);
        let made = workbench.new_folder("made")?;
        for file in files {
            let fetched = package.join(&file.path);
            self.check(file, &fetched)?;
            let kept = made.join(file.name());
            fs::copy(&fetched, &kept).map_err(|error| cannot_write(&kept, &error))?;
        }
        workbench.move_into_place(&made, &self.folder, || self.is_ready())
    }

    fn is_ready(&self) -> bool {
        let is_there =
            |file: &Pinned| sha256(&self.folder.join(file.name())).is_ok_and(|sha256| sha256 == file.sha256);
        self.library.files.iter().all(is_there)
    }

    fn check(&self, file: &Pinned, fetched: &Path) -> Result<(), Failure> {
        let Library { name, version, .. } = &self.library;
        let got = sha256(fetched).unwrap_or_else(|error| error.to_string());
        if got == file.sha256 {
            return Ok(());
        }
        Err(Failure::harness(
            format!(
                "`{}` of {name} {version} is not the pinned one: sha256 `{got}`, expected `{}`",
                file.path.display(),
                file.sha256
            ),
            "nothing was kept; see which registry npm asks: npm config list",
        ))
    }
}

impl Library {
    /// The library this checkout was written for.
    pub(crate) fn pinned() -> Result<Self, Failure> {
        Self::parse(LIBRARY).ok_or_else(|| {
            Failure::harness(
                "src/report/web/library.json is not understood",
                "git checkout -- src/report/web/library.json",
            )
        })
    }

    fn parse(json: &str) -> Option<Self> {
        let root: Value = serde_json::from_str(json).ok()?;
        let text = |json: &Value, key: &str| json[key].as_str().map(str::to_owned);
        let pinned =
            |file: &Value| Some(Pinned { path: text(file, "path")?.into(), sha256: text(file, "sha256")? });
        let files = root["files"].as_array()?.iter().map(pinned).collect::<Option<_>>()?;
        Some(Self { name: text(&root, "name")?, version: text(&root, "version")?, files })
    }
}

impl Pinned {
    /// The name under which it is kept.
    pub(crate) fn name(&self) -> &Path {
        self.path.file_name().map_or(&self.path, Path::new)
    }
}
