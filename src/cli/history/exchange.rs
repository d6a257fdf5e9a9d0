//! `history import`, `push`, `pull`: records as files, what files of other tools say, and records on a branch.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use strum::VariantArray;

use crate::cli::root::Root;
use crate::cli::settings::{StoreFlag, cache_folder};
use crate::cli::{complain, exit_code, print, print_document, print_line, say};
use crate::error::{Error, ErrorKind, Result};
use crate::files::{self, FileKind};
use crate::record::imported::{ImportedFormat, LARGEST_IMPORTED_BYTES, read_imported};
use crate::record::{History, Personal, RecordSource, Relay, Taken, header, utc_now};
use crate::report::document::Document;
use crate::report::{imported_document, imported_line};
use crate::visible::one_line;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Records, folders with records in them, or files of other tools: `llm_bench`, llama-bench and the
    /// published benchmark
    #[arg(value_name = "FILE|DIR", required = true)]
    from: Vec<PathBuf>,

    /// Take the files for another tool's, of this format, whatever they look like
    #[arg(long = "as", value_name = "FORMAT", value_parser = named_format())]
    said: Option<ImportedFormat>,

    #[command(flatten)]
    store: StoreFlag,
}

/// Takes in records, byte for byte, and what files of other tools say.
pub(super) fn import(args: &ImportArgs) -> Result<u8> {
    let history = args.store.find(&Root::find())?;
    let (mut added, mut there, mut refused) = (0, 0, 0);
    for from in &args.from {
        let (files, errors) = records_at(from);
        refused += errors.len();
        errors.iter().for_each(complain);
        for file in files {
            let imported = take_imported(&history, &file, args.said);
            let is_imported = matches!(imported, Ok(Some(_)));
            match imported.and_then(|found| found.map_or_else(|| taken(&history, &file), Ok)) {
                Ok(Taken::Added(path)) => {
                    added += 1;
                    if !is_imported {
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
    Ok(if refused == 0 { exit_code::PASS } else { exit_code::INPUT })
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

/// What every record of ours begins with, whole or cut off.
const OUR_MARK: &[u8] = b"{\"arcgauge\"";

/// Reads the format of `--as`.
fn named_format() -> impl TypedValueParser<Value = ImportedFormat> {
    let name = |format: &ImportedFormat| PossibleValue::new(format.name()).help(format.written_by());
    let unknown = |name: String| ImportedFormat::named(&name).ok_or("there is no such format");
    PossibleValuesParser::new(ImportedFormat::VARIANTS.iter().map(name)).try_map(unknown)
}

/// Takes in a file of another tool and reports it. None where it is no such file, so that it is to be read
/// as a record.
fn take_imported(history: &History, file: &Path, said: Option<ImportedFormat>) -> Result<Option<Taken>> {
    let bytes = beginning_of(file)?;
    if said.is_none() && bytes.starts_with(OUR_MARK) {
        return Ok(None);
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let of_file = |error: Error| error.of(&format!("`{}`", file.display()));
    let Some(record) = read_imported(&bytes, &name, said, &utc_now()).map_err(of_file)? else {
        return Ok(None);
    };
    let record = Personal::of_this_user(Vec::new()).taken_from_record(record);
    let taken = history.take_imported(&record)?;
    let (Taken::Added(path) | Taken::There(path)) = &taken;
    // As it was reported the first time, where it is there already.
    print_document(imported_document(&History::read_imported(path)?.record))?;
    for warning in &record.warnings {
        say(&format!("warning: `{}`: {warning}", file.display()));
    }
    say(&format!("taken for {}: `{}`", record.format.title(), path.display()));
    Ok(Some(taken))
}

/// The bytes of a file, and of one that is too large for another tool's no more than show that.
fn beginning_of(file: &Path) -> Result<Vec<u8>> {
    // A byte more than is allowed, so that it is seen to be more.
    files::beginning(file, LARGEST_IMPORTED_BYTES + 1).map_err(|error| {
        error.hint("name a record's file, a folder with records in it, or a file of another tool")
    })
}

/// The text of another tool's file at this path; None where it is of another kind.
pub(super) fn imported_shown(file: &Path) -> Result<Option<Document>> {
    if !History::is_imported(file) {
        return Ok(None);
    }
    Ok(Some(imported_document(&History::read_imported(file)?.record)))
}

/// Lists what other tools measured, below the records; of a store without any, nothing.
pub(super) fn list_imported(history: &History) -> Result<()> {
    let found = history.imported_found();
    for (_, error) in &found.closed {
        complain(error);
    }
    if found.files.is_empty() {
        return Ok(());
    }
    print("\nOf other tools, compared with nothing:\n")?;
    for file in found.files {
        match History::read_imported(&file) {
            Ok(stored) => {
                let name = stored.path.file_name().unwrap_or_default().to_string_lossy();
                print(&format!("  {}  {}\n", imported_line(&stored.record), one_line(&name)))?;
            }
            Err(error) => complain(&error),
        }
    }
    Ok(())
}

#[derive(Debug, Args)]
pub(super) struct SharingArgs {
    /// A remote of the checkout, or an address
    #[arg(long, value_name = "NAME|URL", default_value = "origin", allow_hyphen_values = true)]
    remote: String,

    /// The branch, which has nothing but records
    #[arg(long, value_name = "NAME", default_value = "arcgauge-history", allow_hyphen_values = true)]
    branch: String,

    #[command(flatten)]
    store: StoreFlag,
}

impl SharingArgs {
    fn relay(&self, root: &Root) -> Result<Relay> {
        let cache = cache_folder().map_err(|error| error.hint("give it one: `export XDG_CACHE_HOME=DIR`"))?;
        Relay::to(root.path(), &cache, &self.remote, &self.branch)
    }
}

/// Adds this store's records to the branch.
pub(super) fn push(args: &SharingArgs) -> Result<u8> {
    let root = Root::find();
    let history = args.store.find(&root)?;
    let pushed = args.relay(&root)?.push(&history)?;
    for (_, error) in &pushed.refused {
        complain(error);
    }
    for file in &pushed.added {
        say(&format!("leaves this machine: {file}"));
    }
    for variable in &pushed.variables {
        say(&format!("  with {variable}"));
    }
    let again =
        if pushed.retries == 0 { String::new() } else { format!(", at attempt {}", pushed.retries + 1) };
    say(&format!(
        "{} records added to `{}` of `{}`{again}, {} there already, {} refused",
        pushed.added.len(),
        args.branch,
        args.remote,
        pushed.there,
        pushed.refused.len()
    ));
    Ok(if pushed.refused.is_empty() { exit_code::PASS } else { exit_code::HARNESS_FAILED })
}

/// Takes in the branch's records.
pub(super) fn pull(args: &SharingArgs) -> Result<u8> {
    let root = Root::find();
    let history = args.store.find(&root)?;
    let pulled = args.relay(&root)?.pull(&history)?;
    for path in &pulled.added {
        print_line(&path.display().to_string())?;
    }
    for (_, error) in &pulled.refused {
        complain(error);
    }
    let (added, refused) = (pulled.added.len(), pulled.refused.len());
    say(&format!(
        "{added} records taken from `{}`, {} there already, {refused} refused",
        args.branch, pulled.there
    ));
    if added > 0 {
        say("they are shown as pulled and decide nothing here: a sha256 is no signature (docs/trust.md)");
    }
    Ok(if refused == 0 { exit_code::PASS } else { exit_code::HARNESS_FAILED })
}
