//! `cargo xtask lint`: what other people's linters say of the workflows, the scripts and the crates.
//!
//! `tidy` checks the rules of this house; these know what nobody here would think of.

mod linters;
mod looked_at;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::say;
use linters::{ALWAYS, Found, House, Linter, WHEN_ASKED};

/// The exit code when a linter found something: it did its work, and the tree is not clean.
const FOUND: u8 = 1;

/// Runs the linters that are named, or those that need no more than the registries, and goes on after a failure,
/// so that one run tells all.
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
        let hint = format!("fix what is told above, then: {}", again(&found));
        return Err(Failure { message, hint, code: FOUND });
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen(args: &[OsString]) -> Result<Vec<Linter>, Failure> {
    if args.is_empty() {
        return Ok(ALWAYS.to_vec());
    }
    let find = |arg: &OsString| ALWAYS.iter().chain(&WHEN_ASKED).find(|linter| arg == linter.name).copied();
    let unknown = |arg: &OsString| {
        let message = format!("`lint` does not know `{}`", arg.to_string_lossy());
        let names: Vec<_> = ALWAYS.iter().chain(&WHEN_ASKED).map(|linter| linter.name).collect();
        Failure::usage(message, format!("cargo xtask lint [{}]", names.join("|")))
    };
    args.iter().map(|arg| find(arg).ok_or_else(|| unknown(arg))).collect()
}
