//! What depends on the operating system: process groups and the reaper, locks, clocks, memory and disk readings, and
//! what the kernel reports of the machine and its GPUs. It stands under every floor.

mod clock;
mod cpu_time;
mod disk;
pub mod fdinfo;
mod intel_gpu;
#[cfg(test)]
pub(crate) mod kernel_tree;
mod lock;
mod memory;
#[cfg_attr(windows, path = "windows/mod.rs")]
#[cfg_attr(not(windows), path = "linux/mod.rs")]
mod os;
pub(crate) mod process;
pub(crate) mod reaper;
#[cfg(any(test, feature = "scripted"))]
mod scripted_clock;
mod sysfs;

pub use clock::{Clock, ClockPair, MonotonicClock, suspended_ns};
pub use cpu_time::CpuTime;
pub use disk::{
    FileStamp, canonicalize, check_executable, for_all, free_bytes, is_executable, is_pipe, is_removed,
    is_socket, open_at_once, path_of_bytes, read_only, symlink, sync_folder,
};
pub use intel_gpu::{IntelGpu, intel_gpus};
pub use lock::{DeviceLock, FileLock, Waiting};
pub use memory::{MemoryReading, ProcessMemory, available_memory_bytes, last_level_cache_bytes};
pub use os::power::on_ac_power;
pub use os::signals::{ignore_termination, stop_by_signal, survive_large_files};
pub use os::sleep_inhibitor::SleepInhibitor;
pub use os::{clients_of, family, sysfs, terminal};
pub use process::{
    GroupEnded, GroupPatience, end_with_parent, group_end, leads_group, limit_child, signal_of, take_stdout,
};
pub use reaper::{REAPER_VERB, below_reaper, exec_below_reaper, run_below_reaper};
#[cfg(any(test, feature = "scripted"))]
pub use scripted_clock::ScriptedClock;
pub use sysfs::SysfsRoot;
pub use sysfs::{Observed, Unavailable};
