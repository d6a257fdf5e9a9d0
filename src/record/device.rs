//! What was requested to run where, and the proof of what ran.
//!
//! A device stands in a record only by a proof, and a proof can only be established from evidence:
//! neither code nor an edited file can claim a GPU that the runtime's own word denies.

use serde::{Deserialize, Serialize};
use strum::Display;

use crate::engine::openvino::{DeviceFacts, DeviceKind, DeviceProof};
use crate::error::{Error, Result};

/// From this share of the generations' time on, the processor made the tokens.
const LEAST_PROCESSOR_SHARE: f64 = 0.1;
/// Below this share it was idle. Between the two nothing is said: a worker may wait for a processor that others use.
const IDLE_PROCESSOR_SHARE: f64 = 0.01;
/// A worker that got no processor may look idle for a moment, so that only a longer time counts, ns.
const LEAST_IDLE_TIME_NS: u64 = 1_000_000_000;
/// The system counts processor time in steps of 10 ms: of less than twenty steps nothing is said, ns.
const LEAST_TIME_NS: u64 = 200_000_000;

/// Requested and actual device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// As the user requested.
    pub requested: String,
    /// Why it is not the one requested.
    pub reason: Option<String>,
    /// What ran; None where the run failed before that was known.
    pub ran: Option<ProvenDevice>,
}

impl DeviceRecord {
    /// "CPU" or "GPU"; "none" where nothing ran.
    pub fn actual(&self) -> &'static str {
        self.ran.as_ref().map_or("none", |ran| ran.kind().name())
    }

    /// Why what ran is known to be emulated: its values say nothing of hardware, so that such a run is no
    /// baseline, passes no gate and stands beside no published value.
    pub fn emulated_reason(&self) -> Option<&str> {
        self.ran.as_ref()?.facts().emulated_reason.as_deref()
    }

    /// What distinguishes the GPU that ran from others; None where a processor or nothing ran.
    pub fn gpu_identity(&self) -> Option<String> {
        let ran = self.ran.as_ref().filter(|ran| ran.kind() == DeviceKind::Gpu)?;
        Some(ran.facts().gpu_identity())
    }

    /// What ran in words, as in "CPU (AMD EPYC)"; a processor without a name of its own is called `cpu`.
    pub fn in_words(&self, cpu: &str) -> String {
        match &self.ran {
            Some(ran) if ran.kind() == DeviceKind::Gpu => {
                let emulated = if ran.facts().emulated_reason.is_some() { "emulated " } else { "" };
                format!("{emulated}GPU ({})", ran.facts().gpu_in_words())
            }
            ran => {
                let name = ran.as_ref().and_then(|ran| ran.facts().full_name.as_deref());
                format!("{} ({})", self.actual(), name.unwrap_or(cpu))
            }
        }
    }
}

/// How well it is proven what ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ProofGrade {
    /// By the runtime's word alone: recorded, never gated.
    Property,
    /// By the runtime's word, and by the kernel's counters of the worker's own work.
    PropertyAndCounters,
}

/// What is known of what ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceEvidence<'a> {
    /// The device that was compiled for.
    pub target: &'a str,
    /// `EXECUTION_DEVICES` of every process.
    pub execution_devices: Vec<&'a str>,
    /// What is known of the device.
    pub facts: DeviceFacts,
    /// Whether the worker's own `drm-cycles-*` or `drm-engine-*` grew in every process; None where
    /// they could not be read.
    pub gpu_counters_grew: Option<bool>,
    /// Processor time of the workers over their measured generations, ns; None where not read.
    pub processor_ns: Option<u64>,
    /// What those generations took, ns.
    pub generation_ns: u64,
}

/// A device that is proven to have run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Claim", into = "Claim")]
pub struct ProvenDevice(Claim);

/// The wire form of a proof: a claim until it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    kind: DeviceKind,
    grade: ProofGrade,
    /// `EXECUTION_DEVICES`, verbatim.
    execution_devices: String,
    #[serde(flatten)]
    facts: DeviceFacts,
}

impl ProvenDevice {
    /// Establishes a proof.
    ///
    /// # Errors
    /// When processes ran on unlike devices, on another than was compiled for, or when the counters
    /// say that the device did no work.
    pub fn establish(evidence: DeviceEvidence<'_>) -> Result<Self> {
        let invalid = |what: String| Error::environment(what).hint("run `cargo xtask doctor`");
        let Some(first) = evidence.execution_devices.first() else {
            return Err(invalid("no process reported on which device it ran".to_owned()));
        };
        if let Some(other) = evidence.execution_devices.iter().find(|other| *other != first) {
            return Err(invalid(format!("one process ran on `{first}` and another on `{other}`")));
        }
        let kind = DeviceProof::read(first, evidence.target)?.kind;
        let worked = match kind {
            DeviceKind::Gpu => evidence.gpu_counters_grew,
            DeviceKind::Cpu => Self::processor_worked(evidence.processor_ns, evidence.generation_ns),
        };
        let grade = match worked {
            Some(true) => ProofGrade::PropertyAndCounters,
            None => ProofGrade::Property,
            Some(false) => {
                return Err(invalid(format!(
                    "OpenVINO says that `{first}` ran, and the kernel's counters of the worker say that it did not"
                )));
            }
        };
        let claim = Claim { kind, grade, execution_devices: (*first).to_owned(), facts: evidence.facts };
        claim.try_into()
    }

