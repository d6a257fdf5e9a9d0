//! `history show`: a record told again, from its file alone.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::cli::{exit_code, print};
use crate::error::Result;
use crate::record::History;
use crate::report::{bench_table, explanation};

/// Flags of `history`.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    #[command(subcommand)]
    verb: HistoryVerb,
}

#[derive(Debug, Subcommand)]
enum HistoryVerb {
    /// Print a record as `bench` printed it, byte for byte
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The record's file
    #[arg(value_name = "RECORD")]
    record: PathBuf,

    /// Add the definition of every figure
    #[arg(long)]
    explain: bool,
}

/// Runs a verb of `history`.
pub(super) fn history(args: &HistoryArgs) -> Result<ExitCode> {
    let HistoryVerb::Show(args) = &args.verb;
    let stored = History::read(&args.record)?;
    print(&bench_table(&stored.record));
    if args.explain {
        print(&explanation());
    }
    Ok(ExitCode::from(exit_code::PASS))
}
