//! What is observed: time, tokens and memory of generations in fresh worker processes, and the plan
//! by which they are made.

mod cache_size;
mod canary;
mod clock;
mod clock_pair;
mod cool_down;
mod device_lock;
mod estimates;
pub mod fdinfo;
mod generation;
mod group_end;
pub mod guard;
mod host_memory;
mod intel_gpu;
mod memory;
mod metric;
mod observed;
mod out_of_memory;
mod plan;
mod process_group;
mod processor_time;
pub mod protocol;
mod sample;
mod sleep_inhibitor;
pub mod supervisor;
mod sysfs;
pub mod worker;

pub use cache_size::last_level_cache_bytes;
pub use canary::{CANARY_BYTES, Canary, CanaryReading};
pub use clock::{Clock, MonotonicClock, ScriptedClock};
pub use clock_pair::{ClockPair, suspended_ns};
pub use cool_down::{CoolDownScene, CooledDown, LONGEST_COOL_DOWN_SECONDS, SAME_START_CELSIUS, cool_down};
pub use device_lock::{DeviceLock, Waiting};
pub use estimates::{BenchesEnded, Estimate, read_estimates, run_benches};
pub use generation::{Generated, KnownToken, TokenSink, empty_cache, record_generation, sample_here};
pub use group_end::{GroupEnded, GroupPatience, group_end};
pub use host_memory::available_memory_bytes;
pub use intel_gpu::{IntelGpu, intel_gpus};
pub use memory::{MemoryMeter, MemoryReading, NoMemory, ProcessMemory};
pub use metric::{Direction, Figure, Metric};
pub use observed::{Observed, Unavailable};
pub use plan::{Plan, PlannedPrompt};
pub use sample::{Role, Sample};
pub use sleep_inhibitor::SleepInhibitor;
pub use sysfs::SysfsRoot;
