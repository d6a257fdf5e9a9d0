//! `ci measure`: the A/B of an event's head, and its verdict as an artifact.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::cli::ab::{self, AbArgs};
use crate::cli::ci::event::EventFlags;
use crate::cli::ci::verdict::{leave, stored};
use crate::cli::flags::EngineFlags;
use crate::cli::gate::JudgedAb;
use crate::cli::measuring::SupervisionArgs;
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::verdict_format::VerdictFormat;
use crate::cli::{exit_code, reporting, say};
use crate::error::{Error, Result};
use crate::gate::ci::{Candidate, GateEnd, JudgedArtifact, Resolved};
use crate::gate::side::changed_in_use;
use crate::record::{Repository, Source};
use crate::report::decision::{Subject, pair_lines};

/// Flags of `ci measure`.
#[derive(Debug, Args)]
pub(super) struct MeasureArgs {
    #[command(flatten)]
    event: EventFlags,

    /// Folder for the verdict: `verdict.json`, and `record.json` where there is one
    #[arg(long, value_name = "DIR")]
    output: PathBuf,

    /// Longest time for all pairs, as in 90s, 30m or 2h; what is undecided then is inconclusive
    #[arg(long, value_name = "TIME", value_parser = ab::budget)]
    budget: Option<Duration>,

    #[command(flatten)]
    store: StoreFlag,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    supervision: SupervisionArgs,
}

/// Resolves, measures, judges. Whatever comes of it, a verdict is left that says so.
pub(super) fn measure(args: &MeasureArgs) -> Result<ExitCode> {
    let candidate = args.event.candidate()?;
    let resolved = match args.event.resolve(candidate.clone()) {
        Ok(resolved) => resolved,
        Err(error) => {
            let code = exit_code::of_kind(error.kind());
            let artifact = JudgedArtifact::without_verdict(&candidate, GateEnd::Refused, &error, code);
            leave(&artifact, &args.output)?;
            return Err(error);
        }
    };
    say(&format!(
        "pull request #{}: head {} against {}, where it branched off",
        candidate.pull_request, resolved.candidate.head, resolved.merge_base
    ));
    let repository = Repository::open(Root::find().path())?;
    let head = Source::Commit(repository.resolve(&resolved.candidate.head)?);
    let changed = changed_in_use(&repository, &resolved.merge_base, &head)?;
    let ab = AbArgs::of_commits(ab::Commits {
        base: resolved.merge_base.clone(),
        head: resolved.candidate.head.clone(),
        merge: candidate.merge.clone(),
        budget: args.budget,
        // Who publishes the verdict cannot see that changed sources gave the same program.
        measure_identical: !changed.is_empty(),
        store: args.store.clone(),
        engine: args.engine.clone(),
        supervision: args.supervision.clone(),
    });
    match ab::keep(&ab) {
        Ok(Some(kept)) => {
            say(&format!("record: {}", kept.path?.display()));
            judge(args, &resolved, kept.failed)
        }
        Ok(None) => {
            let error = Error::harness("it was interrupted").hint("run the gate again");
            fail(args, &candidate, &error, exit_code::INTERRUPTED)?;
            Ok(ExitCode::from(exit_code::INTERRUPTED))
        }
        Err(error) => {
            fail(args, &candidate, &error, exit_code::of_kind(error.kind()))?;
            Err(error)
        }
    }
}

/// What a gate makes of the record; one that failed may have shown wrong output before.
fn judge(args: &MeasureArgs, resolved: &Resolved, failed: Option<Error>) -> Result<ExitCode> {
    match stored(resolved, &args.store) {
        Ok(judged) => {
            let JudgedAb { record, decision } = judged;
            let (pairs, code) = (pair_lines(&record), exit_code::of_verdict(decision.verdict));
            let subject = Subject { record: &record, pairs: &pairs };
            let printed = reporting::report(subject, &decision, VerdictFormat::Text, code);
            leave(&JudgedArtifact::judged(resolved, record, code), &args.output)?;
            printed?;
            Ok(ExitCode::from(code))
        }
        Err(error) => {
            let error = failed.unwrap_or(error);
            fail(args, &resolved.candidate, &error, exit_code::of_kind(error.kind()))?;
            Err(error)
        }
    }
}

fn fail(args: &MeasureArgs, candidate: &Candidate, error: &Error, code: u8) -> Result<()> {
    leave(&JudgedArtifact::without_verdict(candidate, GateEnd::Failed, error, code), &args.output)
}
