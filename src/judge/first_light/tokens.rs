//! The GPU's tokens, held against the CPU.

use crate::judge::first_light::{Evidence, Word};

pub(super) fn cross_check(evidence: &Evidence) -> Word {
    if let Err(word) = evidence.bench_on_gpu() {
        return word;
    }
    let look = match evidence.cross_check.told() {
        Ok(look) => look,
        Err(word) => return word,
    };
    let tokens: usize = look.answers.iter().map(|answer| answer.tokens).sum();
    if tokens == 0 {
        return Word::not_observed("`bench` left no answer to be checked");
    }
    let others: usize = look.answers.iter().map(|answer| answer.other_preferred).sum();
    let widest =
        look.answers.iter().max_by(|one, other| one.widest_gap_logit.total_cmp(&other.widest_gap_logit));
    let gap = widest.map_or(0.0, |answer| answer.widest_gap_logit);
    let limit = look.limit_logit;
    let word = match widest {
        Some(answer) if gap >= limit => Word::no(format!(
            "at token {} of `{}` the CPU prefers another by {gap:.3} logit, and {limit} is the most that rounding explains",
            answer.widest_at.unwrap_or_default(),
            answer.prompt_id
        )),
        _ if others == 0 => {
            Word::yes(format!("the CPU prefers all {tokens} tokens of {} answers", look.answers.len()))
        }
        _ => Word::yes(format!(
            "the CPU prefers {} of {tokens} tokens; at the others its first two logits are at most {gap:.3} apart",
            tokens.saturating_sub(others)
        )),
    };
    word.with("tokens", tokens as f64)
        .with("other_preferred", others as f64)
        .with("widest_gap_logit", f64::from(gap))
}
