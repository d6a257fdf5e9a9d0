//! What the rest of `sys` asks of Linux.

pub(in crate::sys) mod clock;
mod cpu_time;
pub(in crate::sys) mod disk;
pub(in crate::sys) mod memory;
pub(in crate::sys) mod power;
pub(in crate::sys) mod process;
pub(in crate::sys) mod reaper;
pub(in crate::sys) mod signals;
pub(in crate::sys) mod sleep_inhibitor;
pub mod terminal;

use std::path::Path;

pub use crate::sys::fdinfo::{clients_of, family};

/// Where the kernel reports of the machine.
pub(in crate::sys) const ROOT: &str = "/";

/// Where locks lie that all users of a machine share.
pub(in crate::sys) const LOCKS: &str = "/run/lock";

/// Its `sysfs`.
pub fn sysfs() -> &'static Path {
    Path::new("/sys")
}
