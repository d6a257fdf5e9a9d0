//! How workers are supervised: which program, with which limits, and alone on the machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use clap::Args;

use crate::cli::measuring::LockFlags;
use crate::error::{Error, Result};
use crate::measure::supervisor::{Control, Limits, WorkerProgram};
use crate::sys::DeviceLock;

/// Flags of the supervision.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Supervision")]
pub(in crate::cli) struct SupervisionArgs {
    /// Program that measures, by the worker's protocol [default: this one]
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,

    /// Longest load of a model, s
    #[arg(long, value_name = "S", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    load_limit_s: u64,

    /// Longest wait for the first token of an answer, s
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    first_token_limit_s: u64,

    /// Longest wait for each further token, s
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(2..))]
    token_limit_s: u64,

    /// Longest wait, before the first process, for the machine to become idle, s
    #[arg(long, value_name = "S", default_value_t = 30)]
    settle_limit_s: u64,

    #[command(flatten)]
    lock: LockFlags,
}

impl SupervisionArgs {
    /// The flags as they are typed, for a process of this program's own.
    pub(in crate::cli) fn as_typed(&self) -> Vec<OsString> {
        let mut typed: Vec<OsString> = Vec::new();
        if let Some(worker) = &self.worker {
            typed.extend(["--worker".into(), worker.clone().into_os_string()]);
        }
        for (flag, seconds) in [
            ("--load-limit-s", self.load_limit_s),
            ("--first-token-limit-s", self.first_token_limit_s),
            ("--token-limit-s", self.token_limit_s),
            ("--settle-limit-s", self.settle_limit_s),
        ] {
            typed.extend([flag.into(), seconds.to_string().into()]);
        }
        typed.extend(self.lock.as_typed());
        typed
    }

    /// How long the machine may take to become idle; the soonest number waits for nothing.
    pub(in crate::cli) fn settle_limit(&self, quick: bool) -> Duration {
        if quick { Duration::ZERO } else { Duration::from_secs(self.settle_limit_s) }
    }

    /// The lock's file, where one is named.
    pub(in crate::cli) fn named_lock(&self) -> Option<&Path> {
        self.lock.named()
    }

    /// The files that are named.
    pub(in crate::cli) fn named_files(&self) -> Vec<&Path> {
        [self.worker.as_deref(), self.lock.named()].into_iter().flatten().collect()
    }

    /// Whether another program measures than this one.
    pub(in crate::cli) fn is_foreign(&self) -> bool {
        self.worker.is_some()
    }

    pub(in crate::cli) fn limits(&self) -> Limits {
        Limits {
            load: Duration::from_secs(self.load_limit_s),
            first_token: Duration::from_secs(self.first_token_limit_s),
            next_token: Duration::from_secs(self.token_limit_s),
            ..Limits::default()
        }
    }

    /// The program of the workers: this binary's own file, even if another has been put in its place.
    pub(in crate::cli) fn program(&self) -> Result<WorkerProgram> {
        let program = self.worker.clone().map_or_else(own_program, Ok)?;
        let arguments = if self.worker.is_some() { Vec::new() } else { vec!["worker".to_owned()] };
        let program = fs::canonicalize(&program).map_err(|cause| {
            Error::io("start the worker", &program, &cause)
                .as_input()
                .hint("name a program that speaks the worker's protocol, or leave `--worker` out")
        })?;
        Ok(WorkerProgram { program, arguments, reaper: own_program()? })
    }

    /// Takes the machine's lock, as [`LockFlags::take`].
    pub(in crate::cli) fn take_lock(&self, control: &Control, verb: &str) -> Result<Option<DeviceLock>> {
        self.lock.take(control, verb)
    }
}

/// This program's own file.
pub(in crate::cli) fn own_program() -> Result<PathBuf> {
    env::current_exe()
        .map_err(|cause| Error::harness(format!("this program does not know its file: {cause}")))
}
