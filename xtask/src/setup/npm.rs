//! What npm fetches, by lock files, without running anything of the packages: the chart library of the pages, which have
//! their charts without it, too, and what the browser tests need.

#[path = "../../../tests/it/browser/program.rs"]
mod program;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use serde_json::Value;

use crate::failure::Failure;
use crate::setup::install::{sha256_of, sha256_of_file};
use crate::setup::workbench::{self, cannot_write, no_home};
use crate::system::NPM;
use crate::{places, say};

/// A list of packages and the lock file that pins them by hash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packages {
    /// For a message.
    pub(crate) name: &'static str,
    /// The text of `package.json`.
    pub(crate) list: &'static str,
    /// The text of `package-lock.json`.
    pub(crate) lock: &'static str,
    /// What to type again once npm works.
    pub(crate) again: &'static str,
}

/// The npm that fetches.
#[derive(Debug, Default)]
pub(crate) struct Npm {
    /// Variables for the child alone, so that a test can put a fake `npm` on its `PATH`.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

impl Npm {
    /// Puts the packages into `folder/node_modules`, each as its hash in the lock file says.
    pub(crate) fn fetch(&self, packages: &Packages, folder: &Path) -> Result<(), Failure> {
        for (name, text) in [("package.json", packages.list), ("package-lock.json", packages.lock)] {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|error| cannot_write(&path, &error))?;
        }
        let mut command = Command::new(NPM);
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).current_dir(folder);
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]);
        // A machine without a network fails at once: nothing that waits for this is worth a minute.
        command.args(["--prefer-offline", "--fetch-retries=0", "--fetch-timeout=20000"]);
        let output = command.stdin(Stdio::null()).output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(npm_failed(&String::from_utf8_lossy(&output.stderr), packages)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Failure::harness("no npm here", format!("install Node.js, then: {}", packages.again)))
            }
            Err(error) => Err(Failure::harness(
                format!("cannot start `npm`: {error}"),
                format!("make `npm --version` work, then: {}", packages.again),
            )),
        }
    }
}

/// npm names the kind of its failure in a line of its own, and writes much else around it.
fn npm_failed(complaint: &str, packages: &Packages) -> Failure {
    let code = complaint.lines().find_map(|line| line.split_once(" code ").map(|(_, code)| code.trim()));
    let said = code.or_else(|| complaint.lines().map(str::trim).rfind(|line| !line.is_empty()));
    Failure::harness(
        format!("npm could not fetch {}: `{}`", packages.name, said.unwrap_or("it said nothing")),
        format!("check the network and npm's settings (npm config list), then: {}", packages.again),
    )
}

/// What the library is, from the same file the pages' side reads.
const LIBRARY: &str = include_str!("../../../src/report/web/library.json");
/// What npm is to fetch.
const CHART_PACKAGES: Packages = Packages {
    name: "the chart library",
    list: include_str!("../../../src/report/web/package.json"),
    lock: include_str!("../../../src/report/web/package-lock.json"),
    again: "cargo xtask setup",
};

/// The files that are stored, each with its hash.
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

/// Makes the library ready, and reports that, or why it is not.
pub(crate) fn provide_chart_library(report: impl Fn(&str)) {
    match ChartLibrary::here().and_then(|library| library.run().map(|()| library)) {
        Ok(ChartLibrary { library: Library { name, version, .. }, folder, .. }) => {
            report(&format!("ready: {name} {version} in `{}`", folder.display()));
        }
        Err(Failure { message, hint, .. }) => {
            report(&format!("{message}: the pages have their charts, without zoom and hover; {hint}"));
        }
    }
}

/// Reports only that it is missing: the verb was to do something else.
pub(crate) fn provide_chart_library_for_verb(is_reported: bool) {
    provide_chart_library(|line| {
        if is_reported && !line.starts_with("ready: ") {
            say(line);
        }
    });
}

impl ChartLibrary {
    /// For the user that runs this.
    fn here() -> Result<Self, Failure> {
        let library = Library::pinned()?;
        let folder = places::web_library_dir(&library.name, &library.version)
            .ok_or_else(|| no_home("the chart library in", "cargo xtask setup"))?;
        Ok(Self { npm: Npm::default(), library, folder })
    }

    /// Leaves the library in its folder, or leaves nothing.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Library { name, version, files } = &self.library;
        workbench::provide(
            &self.folder,
            &format!("{name}-{version}"),
            || self.is_ready(),
            |workbench, made| {
                self.npm.fetch(&CHART_PACKAGES, &workbench.folder)?;
                for file in files {
                    let fetched = workbench.folder.join("node_modules").join(name).join(&file.path);
                    self.check(file, &fetched)?;
                    let stored = made.join(file.name());
                    fs::copy(&fetched, &stored).map_err(|error| cannot_write(&stored, &error))?;
                }
                Ok(())
            },
        )
    }

    fn is_ready(&self) -> bool {
        let is_there = |file: &Pinned| {
            sha256_of_file(&self.folder.join(file.name())).is_ok_and(|sha256| sha256 == file.sha256)
        };
        self.library.files.iter().all(is_there)
    }

    fn check(&self, file: &Pinned, fetched: &Path) -> Result<(), Failure> {
        let Library { name, version, .. } = &self.library;
        let got = sha256_of_file(fetched).unwrap_or_else(|error| error.to_string());
        if got == file.sha256 {
            return Ok(());
        }
        Err(Failure::harness(
            format!(
                "`{}` of {name} {version} is not the pinned one: sha256 `{got}`, expected `{}`",
                file.path.display(),
                file.sha256
            ),
            "nothing was stored; see which registry npm asks: npm config list",
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
    /// The name under which it is stored.
    pub(crate) fn name(&self) -> &Path {
        self.path.file_name().map_or(&self.path, Path::new)
    }
}

/// What npm is to fetch.
const BROWSER_PACKAGES: Packages = Packages {
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

/// Makes all ready, or reports what is missing. The tests themselves fail for it: here it is only reported early,
/// because they run last.
pub(crate) fn provide_browser_tests() {
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
        let folder = places::browser_tests_dir(&sha256_of(BROWSER_PACKAGES.lock))
            .ok_or_else(|| no_home("the browser tests' packages in", "cargo xtask test"))?;
        Ok(Self { npm: Npm::default(), folder })
    }

    /// Leaves the packages in their folder, or leaves nothing.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let missing = |folder: &Path| {
            NEEDED.iter().find(|path| !folder.join("node_modules").join(path).is_file()).copied()
        };
        workbench::provide(
            &self.folder,
            "packages",
            || missing(&self.folder).is_none(),
            |_, made| {
                say("fetching what the browser tests need through npm, about 17 MB unpacked");
                self.npm.fetch(&BROWSER_PACKAGES, made)?;
                match missing(made) {
                    None => Ok(()),
                    Some(missing) => Err(Failure::harness(
                        format!("npm ended well, but left no `{missing}`"),
                        "see which registry npm asks: npm config list",
                    )),
                }
            },
        )
    }
}
