//! `history`: the store of records, reported, checked, fixed, exchanged and shared.

mod changes;
mod exchange;
mod export;
mod selection;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::history::exchange::{imported_shown, list_imported};
use crate::cli::history::selection::Selection;
use crate::cli::named_record::{ANY, find};
use crate::cli::root::Root;
use crate::cli::settings::{Settings, StoreFlag, absolute};
use crate::cli::{exit_code, print_data, print_document, print_line, say, shell};
use crate::error::{Error, Result};
use crate::files::{Overwrite, refuse_links, write_whole};
use crate::record::{self, Ancestry, Entry, PlanKind, keep_line, series_csv, sort_along};
use crate::report::decision::{Subject, decision_document};
use crate::report::kv::kv_document;
use crate::report::peers::peers_document;
use crate::report::soak_document;
use crate::report::{Detail, bench_document, explain, record_list, record_list_json};
use crate::sys::terminal;

pub(super) use crate::cli::history::selection::report_damaged;

#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    #[command(subcommand)]
    verb: HistoryVerb,
}

#[derive(Debug, Subcommand)]
enum HistoryVerb {
    /// List the records along the commits, newest first
    List(ListArgs),
    /// List the commits at which decoding became slower or faster: advice, never a gate
    Changes(changes::ChangesArgs),
    /// Print a record as it was printed when it was made, byte for byte
    Show(ShowArgs),
    /// Read every record whole, and name each that is damaged
    Verify(StoreFlag),
    /// Rebuild the index and the CSV files of a store from its records
    Rebuild(StoreFlag),
    /// Take in records of another store, or files of other tools; what is damaged is named, and nothing is
    /// overwritten
    Import(exchange::ImportArgs),
    /// Copy records to a folder, or export them in a format that another tool reads
    Export(export::ExportArgs),
    /// Add this store's records to a branch of their own on a remote
    Push(exchange::SharingArgs),
    /// Take in the records of that branch
    Pull(exchange::SharingArgs),
    /// Merge the files of each finished month of a Parquet data set into one
    Compact {
        /// The folder of `history export --format parquet`
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Set the store that every verb uses, or have records name which of several identical machines measured
    Use {
        /// The folder, which must be there
        #[arg(value_name = "DIR", required_unless_present = "unit")]
        folder: Option<PathBuf>,

        /// From now on, identify in records which of several identical machines measured, by a hash keyed with its
        /// machine-id
        #[arg(long)]
        unit: bool,
    },
    /// Forget the remembered store and go back to reports/history
    Forget {
        /// Instead, stop identifying in records which of several identical machines measured
        #[arg(long)]
        unit: bool,
    },
}

pub(super) fn history(args: &HistoryArgs) -> Result<u8> {
    match &args.verb {
        HistoryVerb::List(args) => list(args),
        HistoryVerb::Changes(args) => changes::changes(args),
        HistoryVerb::Show(args) => show(args),
        HistoryVerb::Verify(store) => verify(store),
        HistoryVerb::Rebuild(store) => rebuild(store),
        HistoryVerb::Import(args) => exchange::import(args),
        HistoryVerb::Export(args) => export::export(args),
        HistoryVerb::Push(args) => exchange::push(args),
        HistoryVerb::Pull(args) => exchange::pull(args),
        HistoryVerb::Compact { folder } => export::compact(folder),
        HistoryVerb::Use { folder, unit } => remember(folder.as_deref(), *unit),
        HistoryVerb::Forget { unit } => forget(*unit),
    }
}

#[derive(Debug, Args)]
struct ListArgs {
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

fn list(args: &ListArgs) -> Result<u8> {
    let root = Root::find();
    let history = args.store.find(&root)?;
    let index = history.index();
    report_damaged(&index);
    let chosen = args.selection.of(&index, &root)?;
    match args.format {
        Format::Json => print_data(&record_list_json(&chosen))?,
        Format::Table if chosen.is_empty() => {
            say(&format!("no such record in `{}`", history.root().display()));
        }
        // In a pipe, a record has one line, however long.
        Format::Table => {
            print_data(
                &record_list(&chosen, if args.wide { Detail::Wide } else { Detail::Brief })
                    .to_text(Some(terminal::columns(io::stdout()).unwrap_or(usize::MAX))),
            )?;
        }
    }
    if args.format == Format::Table && args.selection.is_everything() {
        list_imported(&history)?;
    }
    Ok(exit_code::PASS)
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// A file, an id or the beginning of one, a commit, `latest`, or `latest~1` for the one before
    #[arg(value_name = "RECORD")]
    record: String,

    /// Print all columns of a run, and its facts
    #[arg(long)]
    wide: bool,

    /// Add the definition of every metric
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    store: StoreFlag,
}

/// Prints a record again.
fn show(args: &ShowArgs) -> Result<u8> {
    let file = Path::new(&args.record);
    if let Some(document) = if file.is_file() { imported_shown(file)? } else { None } {
        print_document(document)?;
        return Ok(exit_code::PASS);
    }
    let root = Root::find();
    let record = find(&args.record, &args.store.find(&root)?, &root, ANY)?.announced().record;
    let mut document = match record.plan {
        PlanKind::Bench => {
            bench_document(record.subject(), if args.wide { Detail::Wide } else { Detail::Brief })
        }
        PlanKind::Ab => decision_document(Subject::of(&record), record.decision.as_ref()),
        PlanKind::Peers => peers_document(&record),
        PlanKind::Kv => kv_document(&record),
        PlanKind::Soak => soak_document(record.subject()),
    };
    if args.explain {
        explain(&mut document);
    }
    print_document(document)?;
    Ok(exit_code::PASS)
}

/// Reads every record whole.
fn verify(store: &StoreFlag) -> Result<u8> {
    let history = store.find(&Root::find())?;
    let (intact, damaged) = history.verify();
    for (path, error) in &damaged {
        print_line(&format!("damaged: {}", path.display()))?;
        for line in error.lines().chain(error.hint_text().map(str::to_owned)) {
            print_line(&format!("  {line}"))?;
        }
    }
    let at = history.root().display();
    print_line(&format!("{intact} intact, {} damaged in `{at}`", damaged.len()))?;
    Ok(if damaged.is_empty() { exit_code::PASS } else { exit_code::HARNESS_FAILED })
}

/// Rebuilds index and CSV files.
fn rebuild(store: &StoreFlag) -> Result<u8> {
    let root = Root::find();
    let history = store.find(&root)?;
    let index = history.rebuilt_index();
    report_damaged(&index);
    if let Some(error) = index.unkept {
        return Err(error);
    }
    let mut entries: Vec<&Entry> = index.entries.iter().collect();
    let ancestry = Ancestry::of_head(root.path())?;
    keep_line(&mut entries, &ancestry);
    sort_along(&mut entries, &ancestry);
    // Oldest first, as whoever looks for changes reads it.
    entries.reverse();
    let mut by_series: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| entry.may_be_baseline()) {
        by_series.entry(&entry.setting.series.id).or_default().push(entry);
    }
    for (id, entries) in &by_series {
        let series = &entries[0].setting.series;
        let folder = history.root().join("csv");
        let file = folder.join(format!("{}.{}.{id}.csv", series.machine, series.device));
        refuse_links(&file, 2)?;
        write_whole(&file, series_csv(entries)?.as_bytes(), Overwrite::Replace)?;
        say(&format!("series {id}: {} records in `{}`", entries.len(), file.display()));
    }
    say(&format!("index: {} records of `{}`", index.entries.len(), history.root().display()));
    Ok(exit_code::PASS)
}

fn remember(folder: Option<&Path>, unit: bool) -> Result<u8> {
    let mut settings = Settings::load()?;
    let folder = folder.map(named_folder).transpose()?;
    if let Some(folder) = &folder {
        settings.store = Some(folder.clone());
    }
    let unit_id = unit.then(record::unit_id).transpose()?;
    settings.unit |= unit;
    let file = settings.save()?;
    if let Some(folder) = folder {
        say(&format!("records are now stored in `{}` (in `{}`)", folder.display(), file.display()));
    }
    if let Some(unit_id) = unit_id {
        say(&format!("records now have the unit id `{unit_id}` (in `{}`)", file.display()));
    }
    Ok(exit_code::PASS)
}

fn named_folder(folder: &Path) -> Result<PathBuf> {
    if folder.exists() && !folder.is_dir() {
        return Err(Error::input(format!("`{}` is no folder", folder.display())).hint("name a folder"));
    }
    // A name with a slip in it would else be a store without records.
    if !folder.is_dir() {
        return Err(Error::input(format!("there is no folder `{}`", folder.display()))
            .hint(format!("make it first: `mkdir -p {}`", shell::word(folder))));
    }
    Ok(absolute(folder.to_owned()))
}

fn forget(unit: bool) -> Result<u8> {
    let mut settings = Settings::load()?;
    let what = if unit {
        settings.unit = false;
        "records have no unit id from now on"
    } else {
        settings.store = None;
        "records are now stored in `reports/history` of the checkout"
    };
    settings.save()?;
    say(what);
    Ok(exit_code::PASS)
}
