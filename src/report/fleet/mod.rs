//! The records of a fleet as a Parquet data set, which DuckDB reads on one machine and Apache Spark on many.
//!
//! ```text
//! TABLE/machine_class=SLUG/month=YYYY-MM/RECORDS-BYTES.parquet
//! ```
//!
//! A file holds what one machine measured on one day. Its name has the sha256 over the sorted names of its records, so that
//! the same records give the same file, whoever exports them and however often, and the sha256 of its bytes. The data set
//! is derived: the records stay the only truth.

mod compact;
mod parquet;
mod results;
mod tables;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::files::is_file_name;
use crate::judge::pair_values;
use crate::record::{
    ArmView, Entry, Experiment, History, PlanKind, RecordFile, Side, seconds_of_utc, sha256_of_bytes,
};
use crate::report::facts::guard_states;
use crate::report::fleet::parquet::{Cell, Column, Kind, ParquetFile, has_rows, schema};
use crate::report::fleet::tables::{
    ArmRow, GUARDS, GuardRow, PAIRS, PairRow, RUNS, RecordRow, SAMPLES, SampleRow, Sums, TOKENS, VERDICTS,
    VerdictRow,
};

pub use compact::{Compacted, compact};
pub use results::QueryResults;

/// The table whose file is written last: where it is there, the others of its records are.
const RUNS_TABLE: &str = "runs";
const TOKENS_TABLE: &str = "tokens";
const CLASS: &str = "machine_class=";
const MONTH: &str = "month=";
/// `YYYY-MM-DD` at the beginning of a moment.
const DAY: usize = 10;
/// `YYYY-MM`.
const MONTH_DIGITS: usize = 7;

/// What an export came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FleetExport {
    /// Records whose rows were written.
    pub written: usize,
    /// Records whose rows were there.
    pub there: usize,
}

/// What one machine measured on one day.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    machine_class: String,
    unit_id: Option<String>,
    day: String,
}

/// Writes the rows of these records below a folder; `tokens` asks for the table of single steps, too. What is there is
/// not read again. `progress` is called with the number of records that are done.
///
/// # Errors
/// A record that cannot be read; a folder that cannot be written. What was written until then is whole, and stays.
pub fn export(
    records: &[RecordFile],
    folder: &Path,
    tokens: bool,
    progress: &mut dyn FnMut(usize),
) -> Result<FleetExport> {
    let mut groups: BTreeMap<Group, BTreeMap<String, &Path>> = BTreeMap::new();
    for record in records {
        let sha256 = History::payload_sha256(&record.file)?;
        let Entry { run_id, when_utc, setting, unit_id, .. } = &record.entry;
        let group = Group::of(run_id, when_utc, &setting.series.machine, unit_id.as_ref())?;
        groups.entry(group).or_default().insert(sha256, &record.file);
    }
    let mut export = FleetExport::default();
    for (group, records) in &groups {
        let place = Place { folder, month: group.month(), rows_sha256: rows_sha256(records.keys()) };
        let is_there = place.has(RUNS_TABLE)? && (!tokens || place.has(TOKENS_TABLE)?);
        if is_there {
            export.there += records.len();
        } else {
            write_group(
                records.iter().map(|(sha256, path)| {
                    let record = History::read(path)?.record;
                    export.written += 1;
                    progress(export.written + export.there);
                    Ok((sha256, record))
                }),
                &place,
                tokens,
            )?;
        }
        progress(export.written + export.there);
    }
    Ok(export)
}

/// Writes the rows of records in memory, by their names, which one machine measured on one day.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_day(records: &BTreeMap<String, Experiment>, folder: &Path, tokens: bool) -> Result<()> {
    let Some(any) = records.values().next() else { return Ok(()) };
    let group = Group::of(&any.run_id, &any.when_utc, &any.machine.slug, any.unit_id.as_ref())?;
    let place = Place { folder, month: group.month(), rows_sha256: rows_sha256(records.keys()) };
    write_group(records.iter().map(|(sha256, record)| Ok((sha256, record))), &place, tokens)
}

impl Group {
    fn of(run_id: &str, when_utc: &str, machine: &str, unit_id: Option<&String>) -> Result<Self> {
        let refused = |why: &str| {
            Error::input(format!("record `{run_id}` {why}")).hint("leave it out, and name the others")
        };
        let day = when_utc.get(..DAY).filter(|_| seconds_of_utc(when_utc).is_some());
        let day = day.ok_or_else(|| refused(&format!("says that it began at `{when_utc}`")))?;
        // A record that somebody named lies in no store, and its machine may be called anything.
        if !is_file_name(machine) {
            return Err(refused("has a machine that is no name"));
        }
        Ok(Self { machine_class: machine.to_owned(), unit_id: unit_id.cloned(), day: day.to_owned() })
    }

    /// The folder below that of a table.
    fn month(&self) -> PathBuf {
        Path::new(&format!("{CLASS}{}", self.machine_class))
            .join(format!("{MONTH}{}", &self.day[..MONTH_DIGITS]))
    }
}

/// What the rows of these records are called, which are sorted.
fn rows_sha256<'a>(records: impl Iterator<Item = &'a String>) -> String {
    sha256_of_bytes(records.map(String::as_str).collect::<String>())
}

/// Where the rows of a group belong in each table.
struct Place<'a> {
    folder: &'a Path,
    month: PathBuf,
    rows_sha256: String,
}

