//! `ci publish`: a run's verdict as a commit's status and a pull request's comment.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::ci::event::PayloadFlag;
use crate::cli::root::Root;
use crate::cli::{exit_code, print_line, say};
use crate::error::Result;
use crate::files::{self, FileKind};
use crate::gate;
use crate::gate::ci::{GhProgram, Request, State};
use crate::record::{Repository, utc_now};

/// Flags of `ci publish`.
#[derive(Debug, Args)]
pub(super) struct PublishArgs {
    #[command(flatten)]
    payload: PayloadFlag,

    /// The run's artifact, as a zip [default: it is requested with `gh`]
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,

    /// The device on which heads are judged here: a verdict of another is refused
    #[arg(long, value_name = "DEVICE", default_value = "GPU")]
    device: String,

    /// The remote from which heads are fetched; nothing of them is checked out
    #[arg(long, value_name = "NAME", default_value = "origin")]
    remote: String,
}

/// Publishes; a red status is no failure of publishing.
pub(super) fn publish(args: &PublishArgs) -> Result<ExitCode> {
    let payload = args.payload.read()?;
    let repository = Repository::open(Root::find().path())?;
    let requested = Request {
        payload: &payload,
        zip: args.artifact.as_ref().map(|file| files::read(file, FileKind::Artifact)).transpose()?,
        repository: &repository,
        remote: &args.remote,
        device: &args.device,
        now_utc: &utc_now(),
    };
    let published = gate::ci::publish(&requested, &mut GhProgram)?;
    let Some(status) = &published.status else {
        say(&format!("{} has a verdict, and this run has none: nothing was told", published.head));
        return Ok(ExitCode::from(exit_code::PASS));
    };
    let state = if status.state == State::Success { "green" } else { "red" };
    print_line(&format!("{} {state}: {}", published.head, status.description))?;
    if published.verdict.is_some() {
        say(
            "the samples are those of this run's artifact, which was measured elsewhere: they count for this commit \
             alone (docs/trust.md)",
        );
    }
    match published.commented {
        Some(number) => say(&format!("the comment of pull request #{number} says so, too")),
        None => say("no open pull request has this head now: there is no comment"),
    }
    Ok(ExitCode::from(exit_code::PASS))
}
