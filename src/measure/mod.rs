//! What is observed: time, tokens and memory of generations, and the plan by which they are made.

mod clock;
mod clock_pair;
mod cool_down;
pub mod fdinfo;
pub mod guard;
mod host_memory;
mod memory;
mod metric;
mod observed;
mod sample;
mod session;
mod sysfs;

pub use clock::{Clock, MonotonicClock, ScriptedClock};
pub use clock_pair::{ClockPair, suspended_ns};
pub use cool_down::{CoolDownScene, CooledDown, LONGEST_COOL_DOWN_SECONDS, SAME_START_CELSIUS, cool_down};
pub use host_memory::available_memory_bytes;
pub use memory::{MemoryMeter, MemoryReading, NoMemory, ProcessMemory};
pub use metric::{Direction, Metric};
pub use observed::{Observed, Unavailable};
pub use sample::{Role, Sample};
pub use session::{Aim, Control, Plan, PlannedPrompt, Session, StateCheck, run};
pub use sysfs::SysfsRoot;
