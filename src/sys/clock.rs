//! Time, from the system's one monotonic clock, so that what two processes note can be compared; and two clocks side
//! by side, of which one stands still while the machine sleeps.

use serde::{Deserialize, Serialize};

use crate::sys::{Observed, os};

/// Nanoseconds since some moment in the past; never goes back.
pub trait Clock {
    /// Now, ns.
    fn now_ns(&self) -> u64;
}

/// `CLOCK_MONOTONIC`: the same in every process of a machine, and still while the machine sleeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct MonotonicClock;

impl Clock for MonotonicClock {
    fn now_ns(&self) -> u64 {
        os::clock::monotonic_ns()
    }
}

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
    pub fn now() -> Observed<Self> {
        os::clock::clock_pair()
    }
}

/// How long the machine slept between two moments, ns: what the one clock counted and the other did not.
pub fn suspended_ns(before: ClockPair, after: ClockPair) -> u64 {
    let awake = after.monotonic_ns.saturating_sub(before.monotonic_ns);
    after.boottime_ns.saturating_sub(before.boottime_ns).saturating_sub(awake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readings_of_the_monotonic_clock_do_not_go_back() {
        let (first, second) = (MonotonicClock.now_ns(), MonotonicClock.now_ns());
        assert!(first > 0 && second >= first);
    }

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
