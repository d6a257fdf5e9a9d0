//! `worker`, `reaper` and `tokenizer`: the hidden verbs of a fresh process that measures, of the one above it, and of one
//! that serves a tokenizer IR. People use `bench` and `infer`.

use std::ffi::OsString;
use std::io::stdin;
use std::path::PathBuf;

use clap::Args;

use crate::cli::exit_code;
use crate::engine::ModelFolder;
use crate::engine::openvino::{Sources, TokenizerIr};
use crate::error::Result;
use crate::measure::serve_tokenizer;
use crate::measure::worker::{OpenVinoLoader, serve, stdout_of_its_own};
use crate::sys::{MonotonicClock, end_with_parent, exec_below_reaper, ignore_termination, run_below_reaper};

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
pub(super) struct TokenizerArgs {
    /// The model's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// OpenVINO to use: a pinned version, or the folder of an installation
    #[arg(long, value_name = "VERSION|DIR")]
    openvino: Option<String>,
}

/// Serves the tokenizer IR of a model folder.
pub(super) fn tokenizer(args: &TokenizerArgs) -> u8 {
    end_with_parent();
    let read = || {
        let location = Sources::from_environment(args.openvino.clone()).locate()?;
        Ok((TokenizerIr::read(&ModelFolder::open(&args.folder)?)?, location))
    };
    let served = stdout_of_its_own().and_then(|out| serve_tokenizer(read, stdin().lock(), out));
    // Whoever started it has received the error, and prints it.
    served.map_or_else(|error| exit_code::of_kind(error.kind()), |()| exit_code::PASS)
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
        ignore_termination();
    }
    run_below_reaper(args.parent, args.report, &args.command)
}
