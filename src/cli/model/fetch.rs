//! `model fetch`.

use std::io::{IsTerminal as _, stderr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use crate::cli::loading::announce_hashing;
use crate::cli::measuring::{own_program, stoppable};
use crate::cli::root::Root;
use crate::cli::{exit_code, print_line, say, shell};
use crate::error::Result;
use crate::places;
use crate::record::VerifiedModels;
use crate::record::hub::{
    DEFAULT_REPOSITORY, Fetch, FetchEvent, FetchedModel, HubClient, RepositoryName, Revision, folder_of, list,
};
use crate::report::file_size;
use crate::run::known_hashes;
use crate::visible::one_line;

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
    let scripts = Root::find().hub_client();
    let client = HubClient::find(&scripts, own_program()?, Arc::clone(&stoppable()?.stop))?;
    let Some(listing) = list(&client, &repository, &revision, &mut note)? else { return Ok(stopped()) };
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
    let fetched = Fetch { client: &client, listing: &listing, folder: &folder }.run(&mut known, &mut show);
    known.save();
    match fetched? {
        Some(model) => report(&model),
        None => Ok(stopped()),
    }
}

fn report(model: &FetchedModel) -> Result<ExitCode> {
    let folder = model.folder.canonicalize().unwrap_or_else(|_| model.folder.clone());
    if let Some(cache) = places::cache_dir() {
        VerifiedModels::load(&cache).remember(&folder, &model.manifest);
    }
    match model.fetched_files {
        0 => say("nothing had to be fetched: every file is as the hub has it"),
        count => say(&format!("fetched {count} of {} files; all are as the hub has them", model.files)),
    }
    print_line(&folder.display().to_string())?;
    say(&format!("next: cargo xtask model use {}", shell::word(&folder)));
    Ok(ExitCode::from(exit_code::PASS))
}

fn stopped() -> ExitCode {
    say_below_bar("interrupted: what was downloaded is kept; the same command resumes it");
    ExitCode::from(exit_code::INTERRUPTED)
}

/// Shows what is under way. On a terminal `huggingface_hub` draws a bar for each file.
fn show(event: FetchEvent<'_>) {
    let has_bar = stderr().is_terminal();
    match event {
        FetchEvent::WaitsForAnother => say("another fetch into this folder is under way; waiting for it"),
        FetchEvent::Hashing(file) => announce_hashing(&file.name, file.size_bytes),
        FetchEvent::Room { missing_bytes: 0, .. } => {}
        FetchEvent::Room { folder, missing_bytes, free_bytes } => {
            let (missing, free) = (file_size(missing_bytes), free_bytes.map_or("?".to_owned(), file_size));
            say(&format!("{missing} to fetch into `{}`, where {free} are free", folder.display()));
        }
        FetchEvent::Begins { file, there_bytes: 0 } if !has_bar => {
            say(&format!("downloading {} ({})", file.name, file_size(file.size_bytes)));
        }
        FetchEvent::Begins { file, there_bytes } if !has_bar => say(&format!(
            "downloading {} ({}, {} of it there already)",
            file.name,
            file_size(file.size_bytes),
            file_size(there_bytes)
        )),
        FetchEvent::Finished(file) if !has_bar => say(&format!("downloaded {}", file.name)),
        FetchEvent::Begins { .. } | FetchEvent::Finished(_) => {}
        FetchEvent::Note(text) => note(text),
    }
}

/// A message of `huggingface_hub`.
fn note(text: &str) {
    say_below_bar(&format!("huggingface_hub: {}", one_line(text)));
}

/// Says a line below a bar that may be on the terminal.
fn say_below_bar(line: &str) {
    if stderr().is_terminal() {
        say("");
    }
    say(line);
}
