//! `report`: the pages of all records.

mod make;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print};
use crate::error::Result;

use make::site_of;

/// Flags of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder of the pages [default: reports/site]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Make every page anew, also those whose records have not changed
    #[arg(long)]
    anew: bool,

    #[command(flatten)]
    store: StoreFlag,
}

/// Renders the pages and names the first one.
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode> {
    let root = Root::find();
    let history = args.store.find(&root)?;
    let output = args.output.clone().unwrap_or_else(|| root.site());
    let made = site_of(&root, &history, output, args.anew)?;
    print(&format!("{}\n", made.display()));
    Ok(ExitCode::from(exit_code::PASS))
}
