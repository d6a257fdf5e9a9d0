//! How long processors have worked, in all and for some processes: what is left over, others used.

use serde::{Deserialize, Serialize};

/// Time since the machine was started, of the processors on which this program may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTime {
    /// How many there are.
    pub processors: u32,
    /// In which programs ran on them, and in which a hypervisor gave them to other guests, ns. In a container that
    /// shows the host's counters these are the host's programs.
    pub busy_ns: u64,
    /// Of these processes, and of their children that ended, ns.
    pub own_ns: u64,
}
