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

/// Why a run's speed may be compared with no fixed figure, nor become one; None where it may.
#[must_use]
pub fn no_reference_reason(run: &RunRecord) -> Option<&'static str> {
    let grade = run.device.ran.as_ref().map(ProvenDevice::grade);
    let reasons = [
        (run.device.emulated_reason().is_some(), "the device is emulated"),
        (!run.prompts.iter().all(|prompt| prompt.golden.is_verified()), "the output is not verified"),
        (grade != Some(ProofGrade::PropertyAndCounters), "the device is proven by OpenVINO's word alone"),
        (of_record(run).iter().any(ProcessFindings::is_invalid), "a guard tripped while it was measured"),
    ];
    reasons.into_iter().find(|(is_so, _)| *is_so).map(|(_, reason)| reason)
}

/// Compares like with like, or says why not.
#[must_use]
pub fn standing(published: &PublishedReference, record: &RunRecord, speed: Option<Figure>) -> Standing {
    if let Some(unlike) = published.difference_to(record).or_else(|| no_reference_reason(record)) {
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
