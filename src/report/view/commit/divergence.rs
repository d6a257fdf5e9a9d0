//! Where an answer left its reference.

use serde::Serialize;

use crate::record::ArmView;
use crate::report::number::four_digits;
use crate::report::view::Badge;
use crate::report::view::commit::figures::golden_badge;
use crate::visible::one_line;

/// The first token that is another.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DivergencePart {
    prompt: String,
    badge: Badge,
    /// The token, counted from 1, with both ids and the logit margin.
    said: String,
    words: Option<Words>,
}

/// The same in words.
#[derive(Debug, Clone, Serialize)]
struct Words {
    before: String,
    expected: String,
    got: String,
}

/// Every prompt whose answer left its reference.
pub(super) fn divergences(record: ArmView<'_>) -> Vec<DivergencePart> {
    let parts = record.prompts.iter().filter_map(|prompt| {
        let found = prompt.divergence.as_ref()?;
        Some(DivergencePart {
            prompt: one_line(&prompt.id),
            badge: golden_badge(Some(prompt.golden)),
            said: format!(
                "first at token {}: expected id {}, got id {} (the reference's first two logits are {} apart)",
                found.position + 1,
                found.expected,
                found.got,
                four_digits(f64::from(found.logit_margin))
            ),
            words: prompt.divergence_text.as_ref().map(|words| Words {
                before: one_line(&words.before),
                expected: one_line(&words.expected),
                got: one_line(&words.got),
            }),
        })
    });
    parts.collect()
}
