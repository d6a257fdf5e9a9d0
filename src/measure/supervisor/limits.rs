//! How long a supervisor waits for each word of its worker.

use std::fmt;
use std::time::Duration;

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

/// The limits. Beyond one the worker is ended, and the run is recorded as failed, without speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start to the first word.
    pub handshake: Duration,
    /// Loading.
    pub load: Duration,
    /// The cache warm-up load, which may compile kernels for minutes.
    pub cache_warm_up_load: Duration,
    /// From the prompt to the first token.
    pub first_token: Duration,
    /// Between two tokens. A worker tells of its tokens once a second.
    pub next_token: Duration,
    /// An untimed pass.
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
    /// The limit of what is waited for.
    #[must_use]
    pub fn of(&self, awaited: Awaited, cache_warm_up: bool) -> Duration {
        match awaited {
            Awaited::Handshake => self.handshake,
            // Kernels are compiled while loading and in the first inference.
            Awaited::Loaded | Awaited::FirstToken if cache_warm_up => self.cache_warm_up_load,
            Awaited::DeviceResolved | Awaited::Loaded => self.load,
            Awaited::FirstToken => self.first_token,
            Awaited::NextToken => self.next_token,
            Awaited::Cache | Awaited::Replay => self.replay,
            Awaited::End => self.end,
        }
    }
}
