//! What a guard says.

use serde::{Deserialize, Serialize};

/// What is watched. The names are kept in records and policies: none is ever given another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// The worker's own counters show that a GPU worked for it.
    GpuProof,
    /// The GPU's clock on two sides.
    GpuClock,
    /// The GPU held back for heat or by its voltage regulator.
    GpuThrottle,
    /// The GPU held back by a power limit, on two sides.
    GpuPowerLimit,
    /// Other programs on the GPU.
    OtherGpuClients,
    /// Temperature at the start of two sides.
    StartTemperature,
    /// Governor, energy preference and turbo.
    CpuPolicy,
    /// The processor held back for heat.
    CpuThrottle,
    /// Mains or battery.
    Mains,
    /// The firmware's power profile.
    PowerProfile,
    /// Other programs on the processor.
    CpuPressure,
    /// Tasks that wait for memory.
    MemoryPressure,
    /// Memory read back from swap.
    SwapIn,
    /// Processes killed for want of memory.
    OomKill,
    /// Sleep of the whole machine.
    Suspend,
}

/// What a tripped guard means for the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardWeight {
    /// Its times cannot be believed.
    Invalidates,
    /// They can, with a warning; a gate may refuse it.
    Warns,
}

/// The word of a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardState {
    /// It was observed, and all is well.
    Clean,
    /// It was observed, and all is not well.
    Tripped,
    /// The machine does not tell: neither clean nor tripped.
    NotObserved,
    /// It was observed before and no longer is, which counts as tripped.
    Vanished,
}

/// A guard's word with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardFinding {
    /// Which guard.
    pub guard: Guard,
    /// Its word.
    pub state: GuardState,
    /// Why, in words, with the readings.
    pub because: String,
}

impl Guard {
    /// The name, as it is serialised.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::GpuProof => "gpu-proof",
            Self::GpuClock => "gpu-clock",
            Self::GpuThrottle => "gpu-throttle",
            Self::GpuPowerLimit => "gpu-power-limit",
            Self::OtherGpuClients => "other-gpu-clients",
            Self::StartTemperature => "start-temperature",
            Self::CpuPolicy => "cpu-policy",
            Self::CpuThrottle => "cpu-throttle",
            Self::Mains => "mains",
            Self::PowerProfile => "power-profile",
            Self::CpuPressure => "cpu-pressure",
            Self::MemoryPressure => "memory-pressure",
            Self::SwapIn => "swap-in",
            Self::OomKill => "oom-kill",
            Self::Suspend => "suspend",
        }
    }

    /// What it means when it trips.
    #[must_use]
    pub fn weight(self) -> GuardWeight {
        match self {
            Self::Mains => GuardWeight::Warns,
            _ => GuardWeight::Invalidates,
        }
    }
}

impl GuardFinding {
    /// Whether something is wrong, be it only a warning.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(self.state, GuardState::Tripped | GuardState::Vanished)
    }

    /// Whether the process's times cannot be believed.
    #[must_use]
    pub fn invalidates(&self) -> bool {
        self.is_trouble() && self.guard.weight() == GuardWeight::Invalidates
    }
}

/// A state with its reason, before the guard is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) state: GuardState,
    pub(super) because: String,
}

impl Word {
    pub(super) fn clean(because: impl Into<String>) -> Self {
        Self { state: GuardState::Clean, because: because.into() }
    }

    pub(super) fn tripped(because: impl Into<String>) -> Self {
        Self { state: GuardState::Tripped, because: because.into() }
    }

    pub(super) fn not_observed(because: impl Into<String>) -> Self {
        Self { state: GuardState::NotObserved, because: because.into() }
    }

    pub(super) fn vanished(because: impl Into<String>) -> Self {
        Self { state: GuardState::Vanished, because: because.into() }
    }

    pub(super) fn of(self, guard: Guard) -> GuardFinding {
        GuardFinding { guard, state: self.state, because: self.because }
    }
}
