//! The word on each prompt, and divergences in words.

use std::collections::BTreeMap;

use crate::golden::{Divergence, Finding, GoldenResult};
use crate::measure::{Plan, Sample};
use crate::record::{DivergenceText, PromptRecord, Warning};
use crate::run::model::FoundModel;
use crate::workload::TokenId;

/// Tokens of context that are shown around a divergence.
const CONTEXT_TOKENS: usize = 12;

/// The word on each prompt, with divergences in words where a tokenizer is at hand.
pub(in crate::run) fn prompt_records(
    model: &FoundModel,
    plan: &Plan,
    samples: &[Sample],
    findings: &[Finding],
) -> Vec<PromptRecord> {
    let judged = plan.prompts.iter().zip(findings);
    judged
        .map(|(prompt, finding)| {
            let mut record = PromptRecord::of(&prompt.id, finding);
            record.divergence_text = finding.divergence.as_ref().and_then(|divergence| {
                let mut answers = samples.iter().filter(|sample| sample.prompt_id == prompt.id);
                let first = answers.clone().next()?;
                let golden = model.goldens.goldens.get(&prompt.id);
                let reference = golden.map_or(&first.token_ids, |golden| &golden.token_ids);
                let got = answers
                    .find(|answer| answer.token_ids.get(divergence.position) == Some(&divergence.got))?;
                in_words(model, divergence, reference, &got.token_ids)
            });
            record
        })
        .collect()
}

fn in_words(
    model: &FoundModel,
    divergence: &Divergence,
    reference: &[TokenId],
    got: &[TokenId],
) -> Option<DivergenceText> {
    let tokenizer = model.tokenizer.as_ref()?;
    let at = divergence.position;
    let words = |tokens: &[TokenId], from: usize, to: usize| {
        tokenizer.decode(tokens.get(from..to.min(tokens.len()))?).ok()
    };
    Some(DivergenceText {
        before: words(reference, at.saturating_sub(CONTEXT_TOKENS), at)?,
        expected: words(reference, at, at + CONTEXT_TOKENS)?,
        got: words(got, at, at + CONTEXT_TOKENS)?,
    })
}

/// What a reader must know of outputs that are not simply right.
pub(in crate::run) fn golden_warnings(plan: &Plan, findings: &[Finding], model: &FoundModel) -> Vec<Warning> {
    let mut by_result: BTreeMap<GoldenResult, Vec<&str>> = BTreeMap::new();
    for (prompt, finding) in plan.prompts.iter().zip(findings) {
        by_result.entry(finding.result).or_default().push(&prompt.id);
    }
    let list = |ids: &[&str]| format!("`{}`", ids.join("`, `"));
    let mut warnings = Vec::new();
    if let Some(ids) = by_result.get(&GoldenResult::None) {
        warnings.push(Warning::new(
            "unverified",
            format!("{} of `{}` have no golden: their figures are unverified", list(ids), model.identity.name),
            "such a run can be no baseline; read the answers, then `cargo xtask golden bless --reason \"...\"`",
        ));
    }
    if let Some(ids) = by_result.get(&GoldenResult::NearTie) {
        warnings.push(Warning::new(
            "near-tie",
            format!("{} differ from their goldens where two tokens are too close to call", list(ids)),
            "no fault by itself; the record has the places",
        ));
    }
    warnings
}
