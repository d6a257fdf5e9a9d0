//! Time, from one monotonic clock.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

/// Nanoseconds since some moment in the past; never goes back.
pub trait Clock {
    /// Now, ns.
    fn now_ns(&self) -> u64;
}

/// The system's monotonic clock, counted from when it was made.
#[derive(Debug, Clone, Copy)]
pub struct MonotonicClock {
    start: Instant,
}

impl MonotonicClock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for MonotonicClock {
    fn now_ns(&self) -> u64 {
        // 584 years fit.
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A clock that a test moves.
#[derive(Debug, Clone, Default)]
pub struct ScriptedClock {
    now_ns: Rc<Cell<u64>>,
}

impl ScriptedClock {
    /// The cell that moves this clock, to be shared with a scripted engine.
    #[must_use]
    pub fn hand(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.now_ns)
    }
}

impl Clock for ScriptedClock {
    fn now_ns(&self) -> u64 {
        self.now_ns.get()
    }
}
