//! The first day on an Intel GPU: every claim that was written without one, and what was seen of it.
//!
//! A claim holds only by what was read on a GPU. What nothing read is not observed, and what a CPU did
//! says nothing of a GPU. Pure: what the steps saw in, an answer a claim out.

mod bench;
mod engines;
mod guards;
mod machine;

use serde::{Deserialize, Serialize};

use crate::engine::openvino::DeviceKind;
use crate::record::first_light::{Check, CrossCheckLook, MachineLook, StatesLook};
use crate::record::{Arm, Experiment, Outcome, ProvenDevice, PublishedDevice};

/// A claim with its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answered {
    /// The claim.
    #[serde(flatten)]
    pub claim: &'static Claim,
    /// The answer, and what it comes from.
    #[serde(flatten)]
    pub result: ClaimResult,
}

/// Answers every claim, in the order of the table.
pub fn answers(evidence: &Evidence) -> Vec<Answered> {
    let result = |claim: &Claim| (claim.answered_by)(evidence).unwrap_or_else(|result| result);
    CLAIMS.iter().map(|claim| Answered { claim, result: result(claim) }).collect()
}

/// Something that is said of an Intel GPU and was written without one.
#[derive(Debug, Serialize)]
pub struct Claim {
    /// Names it.
    pub id: &'static str,
    /// What is claimed.
    #[serde(rename = "claim")]
    pub text: &'static str,
    /// What answers it.
    #[serde(skip)]
    answered_by: fn(&Evidence) -> Judged,
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

const fn claim(id: &'static str, text: &'static str, answered_by: fn(&Evidence) -> Judged) -> Claim {
    Claim { id, text, answered_by }
}

/// All claims, in the order in which a GPU is come nearer to.
pub static CLAIMS: [Claim; 28] = [
    claim("pci-bus", "the machine's GPU is found on the PCI bus", machine::pci_bus),
    claim("kernel-driver", "its kernel driver is found: xe or i915", machine::kernel_driver),
    claim("render-node", "its render node is found and opens", machine::render_node),
    claim("openvino-lists-gpu", "OpenVINO lists the GPU and names it", machine::openvino_lists_gpu),
    claim(
        "arc-140v",
        "an Arc 140V is recognised by PCI id and execution units, whatever its name",
        machine::arc_140v,
    ),
    claim("doctor-gpu", "`doctor` finds no fault of a GPU that then runs", machine::doctor_gpu),
    claim("gpu-decodes", "the model is compiled for the GPU and decodes there", bench::gpu_decodes),
    claim(
        "device-proof",
        "the kernel's counters confirm that the GPU ran, as OpenVINO reports",
        bench::device_proof,
    ),
    claim("gpu-counters", "the worker's GPU work is read from its fdinfo", guards::gpu_counters),
    claim("f16-inference", "inference on the GPU is in f16", bench::inference_precision),
    claim("f16-kv-cache", "the KV cache on the GPU is in f16", bench::kv_cache_precision),
    claim(
        "kv-states-read",
        "48 KV states of shape (1, 8, tokens, 64) are read on the GPU",
        bench::states_read,
    ),
    claim("kv-states-reset", "they are seen empty after a reset", bench::states_reset),
    claim("kv-states-put-back", "decoding goes on from states that were put back", bench::states_put_back),
    claim("tokens-cross-check", "the CPU prefers the GPU's tokens, near-ties apart", bench::cross_check),
    claim("gpu-clock", "the GPU's clock is read while it works", guards::gpu_clock),
    claim("gpu-throttle", "what holds the GPU back is read", guards::gpu_throttle),
    claim("other-gpu-clients", "other programs on the GPU are seen", guards::other_clients),
    claim("energy", "the package's energy is read while the GPU works", guards::energy),
    claim(
        "memory-by-phase",
        "memory is reported for load, prefill and decode, the host's and the GPU's",
        guards::memory_by_phase,
    ),
    claim("gpu-memory", "the worker's GPU memory is read from its fdinfo", guards::gpu_memory),
    claim("cold-load", "a cache warm-up process fills the cache of compiled models", guards::cold),
    claim("warm-load", "later loads take the compiled model from there", guards::warm),
    claim("whole-model", "a model of 12 GB loads and runs on the GPU", guards::whole_model),
    claim("bench", "`bench` comes to its end on the GPU with right output", bench::bench),
    claim(
        "against-itself",
        "a commit against itself is called neither slower nor faster",
        bench::against_itself,
    ),
    claim(
        "paged-attention",
        "SDPA, which arcgauge runs, is compared with the paged attention of openvino_genai",
        engines::paged_attention,
    ),
    claim(
        "published-difference",
        "the published 27.0 against 21.24 tok/s is split into host loop, attention and KV cache",
        engines::published_difference,
    ),
];

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was seen to hold.
    Yes,
    /// It was seen not to hold.
    No,
    /// Nothing was read that decides it.
    NotObserved,
}

