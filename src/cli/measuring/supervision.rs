//! How workers are supervised: which program, with which limits, and alone on the machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{env, fs, process};

use clap::Args;

use crate::cli::say;
use crate::error::{Error, Result};
use crate::measure::supervisor::{Control, Limits, WorkerProgram};
use crate::measure::{DeviceLock, Waiting};

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

    /// Longest wait, before the first process, for other load to come to rest, s
    #[arg(long, value_name = "S", default_value_t = 30)]
    settle_limit_s: u64,

    /// File of the lock that keeps two measurements apart [default: one for the whole machine]
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    /// Longest wait for a measurement that is under way, s
    #[arg(long, value_name = "S", default_value_t = 3600)]
    lock_wait_s: u64,
}

impl SupervisionArgs {
    /// The flags as they are typed, for a process of this program's own.
    pub(in crate::cli) fn as_typed(&self) -> Vec<OsString> {
        let mut typed: Vec<OsString> = Vec::new();
        for (flag, file) in [("--worker", &self.worker), ("--lock", &self.lock)] {
            typed.extend(file.iter().flat_map(|file| [flag.into(), file.clone().into_os_string()]));
        }
        for (flag, seconds) in [
            ("--load-limit-s", self.load_limit_s),
            ("--first-token-limit-s", self.first_token_limit_s),
            ("--token-limit-s", self.token_limit_s),
            ("--settle-limit-s", self.settle_limit_s),
            ("--lock-wait-s", self.lock_wait_s),
        ] {
            typed.extend([flag.into(), seconds.to_string().into()]);
        }
        typed
    }

    /// How long other load may take to come to rest; the soonest number waits for nothing.
    pub(in crate::cli) fn settle_limit(&self, quick: bool) -> Duration {
        if quick { Duration::ZERO } else { Duration::from_secs(self.settle_limit_s) }
    }

    /// The lock's file, where one is named.
    pub(in crate::cli) fn named_lock(&self) -> Option<&Path> {
        self.lock.as_deref()
    }

    /// The files that are named.
    pub(in crate::cli) fn named_files(&self) -> Vec<&Path> {
        [self.worker.as_deref(), self.lock.as_deref()].into_iter().flatten().collect()
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
        let own = || {
            env::current_exe()
                .map_err(|cause| Error::harness(format!("this program does not know its file: {cause}")))
        };
        let program = self.worker.clone().map_or_else(own, Ok)?;
        let arguments = if self.worker.is_some() { Vec::new() } else { vec!["worker".to_owned()] };
        let program = fs::canonicalize(&program).map_err(|cause| {
            Error::io("start the worker", &program, &cause)
                .as_input()
                .hint("name a program that speaks the worker's protocol, or leave `--worker` out")
        })?;
        Ok(WorkerProgram { program, arguments })
    }

    /// Takes the machine's lock; who waits is told for whom. None where Ctrl-C ended the wait.
    pub(in crate::cli) fn take_lock(&self, control: &Control, verb: &str) -> Result<Option<DeviceLock>> {
        let path = self.lock.clone().unwrap_or_else(DeviceLock::usual_file);
        let holder = format!("{verb}, process {}", process::id());
        let mut told = false;
        let mut goes_on = |held_by: &str, _: Duration| {
            if !told {
                say(&format!("waiting: the device is held by {held_by} (`{}`)", path.display()));
                told = true;
            }
            !control.stop.load(Ordering::Relaxed)
        };
        let patience = Duration::from_secs(self.lock_wait_s);
        match DeviceLock::take(&path, &holder, &mut Waiting { patience, goes_on: &mut goes_on }) {
            Err(_) if control.stop.load(Ordering::Relaxed) => Ok(None),
            taken => taken.map(Some),
        }
    }
}
