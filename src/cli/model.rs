//! `model use`, `model show`: the folder that bare verbs take.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::cli::loading::snapshot_of;
use crate::cli::root::Root;
use crate::cli::settings::Settings;
use crate::cli::{exit_code, print, say};
use crate::engine::ModelFolder;
use crate::engine::openvino::Graph;
use crate::error::Result;

/// Flags of `model`.
#[derive(Debug, Args)]
pub(super) struct ModelArgs {
    #[command(subcommand)]
    verb: ModelVerb,
}

#[derive(Debug, Subcommand)]
enum ModelVerb {
    /// Remember a model folder, or a repository's folder in the Hugging Face cache
    Use {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Forget the remembered folder and go back to the shipped small model
    Forget,
    /// Print the folder that bare verbs use
    Show,
}

/// Runs a verb of `model`.
pub(super) fn model(args: &ModelArgs) -> Result<ExitCode> {
    let mut settings = Settings::load()?;
    match &args.verb {
        ModelVerb::Use { folder } => {
            let folder = ModelFolder::open(&snapshot_of(folder))?;
            // A model that no verb could use is not remembered.
            Graph::read(&folder)?;
            settings.model_dir = Some(folder.path().to_owned());
            let file = settings.save()?;
            say(&format!("bare verbs now use `{}` (in `{}`)", folder.path().display(), file.display()));
        }
        ModelVerb::Forget => {
            settings.model_dir = None;
            settings.save()?;
            say("bare verbs now use the shipped small model");
        }
        ModelVerb::Show => {
            let folder = settings.model_dir.unwrap_or_else(|| Root::find().shipped_model());
            print(&format!("{}\n", folder.display()));
        }
    }
    Ok(ExitCode::from(exit_code::PASS))
}
