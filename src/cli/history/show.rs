//! `history show`: a record told again, from its file alone.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::history::foreign;
use crate::cli::{exit_code, print};
use crate::error::Result;
use crate::record::{AnyRecord, History};
use crate::report::decision::{ab_text, pair_lines};
use crate::report::peers::peers_text;
use crate::report::{bench_table, explanation};

/// Flags of `history show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The record's file
    #[arg(value_name = "RECORD")]
    record: PathBuf,

    /// Add the definition of every figure
    #[arg(long)]
    explain: bool,
}

/// Tells a record again.
pub(super) fn show(args: &ShowArgs) -> Result<ExitCode> {
    if let Some(text) = foreign::shown(&args.record)? {
        print(&text);
        return Ok(ExitCode::from(exit_code::PASS));
    }
    match History::read_any(&args.record)?.record {
        AnyRecord::Run(record) => print(&bench_table(&record)),
        AnyRecord::Ab(record) => print(&ab_text(&record, &pair_lines(&record))),
        AnyRecord::Peers(record) => print(&peers_text(&record)),
    }
    if args.explain {
        print(&explanation());
    }
    Ok(ExitCode::from(exit_code::PASS))
}
