//! An A/B for people.

use crate::record::AbRecord;

/// An A/B, told in a line.
#[must_use]
pub fn ab_text(record: &AbRecord) -> String {
    let word = record.decision.as_ref().map_or("undecided", |decision| decision.verdict.word());
    let because = record.decision.as_ref().map(|decision| format!(": {}", decision.because));
    format!(
        "{} against {}: {word} after {} pairs{}\n",
        record.head.asked,
        record.base.asked,
        record.pairs.len(),
        because.unwrap_or_default()
    )
}
