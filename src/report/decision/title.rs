//! A decision in one line: the word, and the change with its interval.

use crate::record::{DecisionRecord, Verdict};
use crate::report::decision::words;

/// The verdict, and the mean over all prompts where it was measured; nothing of it is text of others.
#[must_use]
pub fn title(decision: &DecisionRecord) -> String {
    let verdict = words::verdict(decision);
    let trusted = !matches!(decision.verdict, Verdict::InvalidEnvironment | Verdict::WrongOutput);
    match decision.comparisons.first().filter(|_| trusted) {
        Some(first) => format!(
            "{verdict}: {} (mean) {} {} over {} pairs",
            first.metric.id(),
            words::change(first),
            words::interval(first),
            first.pairs
        ),
        None => verdict,
    }
}
