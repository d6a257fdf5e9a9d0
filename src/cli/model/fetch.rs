//! `model fetch`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::loading::known_hashes;
use crate::cli::model::waiting::Waiting;
use crate::cli::{exit_code, print, say, shell};
use crate::error::Result;
use crate::places;
use crate::record::VerifiedModels;
use crate::record::hub::{
    DEFAULT_REPOSITORY, Fetch, FetchedModel, Https, Hub, HubAccess, RepositoryName, Revision, folder_of, list,
};
use crate::report::file_size;

/// Flags of `model fetch`.
#[derive(Debug, Args)]
pub(super) struct FetchArgs {
    /// The repository: any text generator in OpenVINO's format
    #[arg(value_name = "REPO", default_value = DEFAULT_REPOSITORY)]
    repository: String,

    /// A branch, a tag or a commit
    #[arg(long, value_name = "REV", default_value = "main")]
    revision: String,

    /// The folder to fetch into [default: one of the repository and its commit, in the cache folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Fetches a model, or what is missing of it.
pub(super) fn fetch(args: &FetchArgs) -> Result<ExitCode> {
    let (repository, revision) = (RepositoryName::parse(&args.repository)?, Revision::parse(&args.revision)?);
    let access = HubAccess::from_environment()?;
    let transport = Https::new(&access)?;
    let hub = Hub::new(access, Box::new(transport));
    let mut waiting = Waiting::start()?;
    let Some(listing) = list(&hub, &repository, &revision, &mut waiting)? else { return Ok(stopped()) };
    let folder = match &args.output {
        Some(folder) => folder.clone(),
        None => folder_of(&repository, &listing.commit)?,
    };
    say(&format!(
        "`{repository}` at {}: {} files, {}",
        listing.commit,
        listing.files.len(),
        file_size(listing.size_bytes())
    ));
    let mut known = known_hashes();
    let fetched = Fetch { hub: &hub, listing: &listing, folder: &folder }.run(&mut known, &mut waiting);
    known.save();
    waiting.finish();
    match fetched? {
        Some(model) => Ok(tell(&model)),
        None => Ok(stopped()),
    }
}

fn tell(model: &FetchedModel) -> ExitCode {
    let folder = model.folder.canonicalize().unwrap_or_else(|_| model.folder.clone());
    if let Some(cache) = places::cache_dir() {
        VerifiedModels::load(&cache).remember(&folder, &model.manifest);
    }
    match model.fetched_files {
        0 => say("nothing had to be fetched: every file is as the hub has it"),
        count => say(&format!("{count} of {} files came, and all are as the hub has them", model.files)),
    }
    print(&format!("{}\n", folder.display()));
    say(&format!("next: cargo xtask model use {}", shell::word(&folder)));
    ExitCode::from(exit_code::PASS)
}

fn stopped() -> ExitCode {
    say("interrupted: what has come is kept; the same command goes on from there");
    ExitCode::from(exit_code::INTERRUPTED)
}
