//! Reading, emptying and writing the KV states.

use crate::engine::openvino::DeviceKind;
use crate::judge::first_light::{ClaimResult, Evidence, StepSeen};
use crate::record::first_light::{StatesLook, Trial};

/// Keys and values of 24 layers.
const STATES: usize = 48;

pub(super) fn read(evidence: &Evidence) -> ClaimResult {
    let look = match on_gpu(evidence, |look| &look.read) {
        Ok(look) => look,
        Err(word) => return word,
    };
    match (&look.read, look.count) {
        (Trial::Held(reported), Some(count)) if count != STATES => {
            ClaimResult::no(format!("{reported}, and not {STATES} states")).with("states", count as f64)
        }
        (trial, Some(count)) => reported(trial).with("states", count as f64),
        (trial, None) => reported(trial),
    }
}

pub(super) fn reset(evidence: &Evidence) -> ClaimResult {
    on_gpu(evidence, |look| &look.reset).map_or_else(|word| word, |look| reported(&look.reset))
}

pub(super) fn put_back(evidence: &Evidence) -> ClaimResult {
    on_gpu(evidence, |look| &look.put_back).map_or_else(|word| word, |look| reported(&look.put_back))
}

/// The look at states that a GPU held; of a CPU's, the result of this trial.
fn on_gpu(
    evidence: &Evidence,
    trial: impl FnOnce(&StatesLook) -> &Trial,
) -> Result<&StatesLook, ClaimResult> {
    match &evidence.states {
        // The step can only fail before the first state: while the model is loaded.
        StepSeen::Failed(reason) | StepSeen::NotRun(reason) => {
            Err(ClaimResult::not_observed(reason.as_str()))
        }
        StepSeen::Reported(look) if look.ran == DeviceKind::Gpu.name() => Ok(look),
        StepSeen::Reported(look) => {
            let of_cpu = match trial(look) {
                Trial::Held(reported) => format!("there {reported}"),
                Trial::Failed(reason) => format!("there it failed: {reason}"),
                Trial::NotTried(reason) => format!("there it was not tried: {reason}"),
            };
            let reason =
                evidence.bench.reported().ok().and_then(|record| record.subject().device.reason.clone());
            Err(ClaimResult::not_observed(format!("{}; {of_cpu}", evidence.cpu_ran(reason.as_deref()))))
        }
    }
}

fn reported(trial: &Trial) -> ClaimResult {
    match trial {
        Trial::Held(reported) => ClaimResult::yes(reported.as_str()),
        Trial::Failed(reason) => ClaimResult::no(reason.as_str()),
        Trial::NotTried(reason) => ClaimResult::not_observed(reason.as_str()),
    }
}
