//! Whether a run has a speed at all, and whether it can be believed.

use crate::judge::environment::{GuardFinding, ProcessFindings, of_record};
use crate::judge::likeness::{ComparedSide, summary_of};
use crate::record::{Outcome, RunRecord};

impl ComparedSide {
    /// A run as far as its figures can be believed.
    #[must_use]
    pub fn of(run: &RunRecord) -> Self {
        let refused = no_speed_because(run);
        let summary = summary_of(run, refused.is_none());
        let no_times = || summary.average.is_none().then(|| "a prompt of it has no times".to_owned());
        Self { no_speed_because: refused.or_else(no_times), doubted_because: doubted_because(run), summary }
    }
}

/// Only output that was held against goldens and found right has a speed.
fn no_speed_because(run: &RunRecord) -> Option<String> {
    let ended = match run.outcome {
        Outcome::Complete => None,
        Outcome::WrongOutput => Some("its output is wrong"),
        Outcome::Interrupted => Some("it was interrupted"),
        Outcome::Failed => Some("it failed"),
        Outcome::NotMeasured => Some("nothing was measured"),
    };
    if let Some(ended) = ended {
        return Some(ended.to_owned());
    }
    let is_verified =
        |id: &str| run.prompts.iter().any(|prompt| prompt.id == id && prompt.golden.is_verified());
    let asked = run.workload.prompts.iter().map(|prompt| prompt.id.as_str());
    let unverified: Vec<String> = asked.filter(|id| !is_verified(id)).map(|id| format!("`{id}`")).collect();
    if unverified.is_empty() {
        return None;
    }
    Some(format!("its output is unverified: no golden vouches for {}", unverified.join(", ")))
}

/// An emulated device, or the guards that tripped, each once, with the first reading that says so.
fn doubted_because(run: &RunRecord) -> Option<String> {
    if let Some(reason) = run.device.emulated_reason() {
        return Some(format!("the device is emulated: {reason}"));
    }
    let findings = of_record(run).into_iter().flat_map(|process: ProcessFindings| process.findings);
    let mut tripped: Vec<GuardFinding> = Vec::new();
    for finding in findings.filter(GuardFinding::invalidates) {
        if !tripped.iter().any(|known| known.guard == finding.guard) {
            tripped.push(finding);
        }
    }
    let told: Vec<String> =
        tripped.iter().map(|finding| format!("`{}`: {}", finding.guard.id(), finding.because)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}
