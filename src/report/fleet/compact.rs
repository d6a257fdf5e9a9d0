//! Compaction: the many files of a month that is over become one for each class of machines and table, and a record that
//! is in several of them is kept once. Files whose columns differ, as those of two releases, stay apart.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::record::utc_now;
use crate::report::fleet::parquet::{Cell, FileName, ParquetFile, ReadFile, files_in};
use crate::report::fleet::{CLASS, MONTH, MONTH_DIGITS, rows_sha256};
use crate::sys::FileLock;

/// Held while a data set is compacted. Neither Spark nor DuckDB reads a file of such a name.
const LOCK: &str = ".arcgauge-compact.lock";
/// The column that says of which record a row is.
const KEY: &str = "record_sha256";

/// What compaction came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files that were there in months that are over.
    pub files_before: usize,
    /// Files that are there of them now.
    pub files_after: usize,
    /// Rows that were in more than one file.
    pub repeated_rows: usize,
}

/// Compacts the months of a data set that are over. A run that is killed leaves every row in some file, and the next one
/// goes on. `progress` is called with each folder that is done.
///
/// # Errors
/// A folder that is no data set or cannot be written; a file that is none of it; another compaction of it.
pub fn compact(folder: &Path, progress: &mut dyn FnMut(&Path)) -> Result<Compacted> {
    let tables = folders_in(folder)?;
    let lock = folder.join(LOCK);
    let Some(_held) = FileLock::take(&lock, &mut || false)? else {
        return Err(Error::input(format!("another process compacts `{}`", folder.display()))
            .hint("wait until it has ended"));
    };
    let now = utc_now();
    let this_month = now.get(..MONTH_DIGITS).unwrap_or_default();
    let mut compacted = Compacted::default();
    for table in &tables {
        for class in named(&folders_in(table)?, CLASS) {
            for month in named(&folders_in(&class)?, MONTH) {
                let is_over = month.file_name().and_then(|name| name.to_str()?.strip_prefix(MONTH));
                if is_over.is_some_and(|month| month < this_month) {
                    compact_month(&month, &mut compacted)?;
                    progress(&month);
                }
            }
        }
    }
    Ok(compacted)
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let unlisted = |cause| {
        Error::io("list", folder, &cause)
            .as_input()
            .hint("name the folder of `cargo xtask history export --format parquet --output DIR`")
    };
    let entries = fs::read_dir(folder).map_err(unlisted)?.flatten();
    // A link to a folder is none: what is removed is removed here.
    let mut folders: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    folders.sort_unstable();
    Ok(folders)
}

fn named(folders: &[PathBuf], prefix: &str) -> Vec<PathBuf> {
    let is_named = |folder: &&PathBuf| {
        folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix))
    };
    folders.iter().filter(is_named).cloned().collect()
}

/// A file of a month.
type NamedFile = (FileName, PathBuf);

/// Files of different columns stay apart, as those of two releases.
fn compact_month(month: &Path, compacted: &mut Compacted) -> Result<()> {
    let files = files_in(month)?;
    compacted.files_before += files.len();
    let mut by_schema: BTreeMap<String, Vec<NamedFile>> = BTreeMap::new();
    for (name, path) in files {
        let columns = format!("{:?}", ReadFile::open(&name, &path)?.schema());
        by_schema.entry(columns).or_default().push((name, path));
    }
    for files in by_schema.values() {
        compacted.repeated_rows += compact_files(month, files)?;
        compacted.files_after += 1;
    }
    Ok(())
}

/// Gives the rows that were in more than one file. A record is taken from the first file that has it, in the order of
/// their names.
fn compact_files(month: &Path, files: &[NamedFile]) -> Result<usize> {
    let mut records: BTreeSet<String> = BTreeSet::new();
    let mut own_of_files: Vec<HashSet<String>> = Vec::new();
    let mut repeated = 0;
    for file in files {
        let mut own = HashSet::new();
        for_each_row(file, &mut |key, _| {
            if records.contains(&key) {
                repeated += 1;
            } else {
                own.insert(key);
            }
            Ok(())
        })?;
        records.extend(own.iter().cloned());
        own_of_files.push(own);
    }
    let rows_sha256 = rows_sha256(records.iter());
    let whole = if let Some((name, _)) = files.iter().find(|(name, _)| name.rows_sha256 == rows_sha256) {
        name.clone()
    } else {
        let (first, path) = &files[0];
        let mut out = ParquetFile::create(month, &rows_sha256, ReadFile::open(first, path)?.schema())?;
        for (file, own) in files.iter().zip(&own_of_files) {
            for_each_row(file, &mut |key, cells| if own.contains(&key) { out.push(cells) } else { Ok(()) })?;
        }
        out.finish()?
    };
    // The new file is on the disk, and all that is removed is in it.
    for (_, path) in files.iter().filter(|(name, _)| *name != whole) {
        fs::remove_file(path).map_err(|cause| Error::io("remove", path, &cause))?;
    }
    Ok(repeated)
}

fn for_each_row(file: &NamedFile, row: &mut dyn FnMut(String, Vec<Cell>) -> Result<()>) -> Result<()> {
    let (name, path) = file;
    let read = ReadFile::open(name, path)?;
    let none =
        || Error::input(format!("`{}` has a row without `{KEY}`", path.display())).hint("move it away");
    let place = read.place(KEY).ok_or_else(none)?;
    read.for_each(&mut |cells| match &cells[place] {
        Cell::Text(Some(key)) => row(key.clone(), cells),
        _ => Err(none()),
    })
}
