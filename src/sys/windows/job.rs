//! A job: processes that the system ends together, with all that they start.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOB_OBJECT_LIMIT_PROCESS_MEMORY, JOB_OBJECT_LIMIT_PROCESS_TIME, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectExtendedLimitInformation, SetInformationJobObject,
};

/// A job without a process yet.
#[derive(Debug)]
pub(in crate::sys) struct Job {
    handle: OwnedHandle,
}

/// What holds for each process of a job.
#[derive(Debug, Clone, Copy)]
pub(in crate::sys) enum JobLimit {
    /// All end when the last handle to the job is closed, as by the end of its holder.
    EndsWithHolder,
    /// So much memory and processor time.
    Resources { memory_bytes: u64, processor_s: u64 },
}

impl Job {
    pub(in crate::sys) fn new(limit: JobLimit) -> io::Result<Self> {
        // SAFETY: without a name and attributes a job is made, or none.
        let job = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
        if job.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, and nobody else's.
        let job = Self { handle: unsafe { OwnedHandle::from_raw_handle(job) } };
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        match limit {
            JobLimit::EndsWithHolder => {
                limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
            }
            JobLimit::Resources { memory_bytes, processor_s } => {
                limits.BasicLimitInformation.LimitFlags =
                    JOB_OBJECT_LIMIT_PROCESS_MEMORY | JOB_OBJECT_LIMIT_PROCESS_TIME;
                limits.BasicLimitInformation.PerProcessUserTimeLimit =
                    i64::try_from(processor_s.saturating_mul(10_000_000)).unwrap_or(i64::MAX);
                limits.ProcessMemoryLimit = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
            }
        }
        let size = u32::try_from(size_of_val(&limits)).unwrap_or_default();
        // SAFETY: the class of information is that of the structure, whose size is given.
        let is_set = unsafe {
            SetInformationJobObject(
                job.raw(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size,
            )
        };
        if is_set == 0 { Err(io::Error::last_os_error()) } else { Ok(job) }
    }

    /// Takes a process in; whatever that starts from then on is in, too.
    pub(in crate::sys) fn take(&self, process: HANDLE) -> io::Result<()> {
        // SAFETY: both are handles, or an error is reported.
        let is_in = unsafe { AssignProcessToJobObject(self.raw(), process) };
        if is_in == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn raw(&self) -> HANDLE {
        self.handle.as_raw_handle()
    }
}
