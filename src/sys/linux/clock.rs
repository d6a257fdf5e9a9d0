//! The clocks of Linux.

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::sys::{ClockPair, Observed};

pub(in crate::sys) fn monotonic_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

pub(in crate::sys) fn clock_pair() -> Observed<ClockPair> {
    Observed::Observed(ClockPair {
        monotonic_ns: nanoseconds(clock_gettime(ClockId::Monotonic)),
        boottime_ns: nanoseconds(clock_gettime(ClockId::Boottime)),
    })
}

fn nanoseconds(time: Timespec) -> u64 {
    // Neither part is negative on a clock that counts from the system's start; 584 years fit.
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
