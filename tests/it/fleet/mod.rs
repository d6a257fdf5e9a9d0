//! `history export --format parquet` and `history compact`: the rows are those of the records, each once, whatever is
//! killed, repeated or done by several at once.

mod compaction;
mod page;
mod queries;
mod rows;
mod spark;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use arcgauge::record::{Experiment, History};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::forged;
use crate::forged_pairs::{ab, around};
use crate::history_index::verified;

/// The values of a row by their columns, as text; null is none.
type Row = BTreeMap<String, String>;

/// A store of runs of three days and an A/B.
fn a_store() -> Checkout {
    let checkout = Checkout::new();
    for (run_id, when_utc) in [
        ("00000000000a", "2026-08-30T10:00:00Z"),
        ("00000000000b", "2026-08-30T11:00:00Z"),
        ("00000000000c", "2026-09-01T00:00:00Z"),
    ] {
        forged::store(&checkout, &at(when_utc, verified(run_id)));
    }
    forged::store(&checkout, &at("2026-09-02T00:00:00Z", ab(&around(20.0, 0.3, 5))));
    checkout
}

fn at(when_utc: &str, record: Experiment) -> Experiment {
    Experiment { when_utc: when_utc.to_owned(), ..record }
}

fn export(checkout: &Checkout, more: &[&str]) -> Ended {
    checkout.run(["history", "export", "--format", "parquet", "--output", "data"].iter().chain(more))
}

/// The files of a folder and all below it, with their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

/// The rows of a table, in the order of the files.
fn rows(data: &Path, table: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    // A temporary file of a writer that was killed is none of them.
    let is_whole = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "parquet");
    for file in files(&data.join(table)).into_keys().filter(is_whole) {
        let reader = SerializedFileReader::new(fs::File::open(&file).unwrap()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let there = row.get_column_iter().filter(|(_, value)| !matches!(value, Field::Null));
            rows.push(there.map(|(name, value)| (name.clone(), text(value))).collect());
        }
    }
    rows
}

fn text(value: &Field) -> String {
    match value {
        Field::Str(text) => text.clone(),
        Field::Long(number) => number.to_string(),
        other => other.to_string(),
    }
}

fn names(rows: &[Row]) -> BTreeSet<String> {
    rows.iter()
        .map(|row| format!("{} {}", row["record_sha256"], row.get("arm").map_or("", |arm| arm)))
        .collect()
}

/// Each record of a store by its name.
fn records(checkout: &Checkout) -> BTreeMap<String, Experiment> {
    let files = checkout.record_files();
    files
        .iter()
        .map(|file| (History::payload_sha256(file).unwrap(), History::read(file).unwrap().record))
        .collect()
}
