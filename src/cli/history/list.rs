//! `history list`: the records along the commits.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::history::foreign;
use crate::cli::history::selection::{Selection, complain_of};
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print, say};
use crate::error::Result;
use crate::report::{Detail, record_list, record_list_json};
use crate::sys::terminal;

/// Flags of `history list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    selection: Selection,

    /// One table with all columns
    #[arg(long)]
    wide: bool,

    /// A table for people, or JSON for programs
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,

    #[command(flatten)]
    store: StoreFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Lists the records.
pub(super) fn list(args: &ListArgs) -> Result<ExitCode> {
    let root = Root::find();
    let history = args.store.find(&root)?;
    let index = history.index();
    complain_of(&index);
    let chosen = args.selection.of(&index, &root)?;
    match args.format {
        Format::Json => print(&record_list_json(&chosen))?,
        Format::Table if chosen.is_empty() => {
            say(&format!("no such record in `{}`", history.root().display()));
        }
        // In a pipe, a record has one line, however long.
        Format::Table => {
            print(
                &record_list(&chosen, if args.wide { Detail::Wide } else { Detail::Brief })
                    .to_text(Some(terminal::columns().unwrap_or(usize::MAX))),
            )?;
        }
    }
    if args.format == Format::Table && args.selection.is_everything() {
        foreign::list(&history)?;
    }
    Ok(ExitCode::from(exit_code::PASS))
}
