//! `worker`: the hidden verb of a fresh process that measures. People use `bench`.

use std::io::stdin;
use std::process::ExitCode;

use crate::cli::exit_code;
use crate::measure::MonotonicClock;
use crate::measure::worker::{OpenVinoLoader, end_with_supervisor, serve, stdout_of_its_own};

/// Speaks the worker's part of the protocol.
pub(super) fn worker() -> ExitCode {
    end_with_supervisor();
    let mut loader = OpenVinoLoader { clock: &MonotonicClock };
    let served = stdout_of_its_own()
        .and_then(|out| serve(&mut stdin().lock(), Box::new(out), &MonotonicClock, &mut loader));
    match served {
        Ok(()) => ExitCode::from(exit_code::PASS),
        // Its supervisor was told, and tells the user.
        Err(error) => exit_code::of(error.kind()),
    }
}
