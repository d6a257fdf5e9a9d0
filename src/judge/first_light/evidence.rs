//! What the steps of the walk saw.

use crate::engine::openvino::DeviceKind;
use crate::judge::first_light::ClaimResult;
use crate::record::first_light::{CrossCheckLook, DoctorLine, MachineLook, StatesLook};
use crate::record::{Arm, Experiment, Outcome, ProvenDevice, PublishedDevice};

/// What came of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum StepSeen<T> {
    /// It came to its end and reported this.
    Reported(T),
    /// It was tried and failed.
    Failed(String),
    /// It was not run, or was ended before it reported anything.
    NotRun(String),
}

impl<T> StepSeen<T> {
    /// What it reported.
    ///
    /// # Errors
    /// When it reported nothing: the claims that need it are not observed.
    pub(super) fn reported(&self) -> Result<&T, ClaimResult> {
        match self {
            Self::Reported(reported) => Ok(reported),
            Self::Failed(reason) | Self::NotRun(reason) => Err(ClaimResult::not_observed(reason.as_str())),
        }
    }
}

/// What all steps saw together.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The Arc 140V, by PCI id and execution units.
    pub arc_140v: PublishedDevice,
    /// The device that was requested.
    pub requested: String,
    /// The machine before anything was loaded.
    pub machine: StepSeen<MachineLook>,
    /// What `doctor` said.
    pub doctor: StepSeen<Vec<DoctorLine>>,
    /// The record of `bench`.
    pub bench: StepSeen<Experiment>,
    /// The KV states.
    pub states: StepSeen<StatesLook>,
    /// The answers of `bench`, on the CPU.
    pub cross_check: StepSeen<CrossCheckLook>,
    /// A commit against itself.
    pub against_itself: StepSeen<Experiment>,
    /// SDPA and paged attention side by side.
    pub peers: StepSeen<Experiment>,
}

impl Evidence {
    /// Whether this machine has an Intel GPU, by the kernel or by OpenVINO; false where nothing tells.
    pub(super) fn has_a_gpu(&self) -> bool {
        let StepSeen::Reported(machine) = &self.machine else { return false };
        !machine.gpus.is_empty() || machine.gpus_in_openvino().is_some_and(|names| !names.is_empty())
    }

    /// Whether a GPU is there and was requested: what fails then is a no.
    pub(super) fn expects_a_gpu(&self) -> bool {
        self.has_a_gpu() && self.requested.starts_with("GPU")
    }

    /// The `bench` whose workers ran on a GPU, whether it came to its end or not.
    ///
    /// # Errors
    /// When there is none: what needs it is not observed.
    pub(super) fn bench_on_gpu(&self) -> Result<&Arm, ClaimResult> {
        let record = self.bench.reported()?.subject().arm;
        self.is_on_gpu(record).map(|()| record)
    }

    /// The same, where it came to its end with right output.
    ///
    /// # Errors
    /// Likewise.
    pub(super) fn complete_bench_on_gpu(&self) -> Result<&Arm, ClaimResult> {
        let record = self.bench_on_gpu()?;
        if record.outcome == Outcome::Complete {
            return Ok(record);
        }
        Err(ClaimResult::not_observed(format!("`bench` did not come to a good end: {}", failure(record))))
    }

    /// Whether a run's workers ran on a GPU.
    ///
    /// # Errors
    /// When they did not: the run says nothing of a GPU.
    pub(super) fn is_on_gpu(&self, record: &Arm) -> Result<(), ClaimResult> {
        is_genuine(record)?;
        match record.device.ran.as_ref().map(ProvenDevice::kind) {
            Some(DeviceKind::Gpu) => Ok(()),
            Some(DeviceKind::Cpu) => {
                Err(ClaimResult::not_observed(self.cpu_ran(record.device.reason.as_deref())))
            }
            None => Err(ClaimResult::not_observed(format!("nothing ran: {}", failure(record)))),
        }
    }

    /// Why a run says nothing of a GPU.
    pub(super) fn cpu_ran(&self, reason: Option<&str>) -> String {
        let reason = match reason {
            Some(reason) => reason.to_owned(),
            None => format!("`--device {}` was requested", self.requested),
        };
        format!("the CPU ran: {reason}")
    }
}

/// Whether a run's device is not known to be emulated.
///
/// # Errors
/// When it is: the run says nothing of a GPU.
pub(super) fn is_genuine(record: &Arm) -> Result<(), ClaimResult> {
    match record.device.emulated_reason() {
        None => Ok(()),
        Some(reason) => Err(ClaimResult::not_observed(format!("the device is emulated: {reason}"))),
    }
}

/// Why a run has no good end.
pub(super) fn failure(record: &Arm) -> String {
    record.failure.clone().unwrap_or_else(|| {
        match record.outcome {
            Outcome::WrongOutput => "its output is wrong",
            Outcome::Interrupted => "it was interrupted",
            Outcome::NotMeasured => "nothing was measured",
            Outcome::Complete | Outcome::Failed => "it does not say why",
        }
        .to_owned()
    })
}
