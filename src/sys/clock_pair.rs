//! Two clocks side by side: one stands still while the machine sleeps, the other does not.

use serde::{Deserialize, Serialize};

use crate::sys::Observed;

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockPair {
    /// `CLOCK_MONOTONIC`, ns: does not count the time of a suspend.
    pub monotonic_ns: u64,
    /// `CLOCK_BOOTTIME`, ns: counts it.
    pub boottime_ns: u64,
}

impl ClockPair {
    /// Now.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn now() -> Observed<Self> {
        use rustix::time::{ClockId, Timespec, clock_gettime};
        let ns = |time: Timespec| {
            let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
            seconds.saturating_mul(1_000_000_000) + u64::try_from(time.tv_nsec).unwrap_or_default()
        };
        Observed::Observed(Self {
            monotonic_ns: ns(clock_gettime(ClockId::Monotonic)),
            boottime_ns: ns(clock_gettime(ClockId::Boottime)),
        })
    }

    /// Now.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn now() -> Observed<Self> {
        Observed::not("this system has no clock that counts a suspend")
    }
}

/// How long the machine slept between two moments, ns: what the one clock counted and the other did not.
#[must_use]
pub fn suspended_ns(before: ClockPair, after: ClockPair) -> u64 {
    let awake = after.monotonic_ns.saturating_sub(before.monotonic_ns);
    after.boottime_ns.saturating_sub(before.boottime_ns).saturating_sub(awake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_that_one_clock_missed_is_sleep() {
        let before = ClockPair { monotonic_ns: 100, boottime_ns: 5_100 };
        let after = |monotonic_ns, boottime_ns| suspended_ns(before, ClockPair { monotonic_ns, boottime_ns });
        assert_eq!(after(1_100, 6_100), 0);
        assert_eq!(after(1_100, 9_100), 3_000);
        assert_eq!(after(1_100, 6_099), 0, "clocks read one after the other may differ a little");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn both_clocks_of_this_machine_go_on() {
        let one = *ClockPair::now().value().unwrap();
        let other = *ClockPair::now().value().unwrap();
        assert!(one.monotonic_ns <= other.monotonic_ns && one.boottime_ns <= other.boottime_ns);
        assert!(one.boottime_ns >= one.monotonic_ns);
    }
}
