//! What the rest of `sys` asks of Windows. Tried under Wine alone, on no real Windows; what has no facility that was tried
//! is not observed.
#![expect(unsafe_code, reason = "Windows has no safe interface to these")]

pub(in crate::sys) mod clock;
mod cpu_time;
pub(in crate::sys) mod disk;
mod gpu_use;
pub(in crate::sys) mod job;
pub(in crate::sys) mod memory;
pub(in crate::sys) mod power;
pub(in crate::sys) mod process;
pub(in crate::sys) mod reaper;
pub(in crate::sys) mod signals;
pub(in crate::sys) mod sleep_inhibitor;
pub mod terminal;

use std::path::Path;

pub use gpu_use::{clients_of, family};

/// No file is below it: what the kernel of another system reports, as Wine's host does, is not of this machine.
pub(in crate::sys) const ROOT: &str = r"\\?\arcgauge-has-no-kernel-files-on-windows";

/// There is no folder for locks of all users but that of temporary files.
pub(in crate::sys) const LOCKS: &str = ROOT;

/// Where a `sysfs` would be.
pub fn sysfs() -> &'static Path {
    Path::new(ROOT)
}
