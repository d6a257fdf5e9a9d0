//! The end of a group of processes: awaited, requested, and enforced.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use crate::sys::os::process::{
    OutOfMemoryKills, ProcessGroup, descendants, kill_one, processor_time_ns, with_variable,
};
pub use crate::sys::os::process::{end_with_parent, leads_group, limit_child, signal_of, take_stdout};

/// How often an end is looked for: what is being timed must not feel it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct GroupPatience {
    /// From now to the end of the leader.
    pub run: Duration,
    /// From the request to end until being made to.
    pub terminate: Duration,
}

/// How a group ended. Nothing of it is left in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupEnded {
    /// Its leader ended by itself.
    ByItself(ExitStatus),
    /// It was stopped.
    Stopped,
    /// Its time was over.
    TooLong,
}

/// Waits for a child that was started as the leader of a group of its own, by `process_group(0)`, and
/// then ends what is left of the group. Setting `stop` ends all of it at once. `meanwhile` is called again
/// and again, and a last time after the end.
///
/// # Errors
/// When the system does not know the child.
pub fn group_end(
    child: &mut Child,
    stop: &AtomicBool,
    patience: GroupPatience,
    meanwhile: &mut dyn FnMut(),
) -> io::Result<GroupEnded> {
    let waited = ProcessGroup::led_by(child.id()).map(|group| {
        let waited = wait(group, stop, patience.run, meanwhile);
        end(group, waited, patience.terminate);
        waited
    });
    // Last, for then the number could be given to another group.
    let status = child.wait()?;
    meanwhile();
    Ok(match waited {
        Some(Waited::Stopped) => GroupEnded::Stopped,
        Some(Waited::TooLong) => GroupEnded::TooLong,
        Some(Waited::Ended) | None => GroupEnded::ByItself(status),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    Ended,
    Stopped,
    TooLong,
}

fn wait(group: ProcessGroup, stop: &AtomicBool, limit: Duration, meanwhile: &mut dyn FnMut()) -> Waited {
    let began = Instant::now();
    loop {
        meanwhile();
        if stop.load(Ordering::Relaxed) {
            return Waited::Stopped;
        }
        if group.leader_has_ended() {
            return Waited::Ended;
        }
        if began.elapsed() >= limit {
            return Waited::TooLong;
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn end(group: ProcessGroup, waited: Waited, patience: Duration) {
    if waited != Waited::Ended {
        group.terminate();
        let requested = Instant::now();
        while requested.elapsed() < patience && !is_gone(group) {
            thread::sleep(LOOK_EVERY);
        }
    }
    group.kill();
}

fn is_gone(group: ProcessGroup) -> bool {
    group.leader_has_ended() && group.others().is_empty()
}
