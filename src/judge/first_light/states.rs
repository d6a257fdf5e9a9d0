//! Reading, emptying and writing the KV states.

use crate::engine::openvino::DeviceKind;
use crate::judge::first_light::{Evidence, StepSeen, Word};
use crate::record::first_light::{StatesLook, Trial};

/// Keys and values of 24 layers.
const STATES: usize = 48;

pub(super) fn read(evidence: &Evidence) -> Word {
    let look = match on_gpu(evidence, |look| &look.read) {
        Ok(look) => look,
        Err(word) => return word,
    };
    match (&look.read, look.count) {
        (Trial::Held(told), Some(count)) if count != STATES => {
            Word::no(format!("{told}, and not {STATES} states")).with("states", count as f64)
        }
        (trial, Some(count)) => told(trial).with("states", count as f64),
        (trial, None) => told(trial),
    }
}

pub(super) fn reset(evidence: &Evidence) -> Word {
    on_gpu(evidence, |look| &look.reset).map_or_else(|word| word, |look| told(&look.reset))
}

pub(super) fn put_back(evidence: &Evidence) -> Word {
    on_gpu(evidence, |look| &look.put_back).map_or_else(|word| word, |look| told(&look.put_back))
}

/// The look at states that a GPU held; of a CPU's it is told what came of this trial.
fn on_gpu(evidence: &Evidence, trial: impl FnOnce(&StatesLook) -> &Trial) -> Result<&StatesLook, Word> {
    match &evidence.states {
        // The step can only fail before the first state: while the model is loaded.
        StepSeen::Failed(because) | StepSeen::NotRun(because) => Err(Word::not_observed(because.as_str())),
        StepSeen::Told(look) if look.ran == DeviceKind::Gpu.name() => Ok(look),
        StepSeen::Told(look) => {
            let of_cpu = match trial(look) {
                Trial::Held(told) => format!("there {told}"),
                Trial::Failed(because) => format!("there it failed: {because}"),
                Trial::NotTried(because) => format!("there it was not tried: {because}"),
            };
            let reason = evidence.bench.told().ok().and_then(|record| record.device.reason.clone());
            Err(Word::not_observed(format!("{}; {of_cpu}", evidence.cpu_ran(reason.as_deref()))))
        }
    }
}

fn told(trial: &Trial) -> Word {
    match trial {
        Trial::Held(told) => Word::yes(told.as_str()),
        Trial::Failed(because) => Word::no(because.as_str()),
        Trial::NotTried(because) => Word::not_observed(because.as_str()),
    }
}
