//! `model describe`.

use clap::{Args, ValueEnum};

use crate::cli::loading::announce_hashing;
use crate::cli::model::FolderArgs;
use crate::cli::print;
use crate::engine::ModelFolder;
use crate::error::Result;
use crate::record::ModelDescription;
use crate::report::model::{model_description, model_description_json};
use crate::run::known_hashes;

/// Flags of `model describe`.
#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    #[command(flatten)]
    folder: FolderArgs,

    /// For people or for programs
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Tells what a model is made of. The graph is read; nothing is loaded.
pub(super) fn describe(args: &DescribeArgs) -> Result<()> {
    let folder = ModelFolder::open(&args.folder.named_or_used()?)?;
    let mut known = known_hashes();
    let description = ModelDescription::of(&folder, &mut known, announce_hashing);
    known.save();
    print(&match args.format {
        Format::Text => model_description(&description?),
        Format::Json => model_description_json(&description?)?,
    })
}
