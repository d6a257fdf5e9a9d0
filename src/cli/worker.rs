//! `worker`: the hidden verb of a fresh process that measures. People use `bench`.

use std::io::{stdin, stdout};
use std::process::ExitCode;

use crate::cli::exit_code;
use crate::measure::MonotonicClock;
use crate::measure::worker::{OpenVinoLoader, end_with_supervisor, serve};

/// Speaks the worker's part of the protocol.
pub(super) fn worker() -> ExitCode {
    end_with_supervisor();
    let mut loader = OpenVinoLoader { clock: &MonotonicClock };
    match serve(&mut stdin().lock(), Box::new(stdout()), &MonotonicClock, &mut loader) {
        Ok(()) => ExitCode::from(exit_code::PASS),
        // Its supervisor was told, and tells the user.
        Err(error) => exit_code::of(error.kind()),
    }
}
