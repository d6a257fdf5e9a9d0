//! The supervisor's side: fresh worker processes, each with a limit on every word, and none left
//! behind.

mod conversation;
mod process;
#[cfg(any(test, feature = "scripted"))]
mod scripted;
mod session;
mod untimed;
mod warm_load;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::error::Error;
use crate::measure::kv::{KvUse, StateAccess};
use crate::measure::protocol::{DeviceResolvedEvent, Handshake, KvCache, LoadedEvent};
use crate::measure::{RequestedPrompt, Sample};
use crate::sys::MemoryReading;

pub use conversation::{Conversation, Link, Received, resolve_device};
pub(in crate::measure) use process::ErrorOutput;
pub use process::{WorkerProcess, WorkerProgram};
#[cfg(any(test, feature = "scripted"))]
pub use scripted::ScriptedWorker;
pub use session::{Aim, Control, Job, ProcessObserver, Session, Soak, Start};
pub use untimed::{distribution_drift, profile};
pub use warm_load::{DifferingAnswer, WarmLoad};

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The first word.
    Handshake,
    /// The runtime loaded and the device resolved.
    DeviceResolved,
    /// The model compiled.
    Loaded,
    /// The first token of a generation.
    FirstToken,
    /// The next token.
    NextToken,
    /// The KV states.
    Cache,
    /// An untimed pass.
    Replay,
    /// The last word and the end of the process.
    End,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "the worker's first word",
            Self::DeviceResolved => "the runtime",
            Self::Loaded => "the model to be loaded",
            Self::FirstToken => "the first token",
            Self::NextToken => "the next token",
            Self::Cache => "the KV states",
            Self::Replay => "an untimed pass",
            Self::End => "the worker's end",
        })
    }
}

/// Tokens of a prompt that the limits of its first token and of a replay are for.
pub const LIMIT_TOKENS: usize = 1024;

/// The limits. Beyond one the worker is ended, and the run is recorded as failed, without speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start to the first word.
    pub handshake: Duration,
    /// Loading.
    pub load: Duration,
    /// The cache warm-up load, which may compile kernels for minutes.
    pub cache_warm_up_load: Duration,
    /// From the prompt to the first token; of a prompt of more than [`LIMIT_TOKENS`] in proportion.
    pub first_token: Duration,
    /// Between two tokens. A worker reports its tokens once a second.
    pub next_token: Duration,
    /// An untimed pass; of a long prompt as for the first token.
    pub replay: Duration,
    /// From the last command to the end of the process.
    pub end: Duration,
    /// From SIGTERM to SIGKILL.
    pub terminate: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_mins(1),
            load: Duration::from_mins(5),
            cache_warm_up_load: Duration::from_mins(30),
            first_token: Duration::from_mins(2),
            next_token: Duration::from_secs(30),
            replay: Duration::from_mins(5),
            end: Duration::from_secs(30),
            terminate: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The limit of what is waited for, with so many tokens before the first new one.
    pub fn of(&self, awaited: Awaited, cache_warm_up: bool, depth_tokens: usize) -> Duration {
        let parts = u32::try_from(depth_tokens.div_ceil(LIMIT_TOKENS)).unwrap_or(u32::MAX).max(1);
        match awaited {
            Awaited::Handshake => self.handshake,
            // Kernels are compiled while loading and in the first inference.
            Awaited::Loaded | Awaited::FirstToken if cache_warm_up => self.cache_warm_up_load,
            Awaited::DeviceResolved | Awaited::Loaded => self.load,
            Awaited::FirstToken => self.first_token.saturating_mul(parts),
            Awaited::NextToken => self.next_token,
            Awaited::Cache => self.replay,
            Awaited::Replay => self.replay.saturating_mul(parts),
            Awaited::End => self.end,
        }
    }
}

/// A process's end, as the system reports it.
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
#[derive(Debug, Clone, Default, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum ExitReason {
    /// It did all that was requested and left.
    #[default]
    Done,
    /// It reported what failed.
    Failed(Error),
    /// It ended by itself and reported nothing.
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
    pub fn as_str(&self) -> &'static str {
        self.into()
    }

    /// The end as an error; None where there is none to report.
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
                    .hint("what they cost stands in the values, so there are none; measure again")
            }
        };
        Some(error)
    }
}

/// What a process is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// It fills the cache of compiled models and is not measured.
    CacheWarmUp,
    /// It is measured.
    #[default]
    Measured,
}

/// Memory at the end of each phase, and its peak in it. Prefill and decode are distinguished in the
/// warm-up, for looking between them would stand in the times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseMemory {
    /// Reading and compiling the model.
    pub load: MemoryReading,
    /// The warm-up's prompt.
    pub prefill: MemoryReading,
    /// The warm-up's other tokens.
    pub decode: MemoryReading,
}

/// One worker process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessFacts {
    /// What it was for.
    pub purpose: Purpose,
    /// Which measured process it is, from 0; 0 for a cache warm-up one.
    pub index: usize,
    /// Who it said that it is.
    pub handshake: Option<Handshake>,
    /// What was to run where.
    pub resolved: Option<DeviceResolvedEvent>,
    /// What was loaded.
    pub loaded: Option<LoadedEvent>,
    /// Prompts in the order requested.
    pub order: Vec<String>,
    /// Every generation, the warm-up first.
    pub samples: Vec<Sample>,
    /// Whether the KV cache was observed to be empty before each generation: after it, it held exactly the
    /// tokens that were fed.
    pub state_seen_empty: bool,
    /// Why that could not be observed.
    pub state_not_observed: Option<String>,
    /// Memory by phase.
    pub memory: PhaseMemory,
    /// What the KV cache held after the warm-up.
    pub kv_cache: Option<KvCache>,
    /// How long the KV states took to be read and written back, where that was requested.
    pub state_access: Option<StateAccess>,
    /// What the change of the KV cache took in each measured generation, in their order.
    pub kv_uses: Vec<KvUse>,
    /// Highest sum of `GPU_MEMORY_STATISTICS` that was reported, bytes.
    pub device_memory_bytes: Option<u64>,
    /// Processor time of the worker over its measured generations, ns.
    pub processor_ns: Option<u64>,
    /// When it was started and when it had ended, ns of `CLOCK_MONOTONIC`.
    pub started_ns: u64,
    /// See `started_ns`.
    pub ended_ns: u64,
    /// The last lines that it or a library wrote to its stdout.
    pub output_tail: Vec<String>,
    /// How it ended.
    pub exit_reason: ExitReason,
}

impl ProcessFacts {
    fn new(purpose: Purpose, index: usize, started_ns: u64) -> Self {
        let ended_ns = started_ns;
        Self { purpose, index, started_ns, ended_ns, state_seen_empty: true, ..Self::default() }
    }

    /// Whether the worker can answer a prompt: one over a filled cache needs states that can be written.
    pub fn can_answer(&self, prompt: &RequestedPrompt) -> bool {
        prompt.cache_tokens.is_none() || self.loaded.as_ref().is_none_or(|loaded| loaded.fills_cache)
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
