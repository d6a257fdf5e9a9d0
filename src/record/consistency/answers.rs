//! Answers: verdicts are what the tokens say, without the goldens as far as that goes, and with them in full.

use std::collections::HashMap;

use crate::golden::{Golden, GoldenResult, GoldenSet};
use crate::record::consistency::{ArmAt, Found, Numbered, short};
use crate::record::{Arm, ProvenDevice, RequestedPrompt};
use crate::workload::TokenId;

/// Every generation of a prompt that matches its golden has the same tokens.
pub(super) fn check(arm: &ArmAt<'_>, found: &mut Found) {
    if !arm.has_figures() {
        return;
    }
    let by_prompt = samples_by_prompt(arm);
    for (at, judged) in arm.run.prompts.iter().enumerate() {
        if judged.golden != GoldenResult::Match {
            continue;
        }
        let verdict = arm.field(&format!("prompts[{at}].golden"));
        if judged.divergence.is_some() {
            found.add(verdict.clone(), "match", "it has a divergence");
        }
        let samples = by_prompt.get(judged.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        let Some((first, others)) = samples.split_first() else { continue };
        if let Some(other) = others.iter().find(|other| other.sample.token_ids != first.sample.token_ids) {
            let field = arm.field(&format!("samples[{}].token_ids", other.at));
            let tokens = tokens(&other.sample.token_ids);
            let same = arm.field(&format!("samples[{}].token_ids", first.at));
            found.add(field, tokens, format!("`{verdict}` is `match`, and `{same}` differs from it"));
        }
    }
}

fn samples_by_prompt<'a>(arm: &ArmAt<'a>) -> HashMap<&'a str, Vec<Numbered<'a>>> {
    let mut by_prompt: HashMap<&str, Vec<Numbered<'_>>> = HashMap::new();
    for (at, sample) in arm.run.samples.iter().enumerate() {
        by_prompt.entry(sample.prompt_id.as_str()).or_default().push(Numbered { at, sample });
    }
    by_prompt
}

/// Every token once more, against the goldens of its model.
pub(super) fn check_against(arm: &ArmAt<'_>, goldens: &GoldenSet, found: &mut Found) {
    let by_prompt = samples_by_prompt(arm);
    let verdicts: HashMap<&str, usize> =
        arm.run.prompts.iter().enumerate().map(|(at, judged)| (judged.id.as_str(), at)).collect();
    for requested in &arm.run.workload.prompts {
        let Some(at) = verdicts.get(requested.id.as_str()).copied() else { continue };
        let samples = by_prompt.get(requested.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        check_prompt(arm, requested, at, samples, goldens, found);
    }
}

fn check_prompt(
    arm: &ArmAt<'_>,
    requested: &RequestedPrompt,
    at: usize,
    samples: &[Numbered<'_>],
    goldens: &GoldenSet,
    found: &mut Found,
) {
    let (id, new_tokens) = (requested.id.as_str(), arm.run.workload.new_tokens);
    let golden = goldens.goldens.get(id).filter(|golden| golden.prompt_token_ids == requested.token_ids);
    let verdict = arm.run.prompts[at].golden;
    let field = arm.field(&format!("prompts[{at}].golden"));
    match (verdict, golden) {
        // What is not said to be right is judged as it is said.
        (GoldenResult::Break | GoldenResult::None, _) => {}
        (GoldenResult::Match | GoldenResult::NearTie, None) => {
            found.add(field, verdict.as_str(), format!("`{id}` has no golden of these prompt tokens"));
        }
        (_, Some(golden)) => {
            if samples.is_empty() {
                found.add(field, verdict.as_str(), format!("`{id}` was never answered"));
            }
            let near_tie = verdict == GoldenResult::NearTie;
            let epsilon_logit = if near_tie { epsilon_logit(arm.run, goldens) } else { 0.0 };
            let is_wrong =
                |it: &&Numbered<'_>| !holds(&it.sample.token_ids, golden, new_tokens, epsilon_logit);
            if let Some(wrong) = samples.iter().find(is_wrong) {
                let field = arm.field(&format!("samples[{}].token_ids", wrong.at));
                let other = format!("the golden of `{id}` has other tokens: `{}`", tokens(&golden.token_ids));
                found.add(field, tokens(&wrong.sample.token_ids), other);
            }
        }
    }
}

/// Whether an answer is the golden one, or first leaves it where two logits are too close to call.
fn holds(tokens: &[TokenId], golden: &Golden, new_tokens: usize, epsilon_logit: f32) -> bool {
    if tokens.len() != new_tokens || golden.token_ids.len() < new_tokens {
        return false;
    }
    let place = tokens.iter().zip(&golden.token_ids).position(|(got, expected)| got != expected);
    place.is_none_or(|place| golden.logit_margins[place] < epsilon_logit)
}

fn epsilon_logit(run: &Arm, goldens: &GoldenSet) -> f32 {
    let (Some(ran), Some(runtime)) = (&run.device.ran, &run.runtime) else { return 0.0 };
    let effective = |key: &str| runtime.properties_effective.get(key).map_or("", String::as_str);
    goldens.epsilon_logit(
        ProvenDevice::kind(ran).name(),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION"),
    )
}

fn tokens(ids: &[TokenId]) -> String {
    let words: Vec<String> = ids.iter().map(ToString::to_string).collect();
    short(&words.join(" "))
}