impl Answer {
    /// As text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::NotObserved => "not observed",
        }
    }
}

/// A value that an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fact {
    /// What it is, with its unit.
    pub id: &'static str,
    /// How much, not rounded.
    pub value: f64,
}

/// An answer, and what it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimResult {
    /// The answer.
    pub answer: Answer,
    /// What was seen, or why nothing was.
    pub reason: String,
    /// The values in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
}

impl ClaimResult {
    fn new(answer: Answer, reason: impl Into<String>) -> Self {
        Self { answer, reason: reason.into(), facts: Vec::new() }
    }

    /// The same with a value, where there is one.
    fn with(mut self, id: &'static str, value: impl Into<Option<f64>>) -> Self {
        self.facts.extend(value.into().map(|value| Fact { id, value }));
        self
    }
}

/// The answer to a claim; an `Err` is one that was clear before all evidence was looked at.
type Judged<T = ClaimResult> = Result<T, ClaimResult>;

fn yes(reason: impl Into<String>) -> ClaimResult {
    ClaimResult::new(Answer::Yes, reason)
}

fn no<T>(reason: impl Into<String>) -> Judged<T> {
    Err(ClaimResult::new(Answer::No, reason))
}

fn not_observed<T>(reason: impl Into<String>) -> Judged<T> {
    Err(ClaimResult::new(Answer::NotObserved, reason))
}

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
    fn reported(&self) -> Judged<&T> {
        match self {
            Self::Reported(reported) => Ok(reported),
            Self::Failed(reason) | Self::NotRun(reason) => not_observed(reason.as_str()),
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
    /// The checks of `doctor`.
    pub doctor: StepSeen<Vec<Check>>,
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
    /// Whether this machine has an Intel GPU, by the kernel or by OpenVINO; false where it is not known.
    fn has_a_gpu(&self) -> bool {
        let StepSeen::Reported(machine) = &self.machine else { return false };
        !machine.gpus.is_empty() || machine.gpus_in_openvino().is_some_and(|names| !names.is_empty())
    }

    /// Whether a GPU is there and was requested: what fails then is a no.
    fn expects_a_gpu(&self) -> bool {
        self.has_a_gpu() && self.requested.starts_with("GPU")
    }

    /// What a step reported that needs a GPU: where one is there and was requested, a step that failed is a no.
    fn tried<'a, T>(&self, step: &'a StepSeen<T>) -> Judged<&'a T> {
        match step {
            StepSeen::Failed(reason) if self.expects_a_gpu() => no(reason.as_str()),
            _ => step.reported(),
        }
    }

    /// The `bench` whose workers ran on a GPU, whether it came to its end or not.
    ///
    /// # Errors
    /// When there is none: what needs it is not observed.
    fn bench_on_gpu(&self) -> Judged<&Arm> {
        let record = self.bench.reported()?.subject().arm;
        self.is_on_gpu(record).map(|()| record)
    }

    /// The same, where it came to its end with right output.
    ///
    /// # Errors
    /// Likewise.
    fn complete_bench_on_gpu(&self) -> Judged<&Arm> {
        let record = self.bench_on_gpu()?;
        if record.outcome == Outcome::Complete {
            return Ok(record);
        }
        not_observed(format!("`bench` did not come to a good end: {}", failure(record)))
    }

    /// Whether a run's workers ran on a GPU.
    ///
    /// # Errors
    /// When they did not: the run says nothing of a GPU.
    fn is_on_gpu(&self, record: &Arm) -> Judged<()> {
        is_genuine(record)?;
        match record.device.ran.as_ref().map(ProvenDevice::kind) {
            Some(DeviceKind::Gpu) => Ok(()),
            Some(DeviceKind::Cpu) => not_observed(self.cpu_ran(record.device.reason.as_deref())),
            None => not_observed(format!("nothing ran: {}", failure(record))),
        }
    }

    /// Why a run says nothing of a GPU.
    fn cpu_ran(&self, reason: Option<&str>) -> String {
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
fn is_genuine(record: &Arm) -> Judged<()> {
    match record.device.emulated_reason() {
        None => Ok(()),
        Some(reason) => not_observed(format!("the device is emulated: {reason}")),
    }
}

/// Why a run has no good end.
fn failure(record: &Arm) -> String {
    record.failure.clone().unwrap_or_else(|| without_reason(record.outcome).to_owned())
}

/// The same where no reason was recorded.
fn without_reason(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::WrongOutput => "its output is wrong",
        Outcome::Interrupted => "it was interrupted",
        Outcome::NotMeasured => "nothing was measured",
        Outcome::Complete | Outcome::Failed => "it does not say why",
    }
}
