//! Processes of a group, on Linux: who is in it, how it is ended, whether it has ended.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Child;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, prlimit, waitid,
};

/// A group, by the process that leads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessGroup {
    leader: Pid,
}

impl ProcessGroup {
    /// The group that this process leads.
    pub(crate) fn led_by(pid: u32) -> Option<Self> {
        let leader = Pid::from_raw(i32::try_from(pid).ok()?)?;
        Some(Self { leader })
    }

    /// Asks all of it to end.
    pub(crate) fn terminate(self) {
        // One that is gone needs no asking.
        let _ = kill_process_group(self.leader, Signal::TERM);
        // A stopped process hears nothing until it goes on.
        self.resume();
    }

    /// Lets all of it continue that is stopped.
    pub(crate) fn resume(self) {
        let _ = kill_process_group(self.leader, Signal::CONT);
    }

    /// Ends all of it.
    pub(crate) fn kill(self) {
        let _ = kill_process_group(self.leader, Signal::KILL);
    }

    /// Whether the leader has ended. It is not reaped, so that its number stays its own.
    pub(crate) fn leader_has_ended(self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // A child that is reaped already has ended, too.
        waitid(WaitId::Pid(self.leader), options).map_or(true, |status| status.is_some())
    }

    /// The members beside the leader.
    pub(crate) fn others(self) -> Vec<u32> {
        let group = self.leader.as_raw_nonzero().get();
        processes()
            .filter(|pid| i32::try_from(*pid).is_ok_and(|pid| pid != group))
            .filter(|pid| group_of(&Path::new("/proc").join(pid.to_string())) == Some(group))
            .collect()
    }
}

/// Limits the memory and the processor time of a child, and of each process that it starts from here on.
///
/// # Errors
/// When the system does not allow it, as of a child that has ended.
pub fn limit_child(child: &Child, memory_bytes: u64, processor_s: u64) -> io::Result<()> {
    for (resource, most) in [(Resource::As, memory_bytes), (Resource::Cpu, processor_s)] {
        prlimit(Some(Pid::from_child(child)), resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// Ends one process.
pub(crate) fn kill_one(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Living processes that have this variable with this value in the environment that they were started
/// with: it is handed down to whatever a process starts, even into another session.
pub(crate) fn with_variable(name: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{name}={value}");
    let has_it = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    processes().filter(has_it).collect()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The living descendants of a process, whatever group or session they are in.
pub(crate) fn descendants(of: u32) -> Vec<u32> {
    let mut known: Vec<(u32, Status)> = processes()
        .filter_map(|pid| Some((pid, Status::of(&Path::new("/proc").join(pid.to_string()))?)))
        .collect();
    let (mut found, mut parents) = (Vec::new(), vec![of]);
    while let Some(parent) = parents.pop() {
        let is_child = |(_, status): &mut (u32, Status)| u32::try_from(status.parent) == Ok(parent);
        for (pid, status) in known.extract_if(.., is_child) {
            parents.push(pid);
            // A zombie runs nothing and costs nothing.
            if !status.is_zombie {
                found.push(pid);
            }
        }
    }
    found
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, Clone, Copy)]
struct Status {
    is_zombie: bool,
    parent: i32,
    group: i32,
}

impl Status {
    /// The fields after the name, which may itself hold blanks and brackets.
    fn of(process: &Path) -> Option<Self> {
        let stat = fs::read_to_string(process.join("stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let is_zombie = fields.next()? == "Z";
        Some(Self { is_zombie, parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
    }
}

/// The group of a living process.
fn group_of(process: &Path) -> Option<i32> {
    Status::of(process).filter(|status| !status.is_zombie).map(|status| status.group)
}
