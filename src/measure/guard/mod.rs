//! The state of the machine before, while and after a process is measured: raw readings, no verdict.
//!
//! What a machine does not report is recorded as not observed, with the reason. Readings of an Intel
//! GPU follow what its drivers document, and are tested on fixtures.

mod cpu;
mod gpu;
mod load;
mod power;
mod reader;
mod reading;
mod temperature;
mod watch;

pub use cpu::CpuPolicy;
pub use gpu::{GpuDriver, GpuFacts, GpuReading};
pub use reader::MachineReader;
pub use reading::{GuardLog, MachineFacts, MachineReading, PackageCounters, Phase, WorkerGpuUse, gpu_work};
pub use temperature::Temperatures;
pub use watch::Watch;
