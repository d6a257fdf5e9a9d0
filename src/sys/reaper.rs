//! A process between the supervisor and a worker, so that nothing that the worker starts outlives it.
//!
//! It ends all descendants of the worker as soon as the worker has ended, and all of them with the worker as soon as the
//! supervisor is gone, even where that is killed.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::process::{self, Command};

use serde::{Deserialize, Serialize};

pub use crate::sys::os::reaper::{exec_below_reaper, run_below_reaper};

/// The hidden verb of a reaper.
pub const REAPER_VERB: &str = "reaper";
/// Exit code of a shell whose command could not be executed.
pub(in crate::sys) const NOT_EXECUTED: u8 = 127;
/// A shell adds the signal that ended its command to this.
const SIGNALLED: i32 = 128;

/// What a reaper writes on the worker's pipe, as a line of its own, when all has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReaperReport {
    pub(crate) reaper: ReapedWorker,
}

/// How a worker ended below its reaper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReapedWorker {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// Its descendants that still ran, and were killed.
    pub(crate) left_behind: Vec<u32>,
}

/// How the line of a report begins.
pub(crate) const REPORT_BEGINS: &[u8] = b"{\"reaper\"";

impl ReapedWorker {
    /// Its exit code, as a shell gives it; a worker's end is written on its pipe.
    pub(in crate::sys) fn conclude(self, reports: bool) -> u8 {
        let code = self.code.unwrap_or_else(|| SIGNALLED + self.signal.unwrap_or_default());
        if reports {
            // The worker may have ended within a line. A supervisor that is gone does not read it.
            let line = serde_json::to_string(&ReaperReport { reaper: self }).unwrap_or_default();
            let _ =
                io::stdout().write_all(format!("\n{line}\n").as_bytes()).and_then(|()| io::stdout().flush());
        }
        u8::try_from(code).unwrap_or(u8::MAX)
    }
}

/// A command below a reaper, which ends it and all that it starts when this process ends, even by SIGKILL.
/// Arguments are added to it as to any. `own` is the file of this program.
pub fn below_reaper(own: &Path, program: &OsStr) -> Command {
    let mut command = Command::new(own);
    command.args([REAPER_VERB, "--parent", &process::id().to_string(), "--"]).arg(program);
    command
}
