//! Busy time of processors.

use crate::sys::{CpuTime, SysfsRoot, Unavailable};

impl CpuTime {
    /// Of the processors of the first of these processes.
    ///
    /// # Errors
    /// Always: no facility for it was tried.
    pub fn read(_root: &SysfsRoot, _processes: &[u32]) -> Result<Self, Unavailable> {
        Err(Unavailable::because("the busy time of processors is not read on Windows"))
    }
}