impl Place<'_> {
    fn of_table(&self, table: &str) -> PathBuf {
        self.folder.join(table).join(&self.month)
    }

    fn has(&self, table: &str) -> Result<bool> {
        has_rows(&self.of_table(table), &self.rows_sha256)
    }
}

/// A table that is being written; without a row there is no file.
struct TableFile<'a, F: 'static> {
    place: &'a Place<'a>,
    table: &'static str,
    columns: &'static [Column<F>],
    file: Option<ParquetFile>,
}

impl<'a, F> TableFile<'a, F> {
    fn new(place: &'a Place<'a>, table: &'static str, columns: &'static [Column<F>]) -> Self {
        Self { place, table, columns, file: None }
    }

    fn push(&mut self, cell: impl Fn(&F) -> Cell) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(ParquetFile::create(
                &self.place.of_table(self.table),
                &self.place.rows_sha256,
                schema(self.columns)?,
            )?),
        };
        file.push(self.columns.iter().map(|column| cell(&column.of)))
    }

    fn finish(self) -> Result<()> {
        self.file.map_or(Ok(()), |file| file.finish().map(|_| ()))
    }
}

/// Of records that are read, one is in memory at a time.
fn write_group<'a, R: Borrow<Experiment>>(
    records: impl Iterator<Item = Result<(&'a String, R)>>,
    place: &Place<'_>,
    tokens: bool,
) -> Result<()> {
    let mut runs = TableFile::new(place, RUNS_TABLE, RUNS);
    let mut samples = TableFile::new(place, "samples", SAMPLES);
    let mut steps = TableFile::new(place, TOKENS_TABLE, TOKENS);
    let mut guards = TableFile::new(place, "guards", GUARDS);
    let mut verdicts = TableFile::new(place, "verdicts", VERDICTS);
    let mut pairs = TableFile::new(place, "pairs", PAIRS);
    for record in records {
        let (sha256, record) = record?;
        let record = record.borrow();
        let of = RecordRow { sha256, record };
        for (number, arm) in record.views().enumerate() {
            let row = ArmRow { of, number, arm };
            runs.push(|cell| cell(&row))?;
            for (number, sample) in arm.arm.measured_samples().enumerate() {
                let row = SampleRow { of: row, number, sample };
                samples.push(|cell| cell(&row))?;
                if tokens {
                    steps.push(|cell| cell(&row))?;
                }
            }
            for (guard, state) in guard_states(arm.arm) {
                let row = GuardRow { of: row, guard, state };
                guards.push(|cell| cell(&row))?;
            }
        }
        if let Some(decision) = record.decision.as_ref().filter(|_| record.plan == PlanKind::Ab) {
            let row = VerdictRow { of, decision };
            verdicts.push(|cell| cell(&row))?;
        }
        for row in pairs_of(of) {
            pairs.push(|cell| cell(&row))?;
        }
    }
    samples.finish()?;
    steps.finish()?;
    guards.finish()?;
    verdicts.finish()?;
    pairs.finish()?;
    runs.finish()
}

/// The pairs of an A/B of which both sides have a speed.
fn pairs_of(of: RecordRow<'_>) -> Vec<PairRow<'_>> {
    if of.record.plan != PlanKind::Ab {
        return Vec::new();
    }
    let values = pair_values(of.record);
    let row = |number: usize| {
        let [base, head] = Side::BOTH.map(|side| sums_in(of.record, number, side));
        let value = values.get(number)?;
        Some(PairRow { of, number, first: value.first, counts: value.counts, sides: [base?, head?] })
    };
    (0..of.record.rounds.len()).filter_map(row).collect()
}

fn sums_in(record: &Experiment, round: usize, side: Side) -> Option<Sums> {
    let process = record.process_of(round, side.arm())?;
    let arm: ArmView<'_> = record.side(side);
    Sums::of_all(arm.arm.measured_samples().filter(|sample| sample.process == process))
}

/// A column, for those who read it: its name, its kind and what it means.
type Described = (&'static str, Kind, &'static str);

fn described<F>(columns: &[Column<F>]) -> Vec<Described> {
    columns.iter().map(|column| (column.name, column.kind, column.meaning)).collect()
}

/// Each table, what a row of it is, and its columns.
fn tables() -> [(&'static str, &'static str, Vec<Described>); 6] {
    [
        (RUNS_TABLE, "an arm of an experiment", described(RUNS)),
        ("samples", "a measured generation", described(SAMPLES)),
        (TOKENS_TABLE, "a measured generation, with `--tokens`", described(TOKENS)),
        ("guards", "a guard of an arm", described(GUARDS)),
        ("verdicts", "an A/B that came to a decision", described(VERDICTS)),
        ("pairs", "a pair of an A/B", described(PAIRS)),
    ]
}

/// The tables and their columns, as a page of the documentation has them.
pub fn tables_markdown() -> String {
    let mut text = String::new();
    for (name, row, columns) in tables() {
        let _ = writeln!(text, "### {name}\n\nA row is {row}.\n\n| column | type | meaning |\n|---|---|---|");
        for (name, kind, meaning) in columns {
            let _ = writeln!(text, "| `{name}` | {} | {meaning} |", kind.as_str());
        }
        text.push('\n');
    }
    text
}

/// The same for programs, to which a table without rows would be unknown: the kind of each column of each table.
pub fn tables_json() -> String {
    let tables = tables().into_iter().map(|(table, _, columns)| {
        (table, columns.into_iter().map(|(name, kind, _)| (name, kind.as_str())).collect::<Value>())
    });
    format!("{:#}\n", tables.collect::<Value>())
}
