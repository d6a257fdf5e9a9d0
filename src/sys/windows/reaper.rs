//! The reaper is in a job of its own making, and so is all that it starts: when it ends, however that happens, the system
//! ends the rest.

use std::ffi::OsString;
use std::io;
use std::process::{self, Command};
use std::thread;

use windows_sys::Win32::System::Threading::{GetCurrentProcess, INFINITE};

use crate::error::{Error, Result};
use crate::sys::os::job::{Job, JobLimit};
use crate::sys::os::process::OpenProcess;
use crate::sys::process::{descendants, kill_one, leads_group};
use crate::sys::reaper::{NOT_EXECUTED, ReapedWorker};

/// Runs a command as a child, ends whatever it leaves behind, and gives its exit code. A worker's (`reports`) end is
/// written on its pipe.
///
/// # Errors
/// When the system refuses to start it.
pub fn run_below_reaper(supervisor: u32, reports: bool, command: &[OsString]) -> Result<u8> {
    let failed = |cause: &io::Error| Error::harness(format!("the reaper cannot start its command: {cause}"));
    let job = Job::new(JobLimit::EndsWithHolder).map_err(|cause| failed(&cause))?;
    // SAFETY: the pseudo-handle of this process is always open.
    job.take(unsafe { GetCurrentProcess() }).map_err(|cause| failed(&cause))?;
    let Some(supervisor) = OpenProcess::to_query(supervisor) else { return Ok(NOT_EXECUTED) };
    let Some((program, arguments)) = command.split_first() else { return Ok(NOT_EXECUTED) };
    let mut stage = Command::new(program);
    stage.args(arguments);
    if reports {
        leads_group(&mut stage);
    }
    let mut child = stage.spawn().map_err(|cause| failed(&cause))?;
    thread::spawn(move || {
        supervisor.ends_within(INFINITE);
        // The job goes with this process, and with the job all that is in it.
        process::exit(i32::from(NOT_EXECUTED));
    });
    let status = child.wait().map_err(|cause| failed(&cause))?;
    let left_behind = descendants(process::id());
    left_behind.iter().copied().for_each(kill_one);
    let code = ReapedWorker { code: status.code(), signal: None, left_behind }.conclude(reports);
    // Closing it would end this process before it has given its code.
    std::mem::forget(job);
    Ok(code)
}

/// No stage between the reaper and its command is needed here.
pub fn exec_below_reaper(_reaper: u32, _command: &[OsString]) -> u8 {
    NOT_EXECUTED
}
