//! From a session to what may be kept of it: every prompt's output is judged before any time is.

use crate::engine::Engine;
use crate::error::Result;
use crate::golden::{Finding, GoldenResult, GoldenSet, Question, judge};
use crate::measure::{Plan, Session};
use crate::record::SampleRecord;
use crate::workload::TokenId;

/// Judges each prompt of a finished session, in the plan's order. The warm-up counts: it is
/// discarded for its speed, not for its tokens.
///
/// # Errors
/// When the engine fails in a pass that judging needs.
pub fn judge_session(
    engine: &mut dyn Engine,
    plan: &Plan,
    session: &Session,
    goldens: &GoldenSet,
    epsilon_logit: f32,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::with_capacity(plan.prompts.len());
    for prompt in &plan.prompts {
        let of_prompt = session.samples.iter().filter(|sample| sample.prompt_id == prompt.id);
        let generations: Vec<&[TokenId]> = of_prompt.map(|sample| sample.token_ids.as_slice()).collect();
        let question = Question {
            prompt: &prompt.token_ids,
            generations: &generations,
            golden: goldens.goldens.get(&prompt.id),
            epsilon_logit,
        };
        findings.push(judge(engine, question)?);
    }
    Ok(findings)
}

/// The samples as they may be kept: tokens always, times only of prompts whose output is not wrong,
/// and none of a session that did not come to its end.
#[must_use]
pub fn kept_samples(plan: &Plan, session: &Session, findings: &[Finding]) -> Vec<SampleRecord> {
    let has_speed = |prompt_id: &str| {
        let judged = plan.prompts.iter().zip(findings).find(|(prompt, _)| prompt.id == prompt_id);
        judged.is_some_and(|(_, finding)| finding.result != GoldenResult::Break)
    };
    let keep = |sample| {
        let sample: &crate::measure::Sample = sample;
        let finished = !session.interrupted && session.failure.is_none();
        SampleRecord::of(sample, 0, finished && has_speed(&sample.prompt_id))
    };
    session.samples.iter().map(keep).collect()
}
