//! What depends on the operating system: process groups and the reaper, locks, clocks, memory and disk readings, and
//! what the kernel tells of the machine and its GPUs. It stands under every floor.

mod clock;
mod disk_space;
pub mod fdinfo;
mod intel_gpu;
#[cfg(test)]
pub(crate) mod kernel_tree;
mod lock;
mod memory;
pub(crate) mod process;
pub(crate) mod reaper;
#[cfg(any(test, feature = "scripted"))]
mod scripted_clock;
mod sleep_inhibitor;
mod sysfs;
pub mod terminal;

pub use clock::{Clock, ClockPair, MonotonicClock, suspended_ns};
pub use disk_space::free_bytes;
pub use intel_gpu::{IntelGpu, intel_gpus};
pub use lock::{DeviceLock, FileLock, Waiting};
pub use memory::{
    MemoryMeter, MemoryReading, NoMemory, ProcessMemory, available_memory_bytes, last_level_cache_bytes,
};
pub use process::{GroupEnded, GroupPatience, group_end, limit_child};
pub use reaper::{REAPER_VERB, below_reaper, exec_below_reaper, run_below_reaper};
#[cfg(any(test, feature = "scripted"))]
pub use scripted_clock::ScriptedClock;
pub use sleep_inhibitor::SleepInhibitor;
pub use sysfs::SysfsRoot;
pub use sysfs::{Observed, Unavailable};
