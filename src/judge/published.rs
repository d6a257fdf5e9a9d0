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

/// Compares like with like, or says why not.
#[must_use]
pub fn standing(published: &PublishedReference, record: &RunRecord, speed: Option<Figure>) -> Standing {
    let verified = record.prompts.iter().all(|prompt| prompt.golden.is_verified());
    let grade = record.device.ran.as_ref().map(ProvenDevice::grade);
    let counted = grade == Some(ProofGrade::PropertyAndCounters);
    let invalid = of_record(record).iter().any(ProcessFindings::is_invalid);
    let unlike = match published.difference_to(record) {
        Some(difference) => difference,
        None if !verified => "the output is not verified",
        None if !counted => "the device is proven by OpenVINO's word alone",
        None if invalid => "a guard tripped while it was measured",
        None => "",
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
