//! `cargo xtask test`: every test of the workspace, on every pinned release, and of the pages in a browser.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cargo::{become_program, cargo};
use crate::failure::Failure;
use crate::setup;

/// Sets up all releases and what the browser tests need, then becomes `cargo test`; the arguments are cargo's, and its exit code is ours.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    setup::all()?;
    let mut command = cargo("test");
    command.arg("--workspace").args(args);
    become_program(command)
}
