//! Memory: of a process, read from outside while it waits (never inside a timed step); what the host could still give;
//! and how much the processor's last cache holds, for weights that fit into it are not read from memory.

use serde::{Deserialize, Serialize};
use sysinfo::{CGroupLimits, MemoryRefreshKind, RefreshKind, System};

pub use crate::sys::os::memory::{ProcessMemory, last_level_cache_bytes};

/// Memory at one moment, and the peak since the last reset. Zero is never a stand-in for unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReading {
    /// Highest resident set since the last reset (`VmHWM`), bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// Resident anonymous memory (`RssAnon`), bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_anonymous_bytes: Option<u64>,
    /// Resident file-backed memory (`RssFile`), bytes: memory-mapped weights count here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_file_bytes: Option<u64>,
    /// What the process has resident on GPUs (`fdinfo`), bytes; it is in none of the above. Not run on an
    /// Intel GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_resident_bytes: Option<u64>,
}

/// Bytes that could be had without swapping; None where the system does not report.
///
/// Inside a container that has a limit, what is left of the limit, if that is less.
pub fn available_memory_bytes() -> Option<u64> {
    let ram = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(ram).ok()?;
    let reported = system.available_memory();
    // Nothing at all is what a system says that does not know.
    (reported > 0).then(|| system.cgroup_limits().map_or(reported, |limits| reported.min(left_of(&limits))))
}

/// Files in the page cache give way, so that only anonymous memory counts as taken.
fn left_of(limits: &CGroupLimits) -> u64 {
    limits.total_memory.saturating_sub(limits.rss)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_some_memory_left_and_less_than_a_pebibyte() {
        let bytes = available_memory_bytes().unwrap();
        assert!((1 << 20..1 << 50).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_container_s_page_cache_does_not_count_as_taken() {
        let limits = CGroupLimits { total_memory: 100, free_memory: 5, free_swap: 0, rss: 30 };
        assert_eq!(left_of(&limits), 70);
        assert_eq!(left_of(&CGroupLimits { rss: 101, ..limits }), 0);
    }
}
