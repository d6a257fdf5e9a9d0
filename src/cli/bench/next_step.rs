//! What to do after a run.

use crate::golden::GoldenResult;
use crate::judge::environment::{ProcessFindings, of_record};
use crate::record::{Outcome, PromptRecord, RunRecord};
use crate::workload::PromptSet;

/// The next command, by the outcome.
pub(super) fn of(record: &RunRecord, prompts: &PromptSet) -> String {
    let unverified = |prompt: &&PromptRecord| prompt.golden == GoldenResult::None;
    let mut unverified = record.prompts.iter().filter(unverified).peekable();
    match record.outcome {
        Outcome::WrongOutput => "next: find what changed the output; only if it is right, \
             `cargo xtask golden bless --because \"...\"`"
            .to_owned(),
        Outcome::Interrupted | Outcome::Failed | Outcome::NotMeasured => {
            "next: `cargo xtask bench` again".to_owned()
        }
        Outcome::Complete if unverified.peek().is_none() && is_invalid(record) => {
            "next: quieten the machine (the warnings say how) and run `cargo xtask bench` again".to_owned()
        }
        Outcome::Complete if unverified.peek().is_none() => {
            "next: commit your change and run `cargo xtask bench` again to compare".to_owned()
        }
        Outcome::Complete if unverified.any(|prompt| prompts.get(&prompt.id).is_some()) => {
            "next: read the answers that are unverified (`cargo xtask infer`), then \
             `cargo xtask golden bless --because \"...\"` makes those to reference prompts goldens"
                .to_owned()
        }
        Outcome::Complete => "next: a text of your own has no golden; to give it one, add it to \
             `fixtures/prompts/reference.json`, then `cargo xtask bench` and `cargo xtask golden bless`"
            .to_owned(),
    }
}

fn is_invalid(record: &RunRecord) -> bool {
    of_record(record).iter().any(ProcessFindings::is_invalid)
}
