//! `cargo xtask`: gets the runtime ready, builds the harness and becomes it.
//!
//! Its own verbs are `setup`, `test`, `tidy` and `lint`; every other verb belongs to the `arcgauge` binary. It never
//! depends on the library, so it builds in seconds on a machine that has nothing yet. Everything it says goes to
//! stderr: stdout carries the data of the binary and nothing else.

mod cargo;
mod failure;
mod help;
mod lint;
mod pass_on;
#[expect(dead_code, unreachable_pub, reason = "shared with the library, which uses all of it")]
#[path = "../../src/places.rs"]
mod places;
mod release;
mod setup;
mod system;
mod test;
mod tidy;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use failure::Failure;

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    run(&args).unwrap_or_else(|failure| {
        say(&failure.to_string());
        ExitCode::from(failure.code)
    })
}

/// One verb, one task; a verb that is not known here is the binary's.
fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    let Some((verb, rest)) = args.split_first() else { return help::print() };
    match verb.to_str() {
        Some("help") if !rest.is_empty() && !help::is_own_verb(&rest[0]) => pass_on::run(args),
        Some("help" | "--help" | "-h") => help::print(),
        Some("lint" | "setup" | "test" | "tidy") if help::asks_for_help(rest) => help::print(),
        Some("lint") => lint::run(rest),
        Some("setup") => setup::run(rest),
        Some("test") => test::run(rest),
        Some("tidy") => tidy::run(rest),
        _ => pass_on::run(args),
    }
}

/// Says something on stderr: stdout belongs to the binary. A reader that has gone away is no failure.
fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The checkout that xtask is run for; the folder it is called in may be anywhere below.
fn root() -> PathBuf {
    // Cargo says at run time where it runs; what was built may have been copied from elsewhere.
    let of_xtask = env::var_os("CARGO_MANIFEST_DIR").filter(|folder| Path::new(folder).ends_with("xtask"));
    let here = of_xtask.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = Path::new(&here);
    here.parent().unwrap_or(here).to_owned()
}
