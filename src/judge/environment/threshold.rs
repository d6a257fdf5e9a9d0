//! Where each guard trips. Nothing else in the rules is a number.

use crate::measure::SAME_START_CELSIUS;

/// Medians of the GPU's clock on two sides may differ by this share of the higher one.
pub const CLOCK_DIFFERENCE_SHARE: f64 = 0.02;
/// Shares of readings with a power limit on two sides may differ by this, percentage points.
pub const POWER_LIMIT_DIFFERENCE_POINTS: f64 = 5.0;
/// Two sides may start this far apart, degrees Celsius. The cool-down waits for the same.
pub const START_DIFFERENCE_CELSIUS: f64 = SAME_START_CELSIUS;
/// From this share of ten seconds in which tasks wait for a processor, there is a background load,
/// percent.
pub const CPU_PRESSURE_PERCENT: f64 = 5.0;
/// From this share of all processors' time on, other programs disturb what is measured on them. An idle desktop has a
/// tenth of it.
pub const OTHER_CPU_SHARE: f64 = 0.05;
/// Less than this is within what the kernel's counting by ticks leaves open, ns.
pub const OTHER_CPU_LEAST_NS: u64 = 100_000_000;
/// All tasks waiting for memory for more than this share of ten seconds is too much, percent.
pub const MEMORY_PRESSURE_PERCENT: f64 = 0.0;
/// From this share of the time on, other clients of the GPU disturb.
pub const OTHER_GPU_SHARE: f64 = 0.05;
/// A machine that slept for longer than this in the middle of a process invalidates it, ns.
pub const SUSPEND_NS: u64 = 1_000_000_000;
