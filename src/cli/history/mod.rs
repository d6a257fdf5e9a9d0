//! `history`: the store of records, reported, checked, fixed, exchanged and shared.

mod changes;
mod exchange;
mod export;
mod foreign;
mod list;
mod named_records;
mod repair;
mod selection;
mod sharing;
mod show;
mod using;

use std::path::PathBuf;
use std::process::ExitCode;

pub(super) use selection::complain_of;

use clap::{Args, Subcommand};

use crate::cli::store::StoreFlag;
use crate::error::Result;

/// Flags of `history`.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    #[command(subcommand)]
    verb: HistoryVerb,
}

#[derive(Debug, Subcommand)]
enum HistoryVerb {
    /// List the records along the commits, newest first
    List(list::ListArgs),
    /// Name the commits from which on decoding was slower or faster: advice, never a gate
    Changes(changes::ChangesArgs),
    /// Print a record as it was printed when it was made, byte for byte
    Show(show::ShowArgs),
    /// Read every record whole, and name each that is damaged
    Verify(StoreFlag),
    /// Make the index and the CSV files of a store anew from its records
    Rebuild(StoreFlag),
    /// Take in records of another store, or files of other tools; what is damaged is named, and nothing is
    /// overwritten
    Import(exchange::ImportArgs),
    /// Copy records to a folder, or tell them in a format that another tool reads
    Export(export::ExportArgs),
    /// Add this store's records to a branch of their own on a remote
    Push(sharing::SharingArgs),
    /// Take in the records of that branch
    Pull(sharing::SharingArgs),
    /// Remember a folder as the store that every verb uses
    Use {
        /// The folder, which must be there
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Forget the remembered store and go back to reports/history
    Forget,
}

/// Runs a verb of `history`.
pub(super) fn history(args: &HistoryArgs) -> Result<ExitCode> {
    match &args.verb {
        HistoryVerb::List(args) => list::list(args),
        HistoryVerb::Changes(args) => changes::changes(args),
        HistoryVerb::Show(args) => show::show(args),
        HistoryVerb::Verify(store) => repair::verify(store),
        HistoryVerb::Rebuild(store) => repair::rebuild(store),
        HistoryVerb::Import(args) => exchange::import(args),
        HistoryVerb::Export(args) => export::export(args),
        HistoryVerb::Push(args) => sharing::push(args),
        HistoryVerb::Pull(args) => sharing::pull(args),
        HistoryVerb::Use { folder } => using::remember(folder),
        HistoryVerb::Forget => using::forget(),
    }
}
