//! A decision in one line: the word, and the change with its interval.

use crate::record::{DecisionRecord, Status, Verdict};
use crate::report::decision::form::Form;
use crate::report::decision::words;

/// The verdict, and the mean over all prompts where it was measured; nothing of it is text of others.
#[must_use]
pub fn headline(decision: &DecisionRecord) -> String {
    let word = decision.verdict.word();
    let warned = if decision.status == Status::GreenWithWarning { ", with a warning" } else { "" };
    let trusted = !matches!(decision.verdict, Verdict::InvalidEnvironment | Verdict::WrongOutput);
    match decision.comparisons.first().filter(|_| trusted) {
        Some(first) => {
            let [metric, prompt, change, interval, pairs, ..] = words::comparison(
                &crate::record::ComparisonRecord { prompt: None, ..first.clone() },
                decision.verdict,
                Form::Terminal,
            );
            format!("{word}{warned}: {metric} ({prompt}) {change} {interval} over {pairs} pairs")
        }
        None => format!("{word}{warned}"),
    }
}
