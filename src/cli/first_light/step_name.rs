//! The steps, and how long each may take.

use std::time::Duration;

use clap::ValueEnum;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StepName {
    Machine,
    Doctor,
    Bench,
    States,
    CrossCheck,
    AgainstItself,
    Peers,
}

impl StepName {
    pub(super) const COUNT: usize = 7;

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Doctor => "doctor",
            Self::Bench => "bench",
            Self::States => "states",
            Self::CrossCheck => "cross-check",
            Self::AgainstItself => "against-itself",
            Self::Peers => "peers",
        }
    }

    pub(super) fn does(self) -> &'static str {
        match self {
            Self::Machine => "look at the PCI bus, the drivers, OpenVINO's devices and the guards",
            Self::Doctor => "ask `doctor`",
            Self::Bench => "measure: cold and warm loads, memory, guards, every token",
            Self::States => "read, empty and put back the KV states",
            Self::CrossCheck => "feed the answers to the CPU",
            Self::AgainstItself => "build this commit and measure it against itself",
            Self::Peers => "measure SDPA beside the paged attention of openvino_genai",
        }
    }

    /// Several times what it needs with the 12 GB model.
    pub(super) fn limit(self) -> Duration {
        Duration::from_mins(match self {
            Self::Machine => 2,
            Self::Doctor => 15,
            Self::States => 30,
            Self::Bench | Self::CrossCheck | Self::AgainstItself | Self::Peers => 120,
        })
    }
}
