//! A clock that stands still until it is moved.

use std::cell::Cell;
use std::rc::Rc;

use crate::sys::Clock;

/// A clock that a test moves.
#[derive(Debug, Clone, Default)]
pub struct ScriptedClock {
    now_ns: Rc<Cell<u64>>,
}

impl ScriptedClock {
    /// The cell that moves this clock, to be shared with a scripted engine.
    pub fn hand(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.now_ns)
    }
}

impl Clock for ScriptedClock {
    fn now_ns(&self) -> u64 {
        self.now_ns.get()
    }
}