    /// Whether a processor worked while tokens were made; None where that was not read, took too short a time to say,
    /// or is too little to prove and too much to deny.
    pub(in crate::record) fn processor_worked(processor_ns: Option<u64>, generation_ns: u64) -> Option<bool> {
        let busy_ns = processor_ns.filter(|_| generation_ns >= LEAST_TIME_NS)?;
        let share = busy_ns as f64 / generation_ns as f64;
        let is_idle = share < IDLE_PROCESSOR_SHARE && generation_ns >= LEAST_IDLE_TIME_NS;
        (share >= LEAST_PROCESSOR_SHARE || is_idle).then_some(!is_idle)
    }

    /// The kind that ran.
    pub fn kind(&self) -> DeviceKind {
        self.0.kind
    }

    /// How well that is proven.
    pub fn grade(&self) -> ProofGrade {
        self.0.grade
    }

    /// `EXECUTION_DEVICES`, verbatim.
    pub fn execution_devices(&self) -> &str {
        &self.0.execution_devices
    }

    /// What is known of the device.
    pub fn facts(&self) -> &DeviceFacts {
        &self.0.facts
    }
}

impl TryFrom<Claim> for ProvenDevice {
    type Error = Error;

    fn try_from(claim: Claim) -> Result<Self> {
        let ran = DeviceProof::read(&claim.execution_devices, claim.kind.name())?;
        if ran.kind == DeviceKind::Gpu && claim.facts.full_name.is_none() {
            return Err(Error::environment(format!(
                "`{}` is claimed to have run, and the runtime does not name it",
                claim.execution_devices
            ))
            .hint("run `cargo xtask doctor`"));
        }
        Ok(Self(claim))
    }
}

impl From<ProvenDevice> for Claim {
    fn from(proven: ProvenDevice) -> Self {
        proven.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn gpu() -> DeviceEvidence<'static> {
        let full_name = Some("Intel(R) Arc(TM) 140V GPU (16GB) (iGPU)".to_owned());
        DeviceEvidence {
            target: "GPU",
            execution_devices: vec!["GPU.0", "GPU.0"],
            facts: DeviceFacts { full_name, ..DeviceFacts::default() },
            gpu_counters_grew: Some(true),
            processor_ns: None,
            generation_ns: 100,
        }
    }

    fn cpu() -> DeviceEvidence<'static> {
        DeviceEvidence {
            target: "CPU",
            execution_devices: vec!["CPU"],
            facts: DeviceFacts::default(),
            gpu_counters_grew: None,
            processor_ns: Some(1_500_000_000),
            generation_ns: 1_000_000_000,
        }
    }

    #[test]
    fn a_gpu_is_proven_by_its_property_and_better_by_its_counters() {
        let grade = |evidence| ProvenDevice::establish(evidence).unwrap().grade();
        assert_eq!(grade(gpu()), ProofGrade::PropertyAndCounters);
        assert_eq!(grade(DeviceEvidence { gpu_counters_grew: None, ..gpu() }), ProofGrade::Property);
        assert_eq!(ProvenDevice::establish(gpu()).unwrap().kind(), DeviceKind::Gpu);
    }

    #[test]
    fn a_gpu_whose_counters_did_not_grow_did_not_run() {
        let error =
            ProvenDevice::establish(DeviceEvidence { gpu_counters_grew: Some(false), ..gpu() }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Environment);
    }

    #[test]
    fn a_gpu_is_not_claimed_where_another_device_ran_in_any_process() {
        for ran in [vec!["CPU", "CPU"], vec!["GPU.0", "CPU"], vec!["GPU.0,CPU"; 2], vec![]] {
            let evidence = DeviceEvidence { execution_devices: ran.clone(), ..gpu() };
            assert!(ProvenDevice::establish(evidence).is_err(), "{ran:?}");
        }
    }

    #[test]
    fn a_gpu_without_a_name_is_not_claimed() {
        let evidence = DeviceEvidence { facts: DeviceFacts::default(), ..gpu() };
        assert!(ProvenDevice::establish(evidence).is_err());
    }

    #[test]
    fn a_processor_that_was_idle_made_no_tokens() {
        assert_eq!(ProvenDevice::establish(cpu()).unwrap().grade(), ProofGrade::PropertyAndCounters);
        let idle = DeviceEvidence { processor_ns: Some(5_000_000), ..cpu() };
        assert_eq!(ProvenDevice::establish(idle).unwrap_err().kind(), ErrorKind::Environment);
        let short = DeviceEvidence { processor_ns: Some(0), generation_ns: 50_000_000, ..cpu() };
        assert_eq!(
            ProvenDevice::establish(short).unwrap().grade(),
            ProofGrade::Property,
            "too short to decide"
        );
        let starved = DeviceEvidence { processor_ns: Some(90_000_000), ..cpu() };
        assert_eq!(
            ProvenDevice::establish(starved).unwrap().grade(),
            ProofGrade::Property,
            "others had the processors"
        );
        let unread = DeviceEvidence { processor_ns: None, ..cpu() };
        assert_eq!(ProvenDevice::establish(unread).unwrap().grade(), ProofGrade::Property);
    }

    #[test]
    fn a_file_that_claims_a_gpu_against_its_own_evidence_cannot_be_read() {
        let proven = serde_json::to_string(&ProvenDevice::establish(gpu()).unwrap()).unwrap();
        assert!(serde_json::from_str::<ProvenDevice>(&proven).is_ok());
        let forged = proven.replace("\"GPU.0\"", "\"CPU\"");
        assert!(serde_json::from_str::<ProvenDevice>(&forged).is_err());
        let forged = serde_json::to_string(&ProvenDevice::establish(cpu()).unwrap()).unwrap();
        assert!(serde_json::from_str::<ProvenDevice>(&forged.replacen("\"CPU\"", "\"GPU\"", 1)).is_err());
    }
}
