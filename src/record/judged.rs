//! From a session to what may be kept of it: every prompt's output is judged before any time is.

use crate::engine::Witness;
use crate::error::Result;
use crate::golden::{Finding, GoldenResult, GoldenSet, Question, judge};
use crate::measure::{Plan, Sample};
use crate::record::SampleRecord;
use crate::workload::TokenId;

/// Judges each prompt of a finished session, in the plan's order. The warm-up counts: it is
/// discarded for its speed, not for its tokens.
///
/// # Errors
/// When the model fails in a pass that judging needs.
pub fn judge_session(
    model: &mut dyn Witness,
    plan: &Plan,
    samples: &[Sample],
    goldens: &GoldenSet,
    epsilon_logit: f32,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::with_capacity(plan.prompts.len());
    for prompt in &plan.prompts {
        let of_prompt = samples.iter().filter(|sample| sample.prompt_id == prompt.id);
        let generations: Vec<&[TokenId]> = of_prompt.map(|sample| sample.token_ids.as_slice()).collect();
        let question = Question {
            prompt: &prompt.token_ids,
            generations: &generations,
            golden: goldens.goldens.get(&prompt.id),
            epsilon_logit,
        };
        findings.push(judge(model, question)?);
    }
    Ok(findings)
}

/// The samples as they may be kept: tokens always, times only of prompts that were judged and are not
/// wrong. Without findings, as of a session that did not come to its end, none has times.
#[must_use]
pub fn kept_samples(plan: &Plan, samples: &[Sample], findings: &[Finding]) -> Vec<SampleRecord> {
    let has_speed = |prompt_id: &str| {
        let judged = plan.prompts.iter().zip(findings).find(|(prompt, _)| prompt.id == prompt_id);
        judged.is_some_and(|(_, finding)| finding.result != GoldenResult::Break)
    };
    samples.iter().map(|sample| SampleRecord::of(sample, has_speed(&sample.prompt_id))).collect()
}
