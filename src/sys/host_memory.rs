//! How much memory the host could still give.

use sysinfo::{CGroupLimits, MemoryRefreshKind, RefreshKind, System};

/// Bytes that could be had without swapping; None where the system does not report.
///
/// Inside a container that has a limit, what is left of the limit, if that is less.
#[must_use]
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
