//! Busy time of processors.

use crate::sys::{CpuTime, SysfsRoot, Unavailable};

impl CpuTime {
    /// Of the processors of the first of these processes.
    ///
    /// # Errors
    /// Always. `GetSystemTimes` has the busy time, but nothing has the time of a worker that has ended, which would count
    /// as that of others.
    pub fn read(_root: &SysfsRoot, _processes: &[u32]) -> Result<Self, Unavailable> {
        Err(Unavailable::because("the busy time of processors is not read on Windows"))
    }
}
