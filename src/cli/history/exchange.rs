//! `history import`: records as files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::history::foreign::{self, SaidFormat};
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{complain, exit_code, print_line, say};
use crate::error::{Error, ErrorKind, Result};
use crate::files::{self, FileKind};
use crate::record::{History, RecordSource, Taken, header};

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

/// Takes in records, byte for byte, and what files of other tools say.
pub(super) fn import(args: &ImportArgs) -> Result<ExitCode> {
    let history = args.store.find(&Root::find())?;
    let (mut added, mut there, mut refused) = (0, 0, 0);
    for from in &args.from {
        let (files, errors) = records_at(from);
        refused += errors.len();
        errors.iter().for_each(complain);
        for file in files {
            let foreign = foreign::take(&history, &file, args.said);
            let is_foreign = matches!(foreign, Ok(Some(_)));
            match foreign.and_then(|found| found.map_or_else(|| taken(&history, &file), Ok)) {
                Ok(Taken::Added(path)) => {
                    added += 1;
                    if !is_foreign {
                        print_line(&path.display().to_string())?;
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
    if added > 0 {
        say("they are shown as imported and decide nothing here: a sha256 is no signature (docs/trust.md)");
    }
    Ok(ExitCode::from(if refused == 0 { exit_code::PASS } else { exit_code::INPUT }))
}

/// The file itself, or the records in and below the folder; and why others are none.
fn records_at(from: &Path) -> (Vec<PathBuf>, Vec<Error>) {
    const HINT: &str = "name a record's file, or a folder with records in it";
    if from.exists() && !from.is_file() && !from.is_dir() {
        let what = format!("`{}` is neither a file nor a folder", from.display());
        return (Vec::new(), vec![Error::input(what).hint(HINT)]);
    }
    if !from.is_dir() {
        return (vec![from.to_owned()], Vec::new());
    }
    let folder = History::at(from.to_owned());
    let (files, mut errors): (_, Vec<Error>) =
        (folder.files(), folder.closed().into_iter().map(|(_, error)| error).collect());
    if files.is_empty() && errors.is_empty() {
        errors.push(Error::input(format!("no record in `{}`", from.display())).hint(HINT));
    }
    (files, errors)
}

/// Takes one file in.
pub(super) fn taken(history: &History, file: &Path) -> Result<Taken> {
    let bytes = files::read(file, FileKind::Record)
        .map_err(|error| error.hint("name a record's file, or a folder with records in it"))?;
    let name = file.display().to_string();
    header(&bytes, &name).map_err(|error| {
        error.hint(
            "name a whole record, or a file of llm_bench, llama-bench or the published benchmark; \
             docs/import.md lists them",
        )
    })?;
    history.take(&bytes, &name, &RecordSource::Imported)
}
