//! How long a supervisor waits for each word of its worker.

use std::fmt;
use std::time::Duration;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The first word.
    Hello,
    /// The runtime loaded and the device settled.
    Settled,
    /// The model compiled.
    Loaded,
    /// The first token of a generation.
    FirstToken,
    /// The next token.
    NextToken,
    /// The KV states.
    Cache,
    /// An untimed pass.
    Witness,
    /// The last word and the end of the process.
    End,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "the worker's first word",
            Self::Settled => "the runtime",
            Self::Loaded => "the model to be loaded",
            Self::FirstToken => "the first token",
            Self::NextToken => "the next token",
            Self::Cache => "the KV states",
            Self::Witness => "an untimed pass",
            Self::End => "the worker's end",
        })
    }
}

/// The limits. Beyond one the worker is ended, and the run is recorded as failed, without speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start to the first word.
    pub hello: Duration,
    /// Loading.
    pub load: Duration,
    /// The priming load, which may compile kernels for minutes.
    pub priming_load: Duration,
    /// From the prompt to the first token.
    pub first_token: Duration,
    /// Between two tokens. A worker tells of its tokens once a second.
    pub next_token: Duration,
    /// An untimed pass.
    pub witness: Duration,
    /// From the last command to the end of the process.
    pub end: Duration,
    /// From SIGTERM to SIGKILL.
    pub terminate: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hello: Duration::from_mins(1),
            load: Duration::from_mins(5),
            priming_load: Duration::from_mins(30),
            first_token: Duration::from_mins(2),
            next_token: Duration::from_secs(30),
            witness: Duration::from_mins(5),
            end: Duration::from_secs(30),
            terminate: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The limit of what is waited for.
    #[must_use]
    pub fn of(&self, awaited: Awaited, priming: bool) -> Duration {
        match awaited {
            Awaited::Hello => self.hello,
            // Kernels are compiled while loading and in the first inference.
            Awaited::Loaded | Awaited::FirstToken if priming => self.priming_load,
            Awaited::Settled | Awaited::Loaded => self.load,
            Awaited::FirstToken => self.first_token,
            Awaited::NextToken => self.next_token,
            Awaited::Cache | Awaited::Witness => self.witness,
            Awaited::End => self.end,
        }
    }
}
