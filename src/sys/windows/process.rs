//! Processes on Windows: who descends from one, how they are ended, and how long one has kept processors busy.

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, FILETIME, HANDLE, INVALID_HANDLE_VALUE, WAIT_OBJECT_0,
};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, GetCurrentProcess, GetProcessTimes, PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_SYNCHRONIZE, PROCESS_TERMINATE, TerminateProcess, WaitForSingleObject,
};

use crate::sys::os::job::{Job, JobLimit};

/// The exit code of a process that was ended.
const ENDED: u32 = 1;

/// An open process: its number is given to no other while it is.
#[derive(Debug)]
pub(in crate::sys) struct OpenProcess {
    handle: OwnedHandle,
}

impl OpenProcess {
    fn with(pid: u32, rights: u32) -> Option<Self> {
        // SAFETY: the system knows the process, or gives none.
        let handle = unsafe { windows_sys::Win32::System::Threading::OpenProcess(rights, 0, pid) };
        // SAFETY: the handle is new, and nobody else's.
        (!handle.is_null()).then(|| Self { handle: unsafe { OwnedHandle::from_raw_handle(handle) } })
    }

    pub(in crate::sys) fn to_query(pid: u32) -> Option<Self> {
        Self::with(pid, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE)
    }

    pub(in crate::sys) fn raw(&self) -> HANDLE {
        self.handle.as_raw_handle()
    }

    /// Waits for its end so long; whether it has ended.
    pub(in crate::sys) fn ends_within(&self, milliseconds: u32) -> bool {
        // SAFETY: the handle is open.
        unsafe { WaitForSingleObject(self.raw(), milliseconds) == WAIT_OBJECT_0 }
    }
}

/// Lets Ctrl-C not reach a program.
pub fn leads_group(command: &mut Command) -> &mut Command {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP)
}

/// There are none here.
pub fn signal_of(_status: ExitStatus) -> Option<i32> {
    None
}

/// Gives this process's stdout, and lets all that Rust prints from now on go to stderr.
///
/// # Errors
/// When the system has no handle to give.
pub fn take_stdout() -> io::Result<File> {
    // SAFETY: the handles of this process; the new one is nobody else's.
    unsafe {
        let own = GetCurrentProcess();
        let mut duplicate: HANDLE = std::ptr::null_mut();
        let out = GetStdHandle(STD_OUTPUT_HANDLE);
        if DuplicateHandle(own, out, own, &raw mut duplicate, 0, 0, DUPLICATE_SAME_ACCESS) == 0 {
            return Err(io::Error::last_os_error());
        }
        SetStdHandle(STD_OUTPUT_HANDLE, GetStdHandle(STD_ERROR_HANDLE));
        Ok(File::from(OwnedHandle::from_raw_handle(duplicate)))
    }
}

/// The reaper's job sees to it.
pub fn end_with_parent() {}

/// A process and all that descends from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessGroup {
    leader: u32,
}

impl ProcessGroup {
    /// The group that this process leads.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere a number may be none of a process")]
    pub(crate) fn led_by(pid: u32) -> Option<Self> {
        Some(Self { leader: pid })
    }

    /// Windows has no way to ask a process without a window to end.
    pub(crate) fn terminate(self) {
        let _ = self;
    }

    pub(crate) fn resume(self) {
        let _ = self;
    }

    pub(crate) fn kill(self) {
        for pid in descendants(self.leader) {
            kill_one(pid);
        }
        kill_one(self.leader);
    }

    /// Whether the leader has ended.
    pub(crate) fn leader_has_ended(self) -> bool {
        OpenProcess::to_query(self.leader).is_none_or(|process| process.ends_within(0))
    }

    /// The members beside the leader.
    pub(crate) fn others(self) -> Vec<u32> {
        descendants(self.leader)
    }
}

/// Limits the memory and the processor time of a child, and of each process that it starts from here on.
///
/// # Errors
/// When the system does not allow it, as of a child that has ended.
pub fn limit_child(child: &Child, memory_bytes: u64, processor_s: u64) -> io::Result<()> {
    let job = Job::new(JobLimit::Resources { memory_bytes, processor_s })?;
    // The limits hold while a process is in the job, whether its handle is open or not.
    job.take(child.as_raw_handle())
}

