//! `history export`: records as a store of their own, or in a format that another tool reads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::history::exchange::taken;
use crate::cli::history::selection::{Selection, chosen, report_damaged};
use crate::cli::progress::counting_bar;
use crate::cli::root::Root;
use crate::cli::settings::StoreFlag;
use crate::cli::{command_github, exit_code, print_data, say};
use crate::error::{Error, Result};
use crate::files::{Overwrite, check_writable, write_whole};
use crate::measure::Direction;
use crate::record::{Ancestry, Entry, Experiment, History, RecordFile, keep_line, series_csv, sort_along};
use crate::report::counted;
use crate::report::exchange::{ExchangeFormat, exchange, invalidated, otava_config, otava_csv};
use crate::report::fleet::{self, Compacted};

#[derive(Debug, Args)]
#[command(after_help = "\
Without a RECORD all records of the store are meant that the filters leave.

csv and otava hold one series, a row a run; the other formats hold several apart by name. Speed is exported \
of verified output alone: what is left out is named on stderr, and where nothing is left that is an error. \
parquet alone has every record, with its validity and the result on its output in columns.")]
pub(super) struct ExportArgs {
    /// A record's file, its id, `latest`, or the records of a range of commits, as in v1..HEAD
    #[arg(value_name = "RECORD|A..B")]
    records: Vec<String>,

    /// Folder to copy the records to, as a store of its own; with --format the file to write
    #[arg(long, value_name = "DIR|FILE", required_unless_present = "format")]
    output: Option<PathBuf>,

    /// Export them in a format that another tool reads, on stdout where no --output is named
    #[arg(long, value_name = "FORMAT")]
    format: Option<ExportFormat>,

    /// With `csv`: what a row is
    #[arg(long, value_name = "WHAT", requires = "format")]
    rows: Option<Rows>,

    /// With `benchmark-action`: which values to write, because one of its files holds one direction
    #[arg(long, value_name = "WHICH", required_if_eq("format", "benchmark-action"))]
    direction: Option<Better>,

    /// With `otava`: write its configuration here, which names the file of --output
    #[arg(long, value_name = "FILE", requires = "output", requires = "format")]
    otava_config: Option<PathBuf>,

    /// With `parquet`: write the table of single tokens and their times, too, which is larger than all others together
    #[arg(long, requires = "format")]
    tokens: bool,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    store: StoreFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// A table
    Csv,
    /// A series for apache-otava
    Otava,
    /// The rows of llama-bench, for compare-llama-bench.py
    LlamaBench,
    /// Entries of github-action-benchmark
    BenchmarkAction,
    /// Bencher Metric Format
    Bmf,
    /// Go's benchmark text, for benchstat
    Benchstat,
    /// JUnit's XML: decisions, and the output of each prompt
    Junit,
    /// Decisions as a step's summary, with annotations on stderr
    Github,
    /// A data set for DuckDB and Apache Spark, in the folder of --output
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// One row per verified run of a clean commit: time, commit, means over all prompts
    Commit,
    /// One row per generation
    Sample,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Better {
    /// Times and memory: customSmallerIsBetter
    Smaller,
    /// Throughputs: customBiggerIsBetter
    Bigger,
}

/// Copies records, or renders them.
pub(super) fn export(args: &ExportArgs) -> Result<u8> {
    fits(args)?;
    let root = Root::find();
    let history = args.store.find(&root)?;
    let index = history.index();
    report_damaged(&index);
    let records = chosen(&args.records, &args.selection, &history, &index, &root)?;
    if records.is_empty() {
        return Err(Error::input(format!("no such record in `{}`", history.root().display()))
            .hint("`cargo xtask history list` names them"));
    }
    let Some(format) = args.format else {
        copy(&records, args.output.as_deref().unwrap_or(Path::new("")))?;
        return Ok(exit_code::PASS);
    };
    if format == ExportFormat::Parquet {
        return data_set(args, &records);
    }
    if let Some(output) = &args.output {
        check_writable(output)?;
    }
    if let Some(format) = of_records(args, format) {
        reported(args, format, &records)?;
        return Ok(exit_code::PASS);
    }
    let rows = of_line(&records, &args.records, &root)?;
    warn_of_invalidated(&records, &rows)?;
    match format {
        ExportFormat::Otava => otava(args, &rows)?,
        _ => write(args, &series_csv(&rows)?)?,
    }
    Ok(exit_code::PASS)
}

/// Writes the rows of the records into a data set, beside those that are there.
fn data_set(args: &ExportArgs, records: &[RecordFile]) -> Result<u8> {
    let Some(folder) = &args.output else {
        return Err(Error::input("`--format parquet` writes a folder of files")
            .hint("name the folder with `--output DIR`"));
    };
    let bar = counting_bar("exporting  {pos}/{len} records");
    bar.set_length(records.len() as u64);
    let exported = fleet::export(records, folder, args.tokens, &mut |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let exported = exported?;
    say(&format!(
        "{} in `{}`, {} of them there before",
        counted(exported.written + exported.there, "record"),
        folder.display(),
        exported.there
    ));
    Ok(exit_code::PASS)
}

/// Makes one file of the many that a month of a data set has.
pub(super) fn compact(folder: &Path) -> Result<u8> {
    let bar = counting_bar("compacting  {pos} months");
    let compacted = fleet::compact(folder, &mut |_| bar.inc(1));
    bar.finish_and_clear();
    let Compacted { files_before, files_after, repeated_rows } = compacted?;
    say(&format!(
        "{} of months that are over became {files_after}; {} in several files",
        counted(files_before, "file"),
        if repeated_rows == 1 { "1 row was".to_owned() } else { format!("{repeated_rows} rows were") }
    ));
    Ok(exit_code::PASS)
}

/// Flags that are of another format than the one that was chosen.
fn fits(args: &ExportArgs) -> Result<()> {
    let flags = [
        ("--rows", args.rows.is_some(), ExportFormat::Csv, "csv"),
        ("--direction", args.direction.is_some(), ExportFormat::BenchmarkAction, "benchmark-action"),
        ("--otava-config", args.otava_config.is_some(), ExportFormat::Otava, "otava"),
        ("--tokens", args.tokens, ExportFormat::Parquet, "parquet"),
    ];
    for (flag, is_given, format, word) in flags {
        if is_given && args.format != Some(format) {
            return Err(Error::input(format!("`{flag}` is of `--format {word}` alone"))
                .hint(format!("leave `{flag}` out, or choose `--format {word}`")));
        }
    }
    Ok(())
}

/// The other store takes them in as it takes in any: whole, and never over another.
fn copy(records: &[RecordFile], output: &Path) -> Result<()> {
    let other = History::at(output.to_owned());
    for record in records {
        taken(&other, &record.file)?;
    }
    say(&format!("{} records in `{}`", records.len(), output.display()));
    Ok(())
}

/// The rows of a series, oldest first along the line of the checkout, and nothing beside it unless it was
/// named.
fn of_line<'a>(records: &'a [RecordFile], names: &[String], root: &Root) -> Result<Vec<&'a Entry>> {
    let mut entries: Vec<&Entry> = records.iter().map(|record| &record.entry).collect();
    let ancestry = Ancestry::of_head(root.path())?;
    if names.is_empty() {
        keep_line(&mut entries, &ancestry);
    }
    sort_along(&mut entries, &ancestry);
    entries.reverse();
    entries.retain(|entry| entry.may_be_baseline());
    is_one_series(&entries)?;
    if entries.is_empty() {
        return Err(Error::input(
            "none of these records has a row: a row is a verified run of a clean commit",
        )
        .hint("`cargo xtask history list` names them; `--rows sample` exports changed trees, too"));
    }
    Ok(entries)
}

