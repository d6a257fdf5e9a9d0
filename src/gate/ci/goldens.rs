//! Whether the tokens of a record are those of the goldens, by looking at every one of them again.

use crate::error::{Error, Result};
use crate::golden::{Golden, GoldenResult, GoldenSet};
use crate::record::{AskedPrompt, ProvenDevice, RunRecord, SampleRecord};
use crate::workload::TokenId;

/// Refuses a run whose word on its output is not what its own tokens say.
///
/// A near-tie was judged with the model at hand; without it, that the gap there is small enough is what can be
/// seen again.
///
/// # Errors
/// The first prompt of which the run says otherwise.
pub(super) fn check_again(run: &RunRecord, goldens: &GoldenSet) -> Result<()> {
    let asked = &run.workload.prompts;
    if let Some(stray) = run.samples.iter().find(|sample| asked.iter().all(|it| it.id != sample.prompt_id)) {
        return Err(untrue(&stray.prompt_id, "was answered and never asked"));
    }
    asked.iter().try_for_each(|asked| check_prompt(run, asked, goldens))
}

fn check_prompt(run: &RunRecord, asked: &AskedPrompt, goldens: &GoldenSet) -> Result<()> {
    let id = asked.id.as_str();
    let golden = goldens.goldens.get(id).filter(|golden| golden.prompt_token_ids == asked.token_ids);
    let Some(said) = run.prompts.iter().find(|prompt| prompt.id == id) else { return Ok(()) };
    let of_prompt: Vec<&SampleRecord> = run.samples.iter().filter(|sample| sample.prompt_id == id).collect();
    match (said.golden, golden) {
        (GoldenResult::None, Some(golden)) if golden.token_ids.len() >= run.workload.new_tokens => {
            Err(untrue(id, "is said to have no golden, and has one"))
        }
        (GoldenResult::Break | GoldenResult::None, _) => Ok(()),
        (GoldenResult::Match | GoldenResult::NearTie, None) => {
            Err(untrue(id, "is said to match a golden, and there is none of these tokens"))
        }
        (said, Some(golden)) => {
            if of_prompt.is_empty() {
                return Err(untrue(id, "was judged and never answered"));
            }
            let epsilon_logit = if said == GoldenResult::NearTie { epsilon_logit(run, goldens) } else { 0.0 };
            let wrong = of_prompt
                .iter()
                .find(|sample| !holds(&sample.token_ids, golden, run.workload.new_tokens, epsilon_logit));
            wrong.map_or(Ok(()), |_| Err(untrue(id, "has other tokens than its golden")))
        }
    }
}

/// Whether an answer is the golden one, or leaves it first where that is too close to call.
fn holds(tokens: &[TokenId], golden: &Golden, new_tokens: usize, epsilon_logit: f32) -> bool {
    if tokens.len() != new_tokens || golden.token_ids.len() < new_tokens {
        return false;
    }
    let place = tokens.iter().zip(&golden.token_ids).position(|(got, expected)| got != expected);
    place.is_none_or(|place| golden.gaps_logit[place] < epsilon_logit)
}

fn epsilon_logit(run: &RunRecord, goldens: &GoldenSet) -> f32 {
    let (Some(ran), Some(runtime)) = (&run.device.ran, &run.runtime) else { return 0.0 };
    let effective = |key: &str| runtime.properties_effective.get(key).map_or("", String::as_str);
    goldens.epsilon_logit(
        ProvenDevice::kind(ran).name(),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION"),
    )
}

fn untrue(prompt: &str, what: &str) -> Error {
    Error::input(format!("the record is not true: `{prompt}` {what}"))
}
