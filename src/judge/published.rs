//! The published reference: shown beside every result, judged only for its own model and device.

use crate::judge::environment::{ProcessFindings, of_record};
use crate::measure::Figure;
use crate::record::{ProofGrade, ProvenDevice, PublishedReference, RunRecord};

/// How a result stands to the published figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is of another model or device, or has no verified speed: no comparison.
    NotJudged(String),
    /// At the published figure or above.
    Reached,
    /// Below it.
    Below,
}

/// Compares like with like, or says why not. The device is recognised by PCI id and execution units,
/// for its name differs by system; the model by its hash.
#[must_use]
pub fn standing(published: &PublishedReference, record: &RunRecord, speed: Option<Figure>) -> Standing {
    let facts = record.device.ran.as_ref().map(ProvenDevice::facts);
    let same_device = facts.is_some_and(|facts| {
        facts.pci_id.as_ref().is_some_and(|id| published.device.pci_ids.contains(id))
            && facts.execution_units == Some(published.device.execution_units)
    });
    let same_model = published.model.accepted_sha256.contains(&record.model.sha256);
    let asked = record.workload.prompts.iter().map(|prompt| &prompt.id);
    let same_workload = asked.eq(&published.prompts) && record.workload.new_tokens == published.new_tokens;
    let verified = record.prompts.iter().all(|prompt| prompt.golden.is_verified());
    let grade = record.device.ran.as_ref().map(ProvenDevice::grade);
    let counted = grade == Some(ProofGrade::PropertyAndCounters);
    let invalid = of_record(record).iter().any(ProcessFindings::is_invalid);
    let unlike = match (same_model, same_device) {
        (false, false) => "another model and device",
        (false, true) => "another model",
        (true, false) => "another device",
        (true, true) if !same_workload => "other prompts or another number of tokens",
        (true, true) if !verified => "the output is not verified",
        (true, true) if !counted => "the device is proven by OpenVINO's word alone",
        (true, true) if invalid => "a guard tripped while it was measured",
        (true, true) => "",
    };
    if !unlike.is_empty() {
        return Standing::NotJudged(unlike.to_owned());
    }
    let Some(speed) = speed else { return Standing::NotJudged("there is no speed".to_owned()) };
    let figure = Figure { metric: published.reference.metric, value: published.reference.value };
    match speed.ratio_to(figure) {
        Err(refused) => Standing::NotJudged(refused.to_string()),
        Ok(ratio) if ratio < 1.0 => Standing::Below,
        Ok(_) => Standing::Reached,
    }
}
