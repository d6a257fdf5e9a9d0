//! Where the power comes from.

use windows_sys::Win32::System::Power::{GetSystemPowerStatus, SYSTEM_POWER_STATUS};

use crate::sys::{SysfsRoot, Unavailable};

/// Whether the machine runs on AC power.
///
/// # Errors
/// When Windows does not know.
pub fn on_ac_power(_root: &SysfsRoot) -> Result<bool, Unavailable> {
    let mut status = SYSTEM_POWER_STATUS::default();
    // SAFETY: the structure is the system's own, and is written to alone.
    let is_read = unsafe { GetSystemPowerStatus(&raw mut status) } != 0;
    match status.ACLineStatus {
        0 if is_read => Ok(false),
        1 if is_read => Ok(true),
        _ => Err(Unavailable::because("Windows does not know whether it runs on AC power")),
    }
}
