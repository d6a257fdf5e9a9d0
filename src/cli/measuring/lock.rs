//! The lock that keeps two uses of the device apart, and the wait for it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;

use crate::cli::measuring::stoppable;
use crate::cli::say;
use crate::error::Result;
use crate::measure::supervisor::Control;
use crate::sys::{DeviceLock, Waiting};

/// Flags of the lock.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct LockFlags {
    /// File of the lock that keeps two uses of the device apart [default: one for the whole machine]
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    /// Longest wait for another use of the device to end, s
    #[arg(long, value_name = "S", default_value_t = 3600)]
    lock_wait_s: u64,
}

impl LockFlags {
    /// The flags as they are typed, for a process of this program's own.
    pub(in crate::cli) fn as_typed(&self) -> Vec<OsString> {
        let file = self.lock.iter().flat_map(|file| ["--lock".into(), file.clone().into_os_string()]);
        file.chain(["--lock-wait-s".into(), self.lock_wait_s.to_string().into()]).collect()
    }

    /// The lock's file, where one is named.
    pub(in crate::cli) fn named(&self) -> Option<&Path> {
        self.lock.as_deref()
    }

    /// Takes the machine's lock; the first wait is reported with the holder. None where Ctrl-C ended the wait.
    pub(in crate::cli) fn take(&self, control: &Control, verb: &str) -> Result<Option<DeviceLock>> {
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
    pub(in crate::cli) fn hold(&self, verb: &str) -> Result<Option<DeviceLock>> {
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
