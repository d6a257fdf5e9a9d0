//! `worker` and `reaper`: the hidden verbs of a fresh process that measures, and of the one above it. People
//! use `bench`.

use std::ffi::OsString;
use std::io::stdin;
use std::sync::Arc;

use clap::Args;
use signal_hook::consts::SIGTERM;

use crate::cli::exit_code;
use crate::error::Result;
use crate::measure::worker::{OpenVinoLoader, serve, stdout_of_its_own};
use crate::sys::{MonotonicClock, end_with_parent, exec_below_reaper, run_below_reaper};

/// Speaks the worker's part of the protocol.
pub(super) fn worker() -> u8 {
    end_with_parent();
    let mut loader = OpenVinoLoader { clock: &MonotonicClock };
    let served = stdout_of_its_own()
        .and_then(|out| serve(&mut stdin().lock(), Box::new(out), &MonotonicClock, &mut loader));
    match served {
        Ok(()) => exit_code::PASS,
        // Its supervisor has received the error, and prints it.
        Err(error) => exit_code::of_kind(error.kind()),
    }
}

#[derive(Debug, Args)]
pub(super) struct ReaperArgs {
    /// The process that starts it; when that is gone, so is everything below
    #[arg(long, value_name = "PID")]
    parent: u32,

    /// Become the command, which ends with its parent
    #[arg(long)]
    exec: bool,

    /// The command is a worker: write its end on its pipe
    #[arg(long)]
    report: bool,

    /// The command
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command below a reaper, or becomes it.
pub(super) fn reaper(args: &ReaperArgs) -> Result<u8> {
    if args.exec {
        return Ok(exec_below_reaper(args.parent, &args.command));
    }
    if !args.report {
        // It is for the command, whose end this process awaits.
        let _ = signal_hook::flag::register(SIGTERM, Arc::default());
    }
    run_below_reaper(args.parent, args.report, &args.command)
}
