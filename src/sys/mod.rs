//! What depends on the operating system: process groups and the reaper, locks, clocks, memory and disk readings, and
//! what the kernel tells of the machine and its GPUs. It stands under every floor.

mod cache_size;
mod clock;
mod clock_pair;
mod device_lock;
mod disk_space;
pub mod fdinfo;
mod file_lock;
pub(crate) mod group_end;
mod host_memory;
mod intel_gpu;
#[cfg(test)]
pub(crate) mod kernel_tree;
mod memory;
mod observed;
pub(crate) mod out_of_memory;
pub(crate) mod process_group;
pub(crate) mod processor_time;
pub(crate) mod reaper;
#[cfg(any(test, feature = "scripted"))]
mod scripted_clock;
mod sleep_inhibitor;
mod sysfs;
pub mod terminal;

pub use cache_size::last_level_cache_bytes;
pub use clock::{Clock, MonotonicClock};
pub use clock_pair::{ClockPair, suspended_ns};
pub use device_lock::{DeviceLock, Waiting};
pub use disk_space::free_bytes;
pub use file_lock::FileLock;
pub use group_end::{GroupEnded, GroupPatience, group_end};
pub use host_memory::available_memory_bytes;
pub use intel_gpu::{IntelGpu, intel_gpus};
pub use memory::{MemoryMeter, MemoryReading, NoMemory, ProcessMemory};
pub use observed::{Observed, Unavailable};
pub use process_group::limit_child;
pub use reaper::{REAPER_VERB, below_reaper, exec_below_reaper, run_below_reaper};
#[cfg(any(test, feature = "scripted"))]
pub use scripted_clock::ScriptedClock;
pub use sleep_inhibitor::SleepInhibitor;
pub use sysfs::SysfsRoot;
