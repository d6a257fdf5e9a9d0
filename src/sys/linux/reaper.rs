//! The reaper is a child subreaper: descendants of the worker that lose their parent become its children, whatever session,
//! group or environment they have given themselves.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, getppid, set_child_subreaper, set_parent_process_death_signal};

use crate::error::{Error, Result};
use crate::sys::process::{descendants, kill_one};
use crate::sys::reaper::{NOT_EXECUTED, REAPER_VERB, ReapedWorker};
use crate::visible;

/// How often the reaper checks that its supervisor is there. The reaper shares the machine with what is
/// being measured, so this is rare.
const CHECK_EVERY: Duration = Duration::from_millis(100);
/// How often the end of killed processes is checked.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long killed processes may take to end.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Runs a command as a child, ends whatever it leaves behind, and gives its exit code as a shell does. A worker
/// (`reports`) leads a group of its own, and its end is written on its pipe; any other command shares this
/// process's group, so that one signal reaches both.
///
/// # Errors
/// When the system refuses to start it.
pub fn run_below_reaper(supervisor: u32, reports: bool, command: &[OsString]) -> Result<u8> {
    let failed = |cause: &io::Error| Error::harness(format!("the reaper cannot start its command: {cause}"));
    set_child_subreaper(Some(getpid())).map_err(|cause| failed(&cause.into()))?;
    let own = env::current_exe().map_err(|cause| failed(&cause))?;
    // Another stage of this program, since only a process itself can ask for its parent-death signal.
    let mut stage = Command::new(own);
    stage.args([REAPER_VERB, "--exec", "--parent", &process::id().to_string(), "--"]).args(command);
    if reports {
        stage.process_group(0);
    }
    let mut child = stage.spawn().map_err(|cause| failed(&cause))?;
    thread::spawn(move || {
        loop {
            if is_orphan_of(supervisor) {
                end_descendants();
            }
            thread::sleep(CHECK_EVERY);
        }
    });
    let status = child.wait().map_err(|cause| failed(&cause))?;
    let left_behind = end_descendants();
    Ok(ReapedWorker { code: status.code(), signal: status.signal(), left_behind }.conclude(reports))
}

/// Becomes the command, which the system kills when its reaper ends. Returns only where that fails.
pub fn exec_below_reaper(reaper: u32, command: &[OsString]) -> u8 {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let Some((program, arguments)) = command.split_first().filter(|_| !is_orphan_of(reaper)) else {
        return NOT_EXECUTED;
    };
    let cause = Command::new(program).args(arguments).exec();
    let program = visible::line(&program.to_string_lossy());
    let _ = writeln!(io::stderr(), "error: cannot start `{program}`: {cause}");
    NOT_EXECUTED
}

/// Whether the process that was the parent is gone.
fn is_orphan_of(parent: u32) -> bool {
    getppid().is_none_or(|now| u32::try_from(now.as_raw_nonzero().get()) != Ok(parent))
}

fn end_descendants() -> Vec<u32> {
    let mut ended = BTreeSet::new();
    let start = Instant::now();
    loop {
        let living = descendants(process::id());
        if living.is_empty() || start.elapsed() >= KILL_PATIENCE {
            return ended.into_iter().collect();
        }
        for pid in living {
            kill_one(pid);
            ended.insert(pid);
        }
        thread::sleep(LOOK_EVERY);
    }
}
