//! `compare`: two records side by side, their environments first. It measures nothing and gives no verdict.

mod foreign;
mod page;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::named_record::{NamedRecord, find_run};
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print, print_document, say};
use crate::error::{Error, Result};
use crate::judge::comparability::TwoRuns;
use crate::report::comparison::{ComparedRecord, OfPage, comparison_document, comparison_json};

/// Flags of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
A and B are records: files, ids or the beginnings of ids, commits (their newest complete runs) or `latest`. \
B may also be the file of an import: then both are shown, and not compared.

Exit codes: 0 their speeds were compared; 13 they were shown and not compared, for they are of unlike \
things, or one has no verified speed, or a guard tripped; 2 there is no such record.

Examples:
  cargo xtask compare HEAD~1 HEAD
  cargo xtask compare HEAD latest --format markdown")]
pub(super) struct CompareArgs {
    /// The run that the other is compared with
    #[arg(value_name = "A")]
    a: String,

    /// The other run
    #[arg(value_name = "B")]
    b: String,

    /// How it is reported
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Folder of the pages, to which one of these two is added [default: reports/site]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    #[command(flatten)]
    store: StoreFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, on a terminal
    Text,
    /// For an issue or a pull request
    Markdown,
    /// For programs
    Json,
}

/// Compares two records.
pub(super) fn compare(args: &CompareArgs) -> Result<ExitCode> {
    let root = Root::find();
    let store = args.store.find(&root)?;
    let find = |letter: &str, name: &str| -> Result<NamedRecord> {
        let named = find_run(name, &store, &root).map_err(|error| error.of(letter))?;
        if let Some(taken) = &named.taken {
            say(&format!("{letter}: {taken}"));
        }
        Ok(named)
    };
    if foreign::named(&args.a)?.is_some() {
        return Err(foreign::refused(&args.a));
    }
    if let Some(theirs) = foreign::named(&args.b)? {
        if args.format != Format::Text {
            return Err(foreign::refused(&args.b));
        }
        return foreign::show(&find("A", &args.a)?, &theirs);
    }
    let (a, b) = (find("A", &args.a)?, find("B", &args.b)?);
    if a.record.run_id == b.record.run_id {
        return Err(Error::input(format!(
            "`{}` and `{}` are one record: {}",
            args.a, args.b, a.record.run_id
        ))
        .hint("name another; `cargo xtask history list` has them"));
    }
    let two = TwoRuns::of(a.record.subject(), b.record.subject());
    let code = if two.compares_speed() { exit_code::PASS } else { exit_code::INCONCLUSIVE };
    let (a, b) = (compared(&a), compared(&b));
    let document = comparison_document(a, b, &two, OfPage::default());
    match args.format {
        Format::Text => print_document(document),
        Format::Markdown => print(&document.to_markdown()),
        Format::Json => print(&comparison_json(a, b, &two, code)),
    }?;
    if args.format == Format::Text {
        page::show(&args.output.clone().unwrap_or_else(|| root.site()), a, b, &two);
    }
    Ok(ExitCode::from(code))
}

fn compared(named: &NamedRecord) -> ComparedRecord<'_> {
    ComparedRecord { run: named.record.subject(), file: &named.file }
}
