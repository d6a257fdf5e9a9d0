//! Running cargo, and becoming another program.

use std::env;
use std::process::{Command, ExitCode};

use crate::failure::Failure;
use crate::root;

/// The cargo that runs xtask, on this workspace, whatever the current folder is.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.arg(subcommand).arg("--manifest-path").arg(root().join("Cargo.toml")).arg("--locked");
    command
}

/// Replaces this process, so that signals and the exit code are the program's own.
pub(crate) fn become_program(mut command: Command) -> Result<ExitCode, Failure> {
    // Set by cargo for xtask; the program must not behave differently than when it is called by hand.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    become_it(&mut command).map_err(|error| {
        let program = command.get_program().to_string_lossy();
        Failure::harness(format!("cannot run `{program}`: {error}"), "cargo build --release --locked")
    })
}

#[cfg(unix)]
fn become_it(command: &mut Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> std::io::Result<ExitCode> {
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(20)))
}
