//! What verbs that measure have in common: which program runs as a worker, under which limits, and what it loads.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{env, process};

use clap::Args;

use crate::cli::flags::EngineFlags;
use crate::cli::settings::StoreFlag;
use crate::cli::{exit_code, say};
use crate::engine::openvino::{COMPILED_MODELS_FOLDER, FoundBy, RuntimeLocation};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::measure::protocol::LoadCommand;
use crate::measure::supervisor::{Control, Limits, WorkerProgram};
use crate::places;
use crate::run::{EditedGraph, FoundModel};
use crate::sys::{DeviceLock, Waiting, canonicalize, stop_by_signal};

#[derive(Debug, Clone, Args)]
pub(super) struct MeasuringArgs {
    #[command(flatten)]
    pub(super) store: StoreFlag,

    #[command(flatten)]
    pub(super) engine: EngineFlags,

    #[command(flatten)]
    pub(super) supervision: SupervisionArgs,
}

impl MeasuringArgs {
    /// The flags as they are typed, for a process of this program's own.
    pub(super) fn as_typed(&self) -> Vec<OsString> {
        [self.store.as_typed(), self.engine.as_typed(), self.supervision.as_typed()].concat()
    }
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Supervision")]
pub(super) struct SupervisionArgs {
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
    pub(super) fn as_typed(&self) -> Vec<OsString> {
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
    pub(super) fn settle_limit(&self, quick: bool) -> Duration {
        if quick { Duration::ZERO } else { Duration::from_secs(self.settle_limit_s) }
    }

    /// The lock's file, where one is named.
    pub(super) fn named_lock(&self) -> Option<&Path> {
        self.lock.lock.as_deref()
    }

    /// The files that are named.
    pub(super) fn named_files(&self) -> Vec<&Path> {
        [self.worker.as_deref(), self.lock.lock.as_deref()].into_iter().flatten().collect()
    }

    /// Whether another program measures than this one.
    pub(super) fn is_other_program(&self) -> bool {
        self.worker.is_some()
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            load: Duration::from_secs(self.load_limit_s),
            first_token: Duration::from_secs(self.first_token_limit_s),
            next_token: Duration::from_secs(self.token_limit_s),
            ..Limits::default()
        }
    }

    /// The program of the workers: this binary's own file, even if another has been put in its place.
    pub(super) fn program(&self) -> Result<WorkerProgram> {
        let program = self.worker.clone().map_or_else(own_program, Ok)?;
        let arguments = if self.worker.is_some() { Vec::new() } else { vec!["worker".to_owned()] };
        let program = program_file(
            &program,
            "name a program that speaks the worker's protocol, or leave `--worker` out",
        )?;
        worker_program(program, arguments)
    }

    /// Takes the machine's lock. None where Ctrl-C ended the wait, which is then reported.
    pub(super) fn take_lock(&self, control: &Control, verb: &str) -> Result<Option<DeviceLock>> {
        let lock = self.lock.take(control, verb)?;
        if lock.is_none() {
            say("interrupted while waiting for the device: nothing was measured");
        }
        Ok(lock)
    }
}

/// The file of a program that is named: one that could be run, and is soon hashed.
pub(super) fn program_file(named: &Path, hint: &str) -> Result<PathBuf> {
    let file = canonicalize(named)
        .map_err(|cause| Error::io("start the worker", named, &cause).as_input().hint(hint))?;
    files::open(&file, FileKind::Program).map_err(|error| error.hint(hint))?;
    Ok(file)
}

/// A program that runs as a worker, below a reaper of ours.
pub(super) fn worker_program(program: PathBuf, arguments: Vec<String>) -> Result<WorkerProgram> {
    Ok(WorkerProgram { program, arguments, variables: BTreeMap::new(), reaper: own_program()? })
}

/// This program's own file.
pub(super) fn own_program() -> Result<PathBuf> {
    env::current_exe()
        .map_err(|cause| Error::harness(format!("this program does not know its file: {cause}")))
}

#[derive(Debug, Clone, Args)]
pub(super) struct LockFlags {
    /// File of the lock that keeps two uses of the device apart [default: one for the whole machine]
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    /// Longest wait for another use of the device to end, s
    #[arg(long, value_name = "S", default_value_t = 3600)]
    lock_wait_s: u64,
}

impl LockFlags {
    /// The flags as they are typed, for a process of this program's own.
    fn as_typed(&self) -> Vec<OsString> {
        let file = self.lock.iter().flat_map(|file| ["--lock".into(), file.clone().into_os_string()]);
        file.chain(["--lock-wait-s".into(), self.lock_wait_s.to_string().into()]).collect()
    }

    /// Takes the machine's lock; the first wait is reported with the holder. None where Ctrl-C ended the wait.
    fn take(&self, control: &Control, verb: &str) -> Result<Option<DeviceLock>> {
        let path = self.lock.clone().unwrap_or_else(DeviceLock::usual_file);
        let holder = format!("{verb}, process {}", process::id());
        let mut reported = false;
        let mut goes_on = |held_by: &str, _: Duration| {
            if !reported {
                say(&format!("waiting: the device is held by {held_by} (`{}`)", path.display()));
                reported = true;
            }
            !control.stop.load(Ordering::Relaxed)
        };
        let patience = Duration::from_secs(self.lock_wait_s);
        match DeviceLock::take(&path, &holder, &mut Waiting { patience, goes_on: &mut goes_on }) {
            Err(_) if control.stop.load(Ordering::Relaxed) => Ok(None),
            taken => taken.map(Some),
        }
    }

    /// The same for a verb that runs a model in this process. Once the lock is held, Ctrl-C ends the process
    /// at once. None where Ctrl-C ended the wait, which is then reported.
    pub(super) fn hold(&self, verb: &str) -> Result<Option<DeviceLock>> {
        let control = stoppable()?;
        let lock = self.take(&control, verb)?;
        // A control that is stopped leaves the next signal to end the process.
        let was_stopped = control.stop.swap(true, Ordering::Relaxed);
        let lock = lock.filter(|_| !was_stopped);
        if lock.is_none() {
            say("interrupted while waiting for the device: nothing was run");
        }
        Ok(lock)
    }
}

/// A control that Ctrl-C stops; a second one ends the process at once.
pub(super) fn stoppable() -> Result<Arc<Control>> {
    let control = Arc::new(Control::default());
    stop_by_signal(&control.stop, exit_code::INTERRUPTED)
        .map_err(|cause| Error::harness(format!("cannot listen for Ctrl-C: {cause}")))?;
    Ok(control)
}

/// The command that makes a worker load what the flags name.
pub(super) fn load_command(
    engine: &EngineFlags,
    model: &FoundModel,
    location: RuntimeLocation,
    edited: Option<&EditedGraph>,
) -> LoadCommand {
    LoadCommand {
        pinned_version: match location.found_by {
            FoundBy::Release(version) => Some(version),
            FoundBy::Flag | FoundBy::Variable(_) => None,
        },
        c_library: location.c_library,
        model_dir: model.folder.path().to_owned(),
        model_sha256: model.identity.sha256.clone(),
        device: engine.device.clone(),
        properties: engine.properties.iter().map(ToString::to_string).collect(),
        edited_graph: edited.map(|edited| edited.path().to_owned()),
        compiled_models: places::cache_dir().map(|folder| folder.join(COMPILED_MODELS_FOLDER)),
        kv_transform: None,
    }
}
