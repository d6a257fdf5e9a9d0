//! What is observed: time, tokens and memory of generations, and the plan by which they are made.

mod clock;
mod estimates;
mod host_memory;
mod memory;
mod metric;
mod sample;
mod session;

pub use clock::{Clock, MonotonicClock, ScriptedClock};
pub use estimates::{Estimate, read_estimates, run_benches};
pub use host_memory::available_memory_bytes;
pub use memory::{MemoryMeter, MemoryReading, NoMemory, ProcessMemory};
pub use metric::{Direction, Metric};
pub use sample::{Role, Sample};
pub use session::{Aim, Control, Plan, PlannedPrompt, Session, StateCheck, run};
