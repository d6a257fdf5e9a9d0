//! The event that a run began by, as the runner hands it over.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::root::Root;
use crate::cli::{exit_code, print};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::gate::ci::{Candidate, GateEvent, Resolved, candidate_of};
use crate::record::Repository;
use crate::visible;

/// The payload.
#[derive(Debug, Args)]
pub(super) struct PayloadFlag {
    /// File of the event's payload [default: the one that `GITHUB_EVENT_PATH` names]
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
}

impl PayloadFlag {
    /// Reads it.
    pub(super) fn read(&self) -> Result<Vec<u8>> {
        let named = self.event.clone().or_else(|| env::var_os("GITHUB_EVENT_PATH").map(PathBuf::from));
        let file = named.ok_or_else(|| {
            Error::input("no event is named").hint("on GitHub there is one; else: `--event FILE`")
        })?;
        files::read(&file, FileKind::Event)
            .map_err(|error| error.hint("name the event's payload with `--event FILE`"))
    }
}

/// The event: its payload and its name.
#[derive(Debug, Args)]
pub(super) struct EventFlags {
    #[command(flatten)]
    payload: PayloadFlag,

    /// The event's name [default: what `GITHUB_EVENT_NAME` says]
    #[arg(long, value_name = "NAME")]
    event_name: Option<String>,

    /// The remote from which heads are fetched
    #[arg(long, value_name = "NAME", default_value = "origin")]
    remote: String,
}

impl EventFlags {
    /// The head that may be measured.
    pub(super) fn candidate(&self) -> Result<Candidate> {
        let name = self.event_name.clone().or_else(|| env::var("GITHUB_EVENT_NAME").ok());
        let name = name.ok_or_else(|| {
            Error::input("the event has no name")
                .hint("on GitHub it has one; else: `--event-name pull_request`")
        })?;
        candidate_of(&GateEvent::parse(&name, &self.payload.read()?)?)
    }

    /// Its commits, fetched.
    pub(super) fn resolve(&self, candidate: Candidate) -> Result<Resolved> {
        let repository = Repository::open(Root::find().path())?;
        Resolved::of(candidate, &repository, &self.remote)
    }
}

/// Tells the commits.
pub(super) fn resolve(flags: &EventFlags) -> Result<ExitCode> {
    let resolved = flags.resolve(flags.candidate()?)?;
    let json = serde_json::to_string_pretty(&resolved)
        .map_err(|cause| Error::harness(format!("the commits cannot be told: {cause}")))?;
    print(&(visible::json(&json) + "\n"))?;
    Ok(ExitCode::from(exit_code::PASS))
}
