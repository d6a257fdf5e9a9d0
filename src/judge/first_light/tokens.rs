//! The GPU's tokens, compared with the CPU.

use crate::judge::first_light::{ClaimResult, Evidence};

pub(super) fn cross_check(evidence: &Evidence) -> ClaimResult {
    if let Err(word) = evidence.bench_on_gpu() {
        return word;
    }
    let look = match evidence.cross_check.reported() {
        Ok(look) => look,
        Err(word) => return word,
    };
    let tokens: usize = look.answers.iter().map(|answer| answer.tokens).sum();
    if tokens == 0 {
        return ClaimResult::not_observed("`bench` left no answer to be checked");
    }
    let others: usize = look.answers.iter().map(|answer| answer.other_preferred).sum();
    let widest = look
        .answers
        .iter()
        .max_by(|one, other| one.largest_logit_margin.total_cmp(&other.largest_logit_margin));
    let margin = widest.map_or(0.0, |answer| answer.largest_logit_margin);
    let limit = look.limit_logit;
    let word = match widest {
        Some(answer) if margin >= limit => ClaimResult::no(format!(
            "at token {} of `{}` the CPU prefers another by {margin:.3} logit, and {limit} is the most that rounding explains",
            answer.widest_at.unwrap_or_default(),
            answer.prompt_id
        )),
        _ if others == 0 => {
            ClaimResult::yes(format!("the CPU prefers all {tokens} tokens of {} answers", look.answers.len()))
        }
        _ => ClaimResult::yes(format!(
            "the CPU prefers {} of {tokens} tokens; at the others its first two logits are at most {margin:.3} apart",
            tokens.saturating_sub(others)
        )),
    };
    word.with("tokens", tokens as f64)
        .with("other_preferred", others as f64)
        .with("widest_gap_logit", f64::from(margin))
}
