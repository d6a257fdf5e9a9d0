//! `ci verdict`: the verdict on an event's head, from what is stored of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::ci::event::EventFlags;
use crate::cli::gate::{JudgedAb, judged_against};
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, say};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::gate::ci::{Candidate, GateEnd, JudgedArtifact, Resolved, VERDICT_FILE, VerdictArtifact};
use crate::record::{Personal, Repository};

/// Flags of `ci verdict`.
#[derive(Debug, Args)]
pub(super) struct VerdictArgs {
    #[command(flatten)]
    event: EventFlags,

    /// Folder for the verdict; one of this head that is there stays as it is
    #[arg(long, value_name = "DIR")]
    output: PathBuf,

    #[command(flatten)]
    store: StoreFlag,
}

/// Leaves a verdict whatever became of the measurement: it may have been ended from outside.
pub(super) fn verdict(args: &VerdictArgs) -> Result<ExitCode> {
    let candidate = args.event.candidate()?;
    if let Some(there) = verdict_in(&args.output).filter(|there| there.head == candidate.head) {
        say(&format!("verdict: {}, as it was left", args.output.join(VERDICT_FILE).display()));
        return Ok(ExitCode::from(there.exit_code));
    }
    let judged = match args.event.resolve(candidate.clone()) {
        Ok(resolved) => stored(&resolved, &args.store).map(|judged| {
            let code = exit_code::of_verdict(judged.decision.verdict);
            JudgedArtifact::judged(&resolved, judged.record, code)
        }),
        Err(error) => Ok(refused(&candidate, &error)),
    };
    let artifact = judged.unwrap_or_else(|error| {
        let code = exit_code::of_kind(error.kind());
        JudgedArtifact::without_verdict(&candidate, GateEnd::Failed, &error, code)
    });
    leave(&artifact, &args.output)?;
    Ok(ExitCode::from(artifact.verdict.exit_code))
}

fn refused(candidate: &Candidate, error: &Error) -> JudgedArtifact {
    JudgedArtifact::without_verdict(candidate, GateEnd::Refused, error, exit_code::of_kind(error.kind()))
}

/// The A/B of the head against where it branched off that counts, judged as a gate does.
///
/// # Errors
/// Where there is none, or it failed.
pub(super) fn stored(resolved: &Resolved, store: &StoreFlag) -> Result<JudgedAb> {
    let root = Root::find();
    let repository = Repository::open(root.path())?;
    judged_against(&store.find(&root)?, &repository, &resolved.candidate.head, &resolved.merge_base)
}

/// Writes it, without anything personal, and says where.
pub(super) fn leave(artifact: &JudgedArtifact, folder: &Path) -> Result<()> {
    let mut artifact = artifact.clone();
    let personal = Personal::of_this_user(Vec::new());
    artifact.verdict.reason = artifact.verdict.reason.map(|reason| personal.taken_from(&reason));
    artifact.save(folder)?;
    say(&format!("verdict: {}", folder.join(VERDICT_FILE).display()));
    Ok(())
}

fn verdict_in(folder: &Path) -> Option<VerdictArtifact> {
    let text = files::read(&folder.join(VERDICT_FILE), FileKind::Text).ok()?;
    serde_json::from_slice(&text).ok()
}
