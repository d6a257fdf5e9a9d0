//! Who waits for a fetch: hears what is under way, and may end it.

use std::path::Path;
use std::time::Duration;

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Another process fetches into the same folder, and is waited for.
    WaitsForAnother,
    /// A file that was there already is being read.
    Hashing {
        /// Its name.
        name: &'a str,
        /// Its size.
        size_bytes: u64,
    },
    /// What is still to come, and where there is room for it.
    Room {
        /// The folder.
        folder: &'a Path,
        /// Bytes that are still to come.
        missing_bytes: u64,
        /// Bytes that are free there, where the system tells.
        free_bytes: Option<u64>,
    },
    /// A file begins to come, or goes on.
    Begins {
        /// Its name.
        name: &'a str,
        /// Its size.
        size_bytes: u64,
        /// What of it is there already.
        there_bytes: u64,
    },
    /// More of it has come.
    Received {
        /// What of it is there now.
        there_bytes: u64,
    },
    /// What had come of it is no use.
    BeginsAnew {
        /// Why.
        because: &'a str,
    },
    /// It is whole, and what the hub says that it is.
    Finished {
        /// Its name.
        name: &'a str,
    },
    /// Something failed that may yet succeed.
    Waits {
        /// What failed.
        because: &'a str,
        /// How long it is waited for.
        pause: Duration,
    },
}

/// Who waits.
pub trait Attendant {
    /// False ends the fetch, and keeps what has come.
    fn goes_on(&mut self) -> bool;

    /// Waits; false where it was told to stop.
    fn pause(&mut self, pause: Duration) -> bool;

    /// Hears what is under way.
    fn hear(&mut self, event: Event<'_>);
}
