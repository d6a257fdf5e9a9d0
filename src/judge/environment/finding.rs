//! What a guard says.

use serde::{Deserialize, Serialize};

use crate::judge::environment::threshold;

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
    /// AC power or battery.
    AcPower,
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
    /// Its times are invalid.
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
    /// The machine does not report: neither clean nor tripped.
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
    pub reason: String,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::GpuProof,
        Self::GpuClock,
        Self::GpuThrottle,
        Self::GpuPowerLimit,
        Self::OtherGpuClients,
        Self::StartTemperature,
        Self::CpuPolicy,
        Self::CpuThrottle,
        Self::AcPower,
        Self::PowerProfile,
        Self::CpuPressure,
        Self::MemoryPressure,
        Self::SwapIn,
        Self::OomKill,
        Self::Suspend,
    ];

    /// What makes it trip, in words.
    #[must_use]
    pub fn trips_when(self) -> String {
        match self {
            Self::GpuProof => "the worker's own counters do not show that a GPU worked for it".to_owned(),
            Self::GpuClock => format!(
                "the median clocks of two sides differ by more than {} %",
                threshold::CLOCK_DIFFERENCE_SHARE * 100.0
            ),
            Self::GpuThrottle => "the GPU is held back for heat or by its voltage regulator".to_owned(),
            Self::GpuPowerLimit => format!(
                "the shares of readings with a power limit on two sides differ by more than {} points",
                threshold::POWER_LIMIT_DIFFERENCE_POINTS
            ),
            Self::OtherGpuClients => format!(
                "other programs have the GPU for {} % of the time or more",
                threshold::OTHER_GPU_SHARE * 100.0
            ),
            Self::StartTemperature => {
                format!("two sides start more than {} degrees apart", threshold::START_DIFFERENCE_CELSIUS)
            }
            Self::CpuPolicy => {
                "governor, energy preference or turbo change, or differ from those of the first process"
                    .to_owned()
            }
            Self::CpuThrottle => "the processor is held back for heat".to_owned(),
            Self::AcPower => "the machine runs on its battery".to_owned(),
            Self::PowerProfile => {
                "the firmware's power profile changes, or differs from that of the first process".to_owned()
            }
            Self::CpuPressure => format!(
                "tasks wait for a processor for {} % of ten seconds or more",
                threshold::CPU_PRESSURE_PERCENT
            ),
            Self::MemoryPressure => format!(
                "all tasks wait for memory for more than {} % of ten seconds",
                threshold::MEMORY_PRESSURE_PERCENT
            ),
            Self::SwapIn => "pages are read back from swap".to_owned(),
            Self::OomKill => "a process of the worker's group is killed for want of memory".to_owned(),
            Self::Suspend => {
                format!("the machine sleeps for more than {} s", threshold::SUSPEND_NS as f64 / 1e9)
            }
        }
    }

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
            Self::AcPower => "ac-power",
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
            Self::AcPower => GuardWeight::Warns,
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

    /// Whether the process's times are invalid.
    #[must_use]
    pub fn invalidates(&self) -> bool {
        self.is_trouble() && self.guard.weight() == GuardWeight::Invalidates
    }
}

/// A state with its reason, before the guard is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Observation {
    pub(super) state: GuardState,
    pub(super) reason: String,
}

impl Observation {
    pub(super) fn clean(reason: impl Into<String>) -> Self {
        Self { state: GuardState::Clean, reason: reason.into() }
    }

    pub(super) fn tripped(reason: impl Into<String>) -> Self {
        Self { state: GuardState::Tripped, reason: reason.into() }
    }

    pub(super) fn not_observed(reason: impl Into<String>) -> Self {
        Self { state: GuardState::NotObserved, reason: reason.into() }
    }

    pub(super) fn vanished(reason: impl Into<String>) -> Self {
        Self { state: GuardState::Vanished, reason: reason.into() }
    }

    pub(super) fn of(self, guard: Guard) -> GuardFinding {
        GuardFinding { guard, state: self.state, reason: self.reason }
    }
}
