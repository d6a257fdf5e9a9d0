//! From a session to what may be kept of it: every prompt's output is judged before any time is.

use std::collections::{HashMap, HashSet};

use crate::engine::Replay;
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
    model: &mut dyn Replay,
    plan: &Plan,
    samples: &[Sample],
    goldens: &GoldenSet,
    epsilon_logit: f32,
) -> Result<Vec<Finding>> {
    let mut by_prompt: HashMap<&str, Vec<&[TokenId]>> = HashMap::new();
    for sample in samples {
        by_prompt.entry(&sample.prompt_id).or_default().push(&sample.token_ids);
    }
    let mut findings = Vec::with_capacity(plan.prompts.len());
    for prompt in &plan.prompts {
        let generations = by_prompt.get(prompt.id.as_str()).cloned().unwrap_or_default();
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
    let judged = plan.prompts.iter().zip(findings);
    let right = judged.filter(|(_, finding)| finding.result != GoldenResult::Break);
    let right: HashSet<&str> = right.map(|(prompt, _)| prompt.id.as_str()).collect();
    samples.iter().map(|sample| SampleRecord::of(sample, right.contains(sample.prompt_id.as_str()))).collect()
}
