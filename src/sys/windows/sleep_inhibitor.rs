//! Keeps the machine awake while it is measured.

use windows_sys::Win32::System::Power::{ES_CONTINUOUS, ES_SYSTEM_REQUIRED, SetThreadExecutionState};

/// Sleep is put off until this is dropped, or its thread ends.
#[derive(Debug)]
pub struct SleepInhibitor;

impl SleepInhibitor {
    /// Asks the system, and goes on without an answer.
    pub fn hold() -> Self {
        // SAFETY: it takes flags alone.
        unsafe { SetThreadExecutionState(ES_CONTINUOUS | ES_SYSTEM_REQUIRED) };
        Self
    }
}

impl Drop for SleepInhibitor {
    fn drop(&mut self) {
        // SAFETY: it takes flags alone.
        unsafe { SetThreadExecutionState(ES_CONTINUOUS) };
    }
}
