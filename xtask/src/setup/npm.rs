//! What npm is asked to do: the packages of a lock file, and nothing of theirs is run.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::workbench::cannot_write;
use crate::failure::Failure;

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
        let mut command = Command::new("npm");
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).current_dir(folder);
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]);
        // A machine without a network is told so at once: nothing that waits for this is worth a minute.
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
