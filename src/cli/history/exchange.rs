//! `history import`, `history export`: records as files, and a series as CSV.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::history::foreign::{self, SaidFormat};
use crate::cli::history::selection::{Selection, complain_of};
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{complain, exit_code, print, say};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Ancestry, Entry, History, Taken, keep_line, series_csv};

/// Flags of `history import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Records, folders with records in them, or files of other tools: `llm_bench`, llama-bench and the
    /// published benchmark
    #[arg(value_name = "FILE|DIR", required = true)]
    from: Vec<PathBuf>,

    /// Take the files for another tool's, of this format, whatever they look like
    #[arg(long = "as", value_name = "FORMAT")]
    said: Option<SaidFormat>,

    #[command(flatten)]
    store: StoreFlag,
}

/// Flags of `history export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Folder to copy the records to, as a store of its own
    #[arg(long, value_name = "DIR", required_unless_present = "format", conflicts_with = "format")]
    output: Option<PathBuf>,

    /// Print one series, a row a record that others may be held against
    #[arg(long, value_name = "FORMAT")]
    format: Option<ExportFormat>,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    store: StoreFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    Csv,
}

/// Takes in records, byte for byte, and what files of other tools say.
pub(super) fn import(args: &ImportArgs) -> Result<ExitCode> {
    let history = args.store.find(&Root::find())?;
    let (mut added, mut there, mut refused) = (0, 0, 0);
    for from in &args.from {
        for file in records_at(from)? {
            let foreign = foreign::take(&history, &file, args.said);
            let is_foreign = matches!(foreign, Ok(Some(_)));
            match foreign.and_then(|found| found.map_or_else(|| taken(&history, &file), Ok)) {
                Ok(Taken::Added(path)) => {
                    added += 1;
                    if !is_foreign {
                        print(&format!("{}\n", path.display()));
                    }
                }
                Ok(Taken::There(_)) => there += 1,
                Err(error) if error.kind() == ErrorKind::Harness => return Err(error),
                Err(error) => {
                    refused += 1;
                    complain(&error);
                }
            }
        }
    }
    say(&format!("{added} added, {there} there already, {refused} refused"));
    Ok(ExitCode::from(if refused == 0 { exit_code::PASS } else { exit_code::INPUT }))
}

/// The file itself, or the records in and below the folder.
fn records_at(from: &Path) -> Result<Vec<PathBuf>> {
    if !from.is_dir() {
        return Ok(vec![from.to_owned()]);
    }
    let files = History::at(from.to_owned()).files();
    if files.is_empty() {
        return Err(Error::input(format!("no record in `{}`", from.display()))
            .hint("name a record's file, or a folder with records in it"));
    }
    Ok(files)
}

fn taken(history: &History, file: &Path) -> Result<Taken> {
    let bytes = fs::read(file).map_err(|cause| {
        Error::io("read", file, &cause)
            .as_input()
            .hint("name a record's file, or a folder with records in it")
    })?;
    history.take(&bytes, &file.display().to_string())
}

/// Copies records, or prints a series.
pub(super) fn export(args: &ExportArgs) -> Result<ExitCode> {
    let root = Root::find();
    let history = args.store.find(&root)?;
    let index = history.index();
    complain_of(&index);
    let mut chosen = args.selection.of(&index, &root)?;
    if chosen.is_empty() {
        return Err(Error::input(format!("no such record in `{}`", history.root().display()))
            .hint("`cargo xtask history list` names them"));
    }
    if let Some(output) = &args.output {
        copy(&history, &chosen, output)?;
    } else {
        let ancestry = Ancestry::of_head(root.path())?;
        keep_line(&mut chosen, &ancestry);
        chosen.reverse();
        print(&series_csv(&of_one_series(&chosen)?)?);
    }
    Ok(ExitCode::from(exit_code::PASS))
}

/// The other store takes them in as it takes in any: whole, and never over another.
fn copy(history: &History, chosen: &[&Entry], output: &Path) -> Result<()> {
    let other = History::at(output.to_owned());
    for entry in chosen {
        taken(&other, &history.root().join(&entry.path))?;
    }
    say(&format!("{} records in `{}`", chosen.len(), output.display()));
    Ok(())
}

/// The records with a row, where they can stand in one column.
fn of_one_series<'a>(chosen: &[&'a Entry]) -> Result<Vec<&'a Entry>> {
    let rows: Vec<&Entry> = chosen.iter().copied().filter(|entry| entry.may_be_baseline()).collect();
    let series: BTreeSet<String> = rows
        .iter()
        .map(|entry| &entry.setting.series)
        .map(|series| format!("{} ({}, {}, {})", series.id, series.machine, series.model, series.device))
        .collect();
    if series.len() > 1 {
        let names = series.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::input(format!("these records are of several series: {names}"))
            .hint("name one with `--series ID`"));
    }
    Ok(rows)
}
