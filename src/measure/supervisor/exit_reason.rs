//! How a worker came to its end.

use std::time::Duration;

use crate::error::Error;
use crate::measure::supervisor::limits::Awaited;

/// A process's end, as the system tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, where it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether the system killed a process of this control group, or of the machine, for want of
    /// memory while the worker lived.
    pub out_of_memory: bool,
    /// Processes of the worker's group that were left behind, and killed.
    pub left_behind: Vec<u32>,
    /// Whether it could not even be killed, as a process that waits inside a driver.
    pub cannot_be_killed: bool,
    /// Whether somebody else still holds the worker's pipe.
    pub pipe_held: bool,
}

/// How a worker came to its end. Only one that is done has a speed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitReason {
    /// It did all it was asked and left.
    Done,
    /// It reported what failed.
    Failed(Error),
    /// It ended by itself, without a word.
    Crashed(String),
    /// Somebody killed it.
    Killed,
    /// The system killed it for want of memory.
    OutOfMemory,
    /// It did not answer within its limit and was ended.
    TimedOut {
        /// What was waited for.
        awaited: Awaited,
        /// For how long.
        limit: Duration,
    },
    /// It was to be ended, and could not be.
    CannotBeKilled,
    /// It left, and processes of its making stayed.
    Leaked(Exit),
    /// It broke the protocol, or has none.
    Refused(Error),
    /// The user stopped the run.
    Interrupted,
}

/// SIGKILL on every Unix.
const SIGKILL: i32 = 9;

impl ExitReason {
    /// What an end without a last word means.
    #[must_use]
    pub fn of_silent(exit: &Exit) -> Self {
        if exit.cannot_be_killed {
            return Self::CannotBeKilled;
        }
        match (exit.signal, exit.code) {
            (Some(SIGKILL), _) if exit.out_of_memory => Self::OutOfMemory,
            (Some(SIGKILL), _) => Self::Killed,
            (Some(signal), _) => Self::Crashed(format!("signal {signal}")),
            (None, Some(code)) => Self::Crashed(format!("exit code {code}")),
            (None, None) => Self::Crashed("nobody knows how".to_owned()),
        }
    }

    /// What an end after the last word means.
    #[must_use]
    pub fn of_done(exit: Exit) -> Self {
        let clean = exit.code == Some(0);
        if !exit.left_behind.is_empty() || exit.pipe_held {
            Self::Leaked(exit)
        } else if clean {
            Self::Done
        } else {
            Self::of_silent(&exit)
        }
    }

    /// The kind in one word, as it is recorded.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Crashed(_) => "crashed",
            Self::Killed => "killed",
            Self::OutOfMemory => "out-of-memory",
            Self::TimedOut { .. } => "timed-out",
            Self::CannotBeKilled => "cannot-be-killed",
            Self::Leaked(_) => "leaked",
            Self::Refused(_) => "refused",
            Self::Interrupted => "interrupted",
        }
    }

    /// The end as an error; None where there is none to report.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        let error = match self {
            Self::Done | Self::Interrupted => return None,
            Self::Failed(error) | Self::Refused(error) => return Some(error.clone()),
            Self::Crashed(how) => Error::harness(format!("the worker crashed ({how})"))
                .hint("its last words are above; `cargo xtask doctor` looks at runtime and model"),
            Self::Killed => Error::harness("the worker was killed by somebody else (signal 9)")
                .hint("find out who with `journalctl --since -5min`, then measure again"),
            Self::OutOfMemory => Error::environment("the system killed the worker for want of memory")
                .hint("end what takes most: `ps -eo pid,rss,comm --sort=-rss | head`"),
            Self::TimedOut { awaited, limit } => Error::harness(format!(
                "the worker was ended: {awaited} did not come within {} s",
                limit.as_secs_f64()
            ))
            .hint("if the machine is merely slow, raise the limit: `bench --help` lists them"),
            Self::CannotBeKilled => {
                Error::harness("the worker hangs inside a driver and could not be killed")
                    .hint("`sudo dmesg | tail` says more; the device is usable again after a restart")
            }
            Self::Leaked(exit) => {
                let pids: Vec<String> = exit.left_behind.iter().map(ToString::to_string).collect();
                let who = match pids.len() {
                    0 => "a process outside its group holds its pipe".to_owned(),
                    _ => format!("it left `{}` behind, now killed", pids.join("`, `")),
                };
                Error::harness(format!("the worker has left processes running: {who}"))
                    .hint("what they cost stands in the figures, so there are none; measure again")
            }
        };
        Some(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(signal: Option<i32>, code: Option<i32>, out_of_memory: bool) -> Exit {
        Exit { code, signal, out_of_memory, ..Exit::default() }
    }

    #[test]
    fn a_worker_killed_for_memory_is_told_apart_from_one_killed_and_from_one_that_crashed() {
        let word = |exit: Exit| ExitReason::of_silent(&exit).as_str();
        assert_eq!(word(exit(Some(9), None, true)), "out-of-memory");
        assert_eq!(word(exit(Some(9), None, false)), "killed");
        assert_eq!(word(exit(Some(11), None, true)), "crashed");
        assert_eq!(word(exit(None, Some(101), false)), "crashed");
    }

    #[test]
    fn a_worker_that_says_done_must_also_leave_well_and_alone() {
        assert_eq!(ExitReason::of_done(exit(None, Some(0), false)), ExitReason::Done);
        assert_eq!(ExitReason::of_done(exit(None, Some(1), false)).as_str(), "crashed");
        let left = Exit { left_behind: vec![7], ..exit(None, Some(0), false) };
        assert!(ExitReason::of_done(left).error().unwrap().to_string().contains("`7`"));
        let held = Exit { pipe_held: true, ..exit(None, Some(0), false) };
        assert_eq!(ExitReason::of_done(held).as_str(), "leaked");
    }
}
