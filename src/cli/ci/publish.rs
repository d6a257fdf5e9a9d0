//! `ci publish`: a run's verdict as a commit's status and a pull request's comment.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::ci::event::PayloadFlag;
use crate::cli::root::Root;
use crate::cli::{exit_code, print, say};
use crate::error::{Error, Result};
use crate::gate::ci::{Asked, GhProgram, LARGEST_ZIP_BYTES, State};
use crate::gate::{self, side::Builder};
use crate::places;
use crate::record::{Repository, utc_now};

/// Flags of `ci publish`.
#[derive(Debug, Args)]
pub(super) struct PublishArgs {
    #[command(flatten)]
    payload: PayloadFlag,

    /// The run's artifact, as a zip [default: it is asked for with `gh`]
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
    let cache = places::cache_dir()
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))?;
    let asked = Asked {
        payload: &payload,
        zip: args.artifact.as_ref().map(read_zip).transpose()?,
        repository: &repository,
        remote: &args.remote,
        device: &args.device,
        clones: &Builder::new(&cache),
        now_utc: &utc_now(),
    };
    let published = gate::ci::publish(&asked, &mut GhProgram)?;
    let Some(status) = &published.status else {
        say(&format!("{} has a verdict, and this run has none: nothing was told", published.head));
        return Ok(ExitCode::from(exit_code::PASS));
    };
    let state = if status.state == State::Success { "green" } else { "red" };
    print(&format!("{} {state}: {}\n", published.head, status.description));
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

fn read_zip(file: &PathBuf) -> Result<Vec<u8>> {
    let failed = |cause: std::io::Error| Error::io("read", file, &cause).as_input();
    let length = fs::metadata(file).map_err(failed)?.len();
    if length > LARGEST_ZIP_BYTES {
        return Err(Error::input(format!("`{}` has {length} bytes: that is no verdict", file.display())));
    }
    fs::read(file).map_err(failed)
}
