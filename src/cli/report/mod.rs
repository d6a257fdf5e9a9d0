//! `report`: the pages of all records, and what else is reported of them.

mod after;
mod card;
mod demo;
mod make;
mod open;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::root::Root;
use crate::cli::store::{ChosenStore, StoreFlag};
use crate::cli::{exit_code, print_line};
use crate::error::{Error, Result};
use crate::record::History;
use make::Making;

pub(in crate::cli) use after::show_commit;

/// Flags of `report`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct ReportArgs {
    /// Folder of the pages [default: reports/site, of a demonstration reports/demo]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Show the first page in a browser
    #[arg(long)]
    open: bool,

    /// Offer the pages to browsers of this machine, until Ctrl-C
    #[arg(long)]
    serve: bool,

    /// Port of `--serve`; 0 is one that is free
    #[arg(long, value_name = "PORT", default_value_t = 0, requires = "serve")]
    port: u16,

    /// Make every page anew, also those whose records have not changed
    #[arg(long)]
    anew: bool,

    /// Make the pages of an invented history, to see what they look like
    #[arg(long, conflicts_with = "store")]
    demo: bool,

    /// Print the tables of the published model card for a run instead, as Markdown: a file, a run id, a commit
    #[arg(
        long,
        value_name = "RECORD",
        num_args = 0..=1,
        default_missing_value = "latest",
        conflicts_with_all = ["output", "open", "serve", "anew", "demo"]
    )]
    card: Option<String>,

    #[command(flatten)]
    store: StoreFlag,
}

/// Renders the pages and names the first one.
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode> {
    let root = Root::find();
    if let Some(record) = &args.card {
        card::print_card(record, &store_of(args, &root)?, &root)?;
        return Ok(ExitCode::from(exit_code::PASS));
    }
    let folder = if args.demo {
        let output = args.output.clone().unwrap_or_else(|| root.demo_site());
        demo::make(&root, output, args.anew)?
    } else {
        let output = args.output.clone().unwrap_or_else(|| root.site());
        Making::of(&root)?.site(&root, &store_of(args, &root)?, output, args.anew)?
    };
    let first = folder.join("index.html");
    print_line(&first.display().to_string())?;
    if args.open && !args.serve {
        open::open(&first.display().to_string())?;
    }
    if args.serve {
        return serve::serve(&folder, args.port, args.open);
    }
    Ok(ExitCode::from(exit_code::PASS))
}

/// The store, which may be empty but, if it was named, must be there: a name with a slip in it would else be a
/// store without records.
fn store_of(args: &ReportArgs, root: &Root) -> Result<History> {
    match args.store.or_default(root) {
        ChosenStore::Flag(folder) if !folder.is_dir() => {
            let fault = format!("there is no folder `{}`, and so no store of records", folder.display());
            Err(Error::input(fault)
                .hint("name the folder of the records; without `--store` it is the one that is in use"))
        }
        _ => args.store.find(root),
    }
}