/// Whether the records can stand in one column.
fn is_one_series(entries: &[&Entry]) -> Result<()> {
    let reported = entries.iter().map(|entry| &entry.setting.series);
    let series: BTreeSet<String> = reported
        .map(|series| format!("{} ({}, {}, {})", series.id, series.machine, series.model, series.device))
        .collect();
    if series.len() > 1 {
        let names = series.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::input(format!("these records are of several series: {names}"))
            .hint("name one with `--series ID`"));
    }
    Ok(())
}

fn otava(args: &ExportArgs, entries: &[&Entry]) -> Result<()> {
    let series = otava_csv(entries)?;
    warn(&series.warnings);
    write(args, &series.csv)?;
    let Some((config, output)) = args.otava_config.as_ref().zip(args.output.as_ref()) else { return Ok(()) };
    check_writable(config)?;
    let Some(output) = output.to_str() else {
        return Err(Error::input(format!("`{}` is not UTF-8, and otava's YAML is", output.display()))
            .hint("write the series to a file of another name"));
    };
    if let Some(text) = otava_config(entries, output, &series.since_utc) {
        write_whole(config, text.as_bytes(), Overwrite::ReplaceBehindLink)?;
        say(&format!("configuration: {}", config.display()));
    }
    Ok(())
}

/// The format, where it is a function of the records alone; None of a series and of a data set.
fn of_records(args: &ExportArgs, format: ExportFormat) -> Option<ExchangeFormat> {
    Some(match format {
        ExportFormat::Csv if args.rows == Some(Rows::Sample) => ExchangeFormat::SampleCsv,
        ExportFormat::Csv | ExportFormat::Otava | ExportFormat::Parquet => return None,
        ExportFormat::LlamaBench => ExchangeFormat::LlamaBench,
        ExportFormat::BenchmarkAction if args.direction == Some(Better::Bigger) => {
            ExchangeFormat::BenchmarkAction(Direction::Higher)
        }
        ExportFormat::BenchmarkAction => ExchangeFormat::BenchmarkAction(Direction::Lower),
        ExportFormat::Bmf => ExchangeFormat::MetricFormat,
        ExportFormat::Benchstat => ExchangeFormat::Benchstat,
        ExportFormat::Junit => ExchangeFormat::Junit,
        ExportFormat::Github => ExchangeFormat::Github,
    })
}

/// Exports records in such a format.
fn reported(args: &ExportArgs, format: ExchangeFormat, records: &[RecordFile]) -> Result<()> {
    if format == ExchangeFormat::SampleCsv {
        is_one_series(&records.iter().map(|record| &record.entry).collect::<Vec<_>>())?;
    }
    let records = records.iter().map(RecordFile::read).collect::<Result<Vec<Experiment>>>()?;
    let reported = exchange(format, &records)?;
    warn(&reported.warnings);
    write(args, &reported.text)?;
    for line in reported.annotations.lines() {
        command_github(line);
    }
    Ok(())
}

/// The formats with a row a run are made from the index, which knows nothing of guards.
fn warn_of_invalidated(records: &[RecordFile], rows: &[&Entry]) -> Result<()> {
    let has_a_row = |record: &&RecordFile| rows.iter().any(|row| row.path == record.entry.path);
    let rows = records.iter().filter(has_a_row).map(RecordFile::read).collect::<Result<Vec<Experiment>>>()?;
    warn(&invalidated(&rows));
    Ok(())
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        say(&format!("warning: {warning}"));
    }
}

/// To the file, whole, or to stdout.
fn write(args: &ExportArgs, text: &str) -> Result<()> {
    if let Some(output) = &args.output {
        return write_whole(output, text.as_bytes(), Overwrite::ReplaceBehindLink);
    }
    print_data(text)
}
