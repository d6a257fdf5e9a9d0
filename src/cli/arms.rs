//! What `peers` and `kv` have in common: arms side by side are stored, printed in one of three forms, and end with one
//! code.

use std::time::Duration;

use clap::Args;

use crate::cli::ab::budget;
use crate::cli::report::show_commit;
use crate::cli::reporting::{ReportFormat, print_report};
use crate::cli::root::Root;
use crate::cli::{exit_code, say};
use crate::error::Result;
use crate::judge::peers::round_values;
use crate::record::{Experiment, History, Outcome, Personal};
use crate::report::document::Document;
use crate::run::{Ran, Schedule, StoppingRule};

/// Invalidated rounds that are made again, at most: as many as pairs of `ab`.
const LARGEST_REDRAWS: usize = 3;

/// What counts, for how long it is measured, and how it is reported.
#[derive(Debug, Clone, Args)]
pub(super) struct ArmsArgs {
    /// Longest time for all rounds, as in 90s, 30m or 2h
    #[arg(long, value_name = "TIME", value_parser = budget)]
    budget: Option<Duration>,

    /// Keep rounds in which a guard tripped
    #[arg(long, alias = "despite-guards")]
    ignore_guards: bool,

    /// How the result is reported
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

impl ArmsArgs {
    /// So many rounds of so many arms.
    pub(super) fn schedule(&self, arms: usize, rounds: u16) -> Schedule {
        Schedule {
            largest_redraws: LARGEST_REDRAWS,
            ignore_guards: self.ignore_guards,
            budget: self.budget,
            ..Schedule::new(arms, StoppingRule::Rounds(usize::from(rounds)))
        }
    }
}

/// Stores what ran, prints it and gives the exit code.
pub(super) fn store_and_print(
    ran: Ran,
    args: &ArmsArgs,
    document: fn(&Experiment) -> Document,
    json: fn(&Experiment) -> String,
    store: &History,
    root: &Root,
) -> Result<u8> {
    let Ran { record, failed } = ran;
    let record = Personal::of_this_user(Vec::new()).taken_from_record(record);
    let path = store.add(&record);
    let printed = print_report(args.format, document(&record), || json(&record));
    say(&format!("record: {}", path?.display()));
    let commit = record.subject().arm.commit.as_ref();
    show_commit(root, store, commit.map(|commit| commit.sha.as_str()));
    match failed {
        Some(error) => Err(error),
        None => printed.map(|()| code_of(&record)),
    }
}

/// The exit code: wrong output before anything else; rounds without an interval are no number that could be
/// trusted, unless one was requested.
fn code_of(record: &Experiment) -> u8 {
    let counted = round_values(record).iter().filter(|round| round.counts).count();
    let wanted = record.sampling.rounds_requested.unwrap_or_default().min(2);
    match record.outcome {
        Outcome::Complete if counted < wanted => exit_code::ENVIRONMENT_INVALID,
        outcome => exit_code::of_outcome(outcome),
    }
}
