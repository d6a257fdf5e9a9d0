//! What to do after a run.

use crate::cli::bench::BenchArgs;
use crate::cli::typed;
use crate::golden::GoldenResult;
use crate::judge::Validity;
use crate::record::{Experiment, Outcome, PromptRecord};
use crate::workload::PromptSet;

/// The next command, by the outcome.
pub(super) fn of(args: &BenchArgs, record: &Experiment, prompts: &PromptSet) -> String {
    let again = typed::again();
    let (model, store) = (args.engine.model.as_typed(), args.reporting.store.as_typed());
    let bless =
        typed::command(["golden", "bless", &record.run_id, "--reason", "WHY"], model.iter().chain(&store));
    let run = record.subject();
    let unverified = |prompt: &&PromptRecord| prompt.golden == GoldenResult::None;
    let mut unverified = run.prompts.iter().filter(unverified).peekable();
    match record.outcome {
        Outcome::WrongOutput => {
            format!("next: find what changed the output; only if it is right, `{bless}`")
        }
        Outcome::Interrupted | Outcome::Failed | Outcome::NotMeasured => format!("next: `{again}`"),
        Outcome::Complete
            if unverified.peek().is_none() && matches!(Validity::of(record), Validity::Invalid(_)) =>
        {
            format!("next: reduce background load (`top` shows it), then `{again}`")
        }
        Outcome::Complete if unverified.peek().is_none() => {
            format!("next: commit your change, then `{again}` and `cargo xtask history list`")
        }
        Outcome::Complete => match unverified.find(|prompt| prompts.get(&prompt.id).is_some()) {
            Some(prompt) => {
                let infer = typed::command(["infer", "--prompt", &prompt.id], &args.engine.as_typed());
                format!("next: read the unverified answers (`{infer}`), then `{bless}`")
            }
            None => "next: a text of your own has no golden; to give it one, add it to \
                 `fixtures/prompts/reference.json`"
                .to_owned(),
        },
    }
}
