//! Processes of a group, on Linux: who is in it, how it is ended, how long it has kept processors busy, and whether the
//! system killed any of it for want of memory.

use std::fs::{self, File};
use std::io::{self, stderr, stdout};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use rustix::param::clock_ticks_per_second;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, prlimit,
    set_parent_process_death_signal, waitid,
};
use rustix::stdio::dup2_stdout;

/// Lets a program lead a process group of its own: Ctrl-C does not reach it, and all that it starts can be ended with it.
pub fn leads_group(command: &mut Command) -> &mut Command {
    command.process_group(0)
}

/// The signal that ended a program; None where it exited.
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// Gives this process's stdout, and lets all that is printed from now on go to stderr.
///
/// # Errors
/// When the system has no file descriptor to give.
pub fn take_stdout() -> io::Result<File> {
    let own = rustix::io::dup(stdout())?;
    dup2_stdout(stderr())?;
    Ok(File::from(own))
}

/// Lets the system end this process when its parent ends, however that does.
pub fn end_with_parent() {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
}

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

    pub(crate) fn terminate(self) {
        // One that is gone needs no asking.
        let _ = kill_process_group(self.leader, Signal::TERM);
        // A stopped process gets no signal until it goes on.
        self.resume();
    }

    pub(crate) fn resume(self) {
        let _ = kill_process_group(self.leader, Signal::CONT);
    }

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

/// User and system time of all threads of a living process, ns; None where it cannot be read. The
/// system counts in hundredths of a second.
pub(crate) fn processor_time_ns(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    Some(ticks(&stat)? * (1_000_000_000 / clock_ticks_per_second()))
}

/// Fields 14 and 15; the name before them may itself hold blanks and brackets.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// The same fields with the two that follow, which are of its children that ended and were waited for.
pub(in crate::sys) fn ticks_with_children(stat: &str) -> Option<u64> {
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let times: Vec<u64> = fields.take(4).filter_map(|field| field.parse().ok()).collect();
    (times.len() == 4).then(|| times.into_iter().fold(0, u64::saturating_add))
}

/// The counter, and where it stood at the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutOfMemoryKills {
    file: PathBuf,
    before: u64,
}

impl OutOfMemoryKills {
    /// The counter of a process's control group, else of the machine, as it stands now; `root` is `/`.
    pub(crate) fn below(root: &Path, pid: u32) -> Self {
        let group = fs::read_to_string(root.join(format!("proc/{pid}/cgroup"))).unwrap_or_default();
        // Control groups of version 2 have one line, `0::/path`.
        let group = group.lines().find_map(|line| line.strip_prefix("0::/"));
        let events = group.map(|path| root.join("sys/fs/cgroup").join(path).join("memory.events"));
        // The machine's counter sees everybody's kills; a control group's, where there is one, our own.
        let file = events.filter(|file| file.is_file()).unwrap_or_else(|| root.join("proc/vmstat"));
        Self { before: kills(&file), file }
    }

    /// Whether there was a kill since.
    pub(crate) fn grew(&self) -> bool {
        kills(&self.file) > self.before
    }
}

/// The line `oom_kill N`, which both files have; a file that is not there counts nothing.
fn kills(file: &Path) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let reported = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
    reported.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_read_whatever_the_process_is_called() {
        let stat = "12 (a) b (c) S 1 12 12 0 -1 4194560 5 0 0 0 700 42 0 0 20 0 3 0 100 0 0";
        assert_eq!(ticks(stat), Some(742));
        assert_eq!(ticks("12 (a) S 1"), None);
    }

    #[test]
    fn this_process_has_used_some_time_after_some_work() {
        let pid = std::process::id();
        let before = processor_time_ns(pid).unwrap();
        let mut sum = 0_u64;
        while processor_time_ns(pid).unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert_eq!(processor_time_ns(u32::MAX), None);
    }

    fn write(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn a_kill_in_the_worker_s_control_group_is_seen_and_one_elsewhere_is_not() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "proc/7/cgroup", "0::/bench\n");
        write(root.path(), "sys/fs/cgroup/bench/memory.events", "oom 0\noom_kill 1\n");
        write(root.path(), "proc/vmstat", "oom_kill 1\n");
        let kills = OutOfMemoryKills::below(root.path(), 7);
        write(root.path(), "proc/vmstat", "oom_kill 2\n");
        assert!(!kills.grew());
        write(root.path(), "sys/fs/cgroup/bench/memory.events", "oom 1\noom_kill 2\n");
        assert!(kills.grew());
    }

    #[test]
    fn without_control_groups_the_machine_s_counter_tells() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "proc/vmstat", "pswpin 9\noom_kill 1\n");
        let kills = OutOfMemoryKills::below(root.path(), 7);
        assert!(!kills.grew());
        write(root.path(), "proc/vmstat", "pswpin 9\noom_kill 2\n");
        assert!(kills.grew());
    }
}
