//! `report`: the pages of all records.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print};
use crate::error::Result;

mod make;

use make::make_site;

/// Flags of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder of the pages [default: reports/site]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    #[command(flatten)]
    store: StoreFlag,
}

/// Renders the pages and names the first one.
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode> {
    let root = Root::find();
    let history = args.store.find(&root)?;
    let output = args.output.clone().unwrap_or_else(|| root.site());
    let made = make_site(&root, &history, output)?;
    print(&format!("{}\n", made.display()));
    Ok(ExitCode::from(exit_code::PASS))
}
