//! `ci measure`: the A/B of an event's head, and its verdict as an artifact.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::cli::ab::{self, AbArgs};
use crate::cli::ci::event::EventFlags;
use crate::cli::ci::verdict::{judge_stored, leave};
use crate::cli::exit_code;
use crate::cli::flags::EngineFlags;
use crate::cli::measuring::SupervisionArgs;
use crate::cli::say;
use crate::cli::store::StoreFlag;
use crate::error::Result;
use crate::gate::ci::{JudgedArtifact, Word};

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
            let artifact = JudgedArtifact::without_verdict(&candidate, Word::Refused, &error, code);
            leave(&artifact, &args.output)?;
            return Err(error);
        }
    };
    say(&format!(
        "pull request #{}: head {} against {}, where it branched off",
        candidate.pull_request, resolved.candidate.head, resolved.merge_base
    ));
    let ab = AbArgs::of_commits(ab::Commits {
        base: resolved.merge_base.clone(),
        head: resolved.candidate.head.clone(),
        budget: args.budget,
        store: args.store.clone(),
        engine: args.engine.clone(),
        supervision: args.supervision.clone(),
    });
    if let Err(error) = ab::ab(&ab) {
        // A record that was kept in spite of it has its own word.
        if let Ok(judged) = judge_stored(&resolved, &args.store) {
            leave(&judged, &args.output)?;
        } else {
            let code = exit_code::of_kind(error.kind());
            leave(&JudgedArtifact::without_verdict(&candidate, Word::Failed, &error, code), &args.output)?;
        }
        return Err(error);
    }
    let judged = judge_stored(&resolved, &args.store)?;
    leave(&judged, &args.output)?;
    Ok(ExitCode::from(judged.verdict.exit_code))
}
