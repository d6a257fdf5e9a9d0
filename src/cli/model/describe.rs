//! `model describe`.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;

/// Flags of `model describe`.
#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// The model's folder [default: the one that bare verbs use]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Tells what a model is made of.
pub(super) fn describe(args: &DescribeArgs) -> Result<()> {
    let _ = &args.folder;
    Ok(())
}
