//! The state of the machine before, while and after a process is measured: raw readings, no verdict.
//!
//! What a machine does not tell is recorded as not observed, with the reason. Readings of an Intel
//! GPU follow what its drivers document, and are tested on fixtures.

mod cpu;
mod gpu;
mod load;
mod power;
mod reader;
mod reading;
mod temperature;
#[cfg(test)]
pub(crate) mod tests;
mod watch;

pub use cpu::CpuPolicy;
pub use gpu::{GpuDriver, GpuFacts, GpuReading};
pub use reader::MachineReader;
pub use reading::{GuardLog, MachineFacts, MachineReading, PackageCounters, Phase, WorkerGpuUse};
pub use temperature::Temperatures;
pub use watch::Watch;