pub(crate) fn kill_one(pid: u32) {
    if let Some(process) = OpenProcess::with(pid, PROCESS_TERMINATE) {
        // SAFETY: the handle is open, with the right to end the process.
        unsafe { TerminateProcess(process.raw(), ENDED) };
    }
}

/// No process may read another's environment; the reaper's job has whatever a worker started.
pub(crate) fn with_variable(_name: &str, _value: &str) -> Vec<u32> {
    Vec::new()
}

/// The living descendants of a process whose parents live.
pub(crate) fn descendants(of: u32) -> Vec<u32> {
    let mut known = processes();
    let (mut found, mut parents) = (Vec::new(), vec![of]);
    while let Some(parent) = parents.pop() {
        for process in known.extract_if(.., |process| process.parent == parent && process.pid != of) {
            parents.push(process.pid);
            found.push(process.pid);
        }
    }
    found
}

struct Listed {
    pid: u32,
    parent: u32,
}

fn processes() -> Vec<Listed> {
    let mut found = Vec::new();
    // SAFETY: the list is made, or none; the structure says how large it is, and is written while the list is open.
    unsafe {
        let list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        if list == INVALID_HANDLE_VALUE {
            return found;
        }
        let list = OwnedHandle::from_raw_handle(list);
        let mut entry = PROCESSENTRY32W {
            dwSize: u32::try_from(size_of::<PROCESSENTRY32W>()).unwrap_or_default(),
            ..PROCESSENTRY32W::default()
        };
        let mut is_there = Process32FirstW(list.as_raw_handle(), &raw mut entry);
        while is_there != 0 {
            found.push(Listed { pid: entry.th32ProcessID, parent: entry.th32ParentProcessID });
            is_there = Process32NextW(list.as_raw_handle(), &raw mut entry);
        }
    }
    found
}

/// User and kernel time of all threads of a process, ns; None where it cannot be read. **Untried**: Wine gives the times of
/// whoever asks, so that a reading of another process that could be this one's is none.
pub(crate) fn processor_time_ns(pid: u32) -> Option<u64> {
    // SAFETY: the pseudo-handle of this process is always open.
    let own = || ProcessorTime::of(unsafe { GetCurrentProcess() });
    if pid == std::process::id() {
        return Some(own()?.ns());
    }
    let process = OpenProcess::to_query(pid)?;
    let (before, read, after) = (own()?, ProcessorTime::of(process.raw())?, own()?);
    (!read.is_between(before, after)).then(|| read.ns())
}

/// In units of 100 ns.
#[derive(Debug, Clone, Copy)]
struct ProcessorTime {
    user: u64,
    kernel: u64,
}

impl ProcessorTime {
    fn of(process: HANDLE) -> Option<Self> {
        let [mut created, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
        // SAFETY: the handle is open, and each time is written to where it is pointed.
        let is_read = unsafe {
            GetProcessTimes(process, &raw mut created, &raw mut ended, &raw mut kernel, &raw mut user)
        };
        let number = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
        (is_read != 0).then(|| Self { user: number(user), kernel: number(kernel) })
    }

    fn ns(self) -> u64 {
        self.user.saturating_add(self.kernel).saturating_mul(100)
    }

    fn is_between(self, before: Self, after: Self) -> bool {
        (before.user..=after.user).contains(&self.user)
            && (before.kernel..=after.kernel).contains(&self.kernel)
    }
}

/// Nothing is killed here for want of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutOfMemoryKills;

impl OutOfMemoryKills {
    /// The counter of a process.
    pub(crate) fn below(_root: &Path, _pid: u32) -> Self {
        Self
    }

    /// Whether there was a kill since.
    pub(crate) fn grew(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_some_time_after_some_work() {
        let before = processor_time_ns(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while processor_time_ns(std::process::id()).unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }

    #[test]
    fn times_that_could_be_those_of_whoever_asks_are_not_another_process_s() {
        let at = |user, kernel| ProcessorTime { user, kernel };
        assert!(at(5, 7).is_between(at(5, 7), at(5, 7)) && at(5, 8).is_between(at(5, 7), at(6, 8)));
        assert!(!at(5, 9).is_between(at(5, 7), at(6, 8)) && !at(4, 7).is_between(at(5, 7), at(6, 8)));
        assert_eq!(at(5, 7).ns(), 1_200);
    }
}
