//! Files of other tools: which are, what they say, and where that is kept.

use std::path::Path;

use clap::ValueEnum;

use crate::cli::{complain, print, print_document, say};
use crate::error::{Error, Result};
use crate::files;
use crate::record::foreign::{ForeignFormat, LARGEST_FOREIGN_BYTES, read_foreign};
use crate::record::{History, Personal, Taken, utc_now};
use crate::report::document::Document;
use crate::report::{foreign_document, foreign_line};
use crate::visible::one_line;

/// What every record of ours begins with, whole or cut off.
const OUR_MARK: &[u8] = b"{\"arcgauge\"";

/// The formats of `--as`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SaidFormat {
    /// `llm_bench -rj`
    LlmBenchJson,
    /// `llm_bench -r`
    LlmBenchCsv,
    /// `llama-bench -o json` or `-o jsonl`
    LlamaBenchJson,
    /// `llama-bench -o csv`
    LlamaBenchCsv,
    /// `benchmark.py --output results_optimum.json` of the published benchmark
    PublishedResults,
}

impl SaidFormat {
    fn format(self) -> ForeignFormat {
        match self {
            Self::LlmBenchJson => ForeignFormat::LlmBenchJson,
            Self::LlmBenchCsv => ForeignFormat::LlmBenchCsv,
            Self::LlamaBenchJson => ForeignFormat::LlamaBenchJson,
            Self::LlamaBenchCsv => ForeignFormat::LlamaBenchCsv,
            Self::PublishedResults => ForeignFormat::PublishedResults,
        }
    }
}

/// Takes in a file of another tool and tells it. None where it is no such file, so that it is to be read
/// as a record.
pub(super) fn take(history: &History, file: &Path, said: Option<SaidFormat>) -> Result<Option<Taken>> {
    let bytes = beginning_of(file)?;
    if said.is_none() && bytes.starts_with(OUR_MARK) {
        return Ok(None);
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let of_file = |error: Error| error.of(&format!("`{}`", file.display()));
    let said = said.map(SaidFormat::format);
    let Some(record) = read_foreign(&bytes, &name, said, &utc_now()).map_err(of_file)? else {
        return Ok(None);
    };
    let record = Personal::of_this_user(Vec::new()).taken_from_record(record);
    let taken = history.take_foreign(&record)?;
    let (Taken::Added(path) | Taken::There(path)) = &taken;
    // As it was reported the first time, where it is there already.
    print_document(foreign_document(&History::read_foreign(path)?.record))?;
    for warning in &record.warnings {
        say(&format!("warning: `{}`: {warning}", file.display()));
    }
    say(&format!("taken for {}: `{}`", record.format.title(), path.display()));
    Ok(Some(taken))
}

/// The bytes of a file, and of one that is too large for another tool's no more than show that.
fn beginning_of(file: &Path) -> Result<Vec<u8>> {
    // A byte more than is allowed, so that it is seen to be more.
    files::beginning(file, LARGEST_FOREIGN_BYTES + 1).map_err(|error| {
        error.hint("name a record's file, a folder with records in it, or a file of another tool")
    })
}

/// The text of another tool's file at this path; None where it is of another kind.
pub(super) fn shown(file: &Path) -> Result<Option<Document>> {
    if !History::is_foreign(file) {
        return Ok(None);
    }
    Ok(Some(foreign_document(&History::read_foreign(file)?.record)))
}

/// Lists what other tools measured, below the records; of a store without any, nothing.
pub(super) fn list(history: &History) -> Result<()> {
    let found = history.foreign_found();
    for (_, error) in &found.closed {
        complain(error);
    }
    if found.files.is_empty() {
        return Ok(());
    }
    print("\nOf other tools, compared with nothing:\n")?;
    for file in found.files {
        match History::read_foreign(&file) {
            Ok(stored) => {
                let name = stored.path.file_name().unwrap_or_default().to_string_lossy();
                print(&format!("  {}  {}\n", foreign_line(&stored.record), one_line(&name)))?;
            }
            Err(error) => complain(&error),
        }
    }
    Ok(())
}
