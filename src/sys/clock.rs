//! Time, from the system's one monotonic clock, so that what two processes note can be compared.

use rustix::time::{ClockId, Timespec, clock_gettime};

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
        nanoseconds(clock_gettime(ClockId::Monotonic))
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    // Neither part is negative on a clock that counts from the system's start; 584 years fit.
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readings_of_the_monotonic_clock_do_not_go_back() {
        let (first, second) = (MonotonicClock.now_ns(), MonotonicClock.now_ns());
        assert!(first > 0 && second >= first);
    }
}
