//! The clocks of Windows.

use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::SystemInformation::GetTickCount64;
use windows_sys::Win32::System::WindowsProgramming::QueryUnbiasedInterruptTime;

use crate::sys::{ClockPair, Observed};

/// The performance counter: the same in every process. It counts the time of a suspend, unlike that of Linux.
pub(in crate::sys) fn monotonic_ns() -> u64 {
    let (mut ticks, mut frequency) = (0, 1);
    // SAFETY: both write one number to where they are pointed.
    unsafe {
        QueryPerformanceFrequency(&raw mut frequency);
        QueryPerformanceCounter(&raw mut ticks);
    }
    let ns = i128::from(ticks) * 1_000_000_000 / i128::from(frequency.max(1));
    u64::try_from(ns).unwrap_or_default()
}

/// The one counts in 100 ns, the other in milliseconds, and steps by up to 16 of them.
pub(in crate::sys) fn clock_pair() -> Observed<ClockPair> {
    let mut awake = 0;
    // SAFETY: it writes one number to where it is pointed; the other takes nothing.
    let (is_known, milliseconds) = unsafe { (QueryUnbiasedInterruptTime(&raw mut awake), GetTickCount64()) };
    if is_known == 0 {
        return Observed::not("Windows gives no time without suspends");
    }
    Observed::Observed(ClockPair {
        monotonic_ns: awake.saturating_mul(100),
        boottime_ns: milliseconds.saturating_mul(1_000_000),
    })
}
