//! A commit against itself, on the GPU.

use crate::judge::first_light::{ClaimResult, Evidence};
use crate::record::{Experiment, Outcome, Verdict};

pub(super) fn against_itself(evidence: &Evidence) -> ClaimResult {
    let record = match evidence.against_itself.reported() {
        Ok(record) => record,
        Err(word) => return word,
    };
    for side in &record.arms {
        if let Err(mut word) = evidence.is_on_gpu(side) {
            if let Some(noise) = noise(record) {
                word.reason = format!("{}; there {noise}", word.reason);
            }
            return word;
        }
    }
    match record.outcome {
        Outcome::Failed => return ClaimResult::no(because_of(record)),
        Outcome::WrongOutput => return ClaimResult::no("the output of a side is wrong"),
        Outcome::Interrupted | Outcome::NotMeasured => return ClaimResult::not_observed(because_of(record)),
        Outcome::Complete => {}
    }
    if !record.is_against_itself() {
        return ClaimResult::not_observed("its two sides are not the same program with the same inputs");
    }
    let Some(decision) = &record.decision else { return ClaimResult::not_observed("it was not decided") };
    let noise = noise(record).unwrap_or_else(|| "too few pairs to tell the noise".to_owned());
    let said = format!("{noise}; `{}`: {}", decision.verdict.as_str(), decision.reason);
    let word = match decision.verdict {
        Verdict::Regressed | Verdict::Mixed | Verdict::Improved | Verdict::WrongOutput => {
            ClaimResult::no(said)
        }
        Verdict::InvalidEnvironment => ClaimResult::not_observed(said),
        Verdict::Pass | Verdict::Inconclusive if decision.sensitivity.is_none() => {
            ClaimResult::not_observed(said)
        }
        Verdict::Pass | Verdict::Inconclusive => ClaimResult::yes(said),
    };
    match &decision.sensitivity {
        Some(seen) => word
            .with("pairs", seen.pairs as f64)
            .with("pair_sd_percent", seen.pair_sd_percent)
            .with("smallest_seen_percent", seen.smallest_seen_percent),
        None => word,
    }
}

/// How far its pairs differ, where there are enough.
fn noise(record: &Experiment) -> Option<String> {
    let seen = record.decision.as_ref()?.sensitivity.as_ref()?;
    Some(format!(
        "{} pairs differ by {:.2} % (sd), so that {:.2} % could be seen",
        seen.pairs, seen.pair_sd_percent, seen.smallest_seen_percent
    ))
}

fn because_of(record: &Experiment) -> String {
    let failure = record.failure.clone();
    failure.unwrap_or_else(|| "it did not come to its end, and does not say why".to_owned())
}
