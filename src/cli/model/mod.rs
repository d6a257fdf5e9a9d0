//! `model fetch`, `verify`, `list`, `describe`: models and whether they are whole; `model use`, `forget`,
//! `show`: the folder that bare verbs take.

mod describe;
mod fetch;
mod list;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::cli::loading::snapshot_of;
use crate::cli::root::Root;
use crate::cli::settings::Settings;
use crate::cli::{exit_code, print_line, say};
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
    /// Download a model from the Hugging Face hub, or what is missing of it, and check every file by its hash
    ///
    /// `huggingface_hub` downloads it and reads its own variables, such as `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` and
    /// `SSL_CERT_FILE`. Run again after an interruption, it resumes. `HF_HUB_DISABLE_XET=0` uses Xet, which does not.
    Fetch(fetch::FetchArgs),
    /// Read every file of a model and compare it with the model's manifest
    Verify(verify::VerifyArgs),
    /// List the models of this machine, and whether they are whole
    List,
    /// Tell what a model is made of: layers, experts, precision by kind of weight, bytes a token
    Describe(describe::DescribeArgs),
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
    match &args.verb {
        ModelVerb::Fetch(args) => return fetch::fetch(args),
        ModelVerb::Verify(args) => verify::verify(args)?,
        ModelVerb::List => list::list()?,
        ModelVerb::Describe(args) => describe::describe(args)?,
        ModelVerb::Use { folder } => {
            let mut settings = Settings::load()?;
            let folder = ModelFolder::open(&snapshot_of(folder))?;
            // A model that no verb could use is not remembered.
            Graph::read(&folder)?;
            settings.model_dir = Some(folder.path().to_owned());
            let file = settings.save()?;
            say(&format!("bare verbs now use `{}` (in `{}`)", folder.path().display(), file.display()));
        }
        ModelVerb::Forget => {
            let mut settings = Settings::load()?;
            settings.model_dir = None;
            settings.save()?;
            say("bare verbs now use the shipped small model");
        }
        ModelVerb::Show => print_line(&used()?.display().to_string())?,
    }
    Ok(ExitCode::from(exit_code::PASS))
}

/// The folder that bare verbs use.
fn used() -> Result<PathBuf> {
    Ok(Settings::load()?.model_dir.unwrap_or_else(|| Root::find().shipped_model()))
}

/// The model that a verb of `model` looks at.
#[derive(Debug, Args)]
struct FolderArgs {
    /// The model's folder [default: the one that bare verbs use]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,

    /// The same, as the verbs that run a model name it
    #[arg(long, value_name = "DIR", conflicts_with = "folder")]
    model_dir: Option<PathBuf>,
}

impl FolderArgs {
    /// The folder that was named, else the one that bare verbs use.
    fn named_or_used(&self) -> Result<PathBuf> {
        let named = self.folder.as_ref().or(self.model_dir.as_ref());
        named.map_or_else(used, |named| Ok(snapshot_of(named)))
    }
}
