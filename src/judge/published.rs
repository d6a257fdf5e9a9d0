//! The published reference: shown beside every result, judged only for its own model and device.

use crate::error::{Error, Result};
use crate::judge::comparability::ComparedSide;
use crate::judge::validity::guard_reasons;
use crate::measure::Figure;
use crate::record::{Arm, ArmView, ProofGrade, ProvenDevice, PublishedReference};

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
pub fn no_reference_reason(run: &Arm) -> Option<&'static str> {
    let grade = run.device.ran.as_ref().map(ProvenDevice::grade);
    let reasons = [
        (run.device.emulated_reason().is_some(), "the device is emulated"),
        (!run.prompts.iter().all(|prompt| prompt.golden.is_verified()), "the output is not verified"),
        (
            grade != Some(ProofGrade::PropertyAndCounters),
            "the device is proven as reported by OpenVINO alone",
        ),
        (!guard_reasons(run).is_empty(), "a guard tripped while it was measured"),
    ];
    reasons.into_iter().find(|(is_so, _)| *is_so).map(|(_, reason)| reason)
}

/// Compares like with like, or says why not.
#[must_use]
pub fn standing(published: &PublishedReference, record: &Arm, speed: Option<Figure>) -> Standing {
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

/// Whether a run shows that its model is the published one: made like it, and with the golden answers to the
/// published prompts. Any device but an emulated one may show it, for the hash is of the model.
///
/// # Errors
/// Why it does not, with what to do about it.
pub fn check_shows_published_model(published: &PublishedReference, run: ArmView<'_>) -> Result<()> {
    let refuse = |reason: &str, hint: &str| {
        let what = format!("record `{}` does not show the published model: {reason}", run.experiment.run_id);
        Err(Error::input(what).hint(hint))
    };
    if let Some(reason) = ComparedSide::of(&run).no_speed_reason {
        return refuse(&reason, VERIFY);
    }
    if let Some(reason) = run.device.emulated_reason() {
        return refuse(&format!("its device is emulated: {reason}"), HARDWARE);
    }
    let Some(shape) = &published.model.shape else {
        return refuse("the published figures do not say what it is made of", RESTORE);
    };
    if let Some(difference) = shape.difference_to(&run.model) {
        return refuse(&difference, FETCH);
    }
    if !published.is_workload_of(&run) {
        return refuse("it is not of the published prompts and number of tokens", MEASURE);
    }
    if run.commit.as_ref().is_none_or(|commit| commit.dirty) {
        return refuse("it is of no clean commit, so that its goldens cannot be looked up", COMMIT);
    }
    if !run.model.same_after_run {
        return refuse("the model's files were not seen to be the same after the run", MEASURE);
    }
    Ok(())
}

const VERIFY: &str = "measure it until its output is verified: `cargo xtask bench`, and where there are no \
    goldens yet `cargo xtask golden bless --reason \"...\"`";
const RESTORE: &str = "restore the file: `git checkout -- fixtures/baselines`";
const FETCH: &str = "measure the published model: `cargo xtask model fetch`, `cargo xtask model use DIR`, \
    `cargo xtask bench`";
const HARDWARE: &str = "measure it on the CPU or on a GPU that is there: `cargo xtask bench`";
const MEASURE: &str = "measure it at the defaults: `cargo xtask bench`";
const COMMIT: &str = "commit the goldens, and measure again: `cargo xtask bench`";
