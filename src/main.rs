//! The `arcgauge` binary: parse, run one verb, end with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    arcgauge::cli::run(std::env::args_os())
}
