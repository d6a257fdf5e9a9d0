//! Running cargo, and becoming another program.

use std::env;
use std::process::{Command, ExitCode};

use crate::failure::Failure;
use crate::root;
use crate::system::become_it;

/// The cargo that runs xtask, on this workspace, whatever the current folder is.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.arg(subcommand).arg("--manifest-path").arg(root().join("Cargo.toml")).arg("--locked");
    forget_package(&mut command);
    command
}

/// Takes away what cargo says to xtask of its own package. Build scripts may depend on it, so crates would be compiled
/// again after each call of cargo by hand; and a program must not behave differently than when it is called by hand.
fn forget_package(command: &mut Command) {
    let is_of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_package)) {
        command.env_remove(name);
    }
}

/// Ends as the program ends: this process is replaced by it, where there is a way.
pub(crate) fn become_program(mut command: Command) -> Result<ExitCode, Failure> {
    forget_package(&mut command);
    become_it(&mut command).map_err(|error| {
        let program = command.get_program().to_string_lossy();
        Failure::harness(format!("cannot run `{program}`: {error}"), "cargo build --release --locked")
    })
}
