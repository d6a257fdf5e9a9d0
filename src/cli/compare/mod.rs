//! `compare`: two records held against each other, their environments first. It measures nothing and gives
//! no verdict.

mod foreign;
mod page;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::named_run::{NamedRun, find};
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print, say};
use crate::error::{Error, Result};
use crate::judge::likeness::TwoRuns;
use crate::report::comparison::{
    ComparedRecord, comparison_json, comparison_markdown, comparison_text, comparison_view,
};

/// Flags of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
A and B are each a record's file, a run id, a commit (the first digits of its sha, or whatever git \
understands: its newest complete run is taken), or `latest`. B may also be the file of an import: then both \
are shown, and not compared.

Exit codes: 0 their speeds were compared; 13 they were shown and not compared, for they are of unlike \
things, or one has no verified speed, or a guard tripped; 2 there is no such record.")]
pub(super) struct CompareArgs {
    /// The run that the other is held against
    #[arg(value_name = "A")]
    a: String,

    /// The other run
    #[arg(value_name = "B")]
    b: String,

    /// How it is told
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
    let find = |letter: &str, name: &str| -> Result<NamedRun> {
        let named = find(name, &store, &root).map_err(|error| error.of(letter))?;
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
        return Ok(foreign::show(&find("A", &args.a)?, &theirs));
    }
    let (a, b) = (find("A", &args.a)?, find("B", &args.b)?);
    if a.run.run_id == b.run.run_id {
        return Err(Error::input(format!("`{}` and `{}` are one record: {}", args.a, args.b, a.run.run_id))
            .hint("name another; `cargo xtask history list` has them"));
    }
    let two = TwoRuns::of(&a.run, &b.run);
    let code = if two.compares_speed() { exit_code::PASS } else { exit_code::INCONCLUSIVE };
    let (a, b) = (compared(&a), compared(&b));
    print(&match args.format {
        Format::Text => comparison_text(&comparison_view(a, b, &two)),
        Format::Markdown => comparison_markdown(&comparison_view(a, b, &two)),
        Format::Json => comparison_json(a, b, &two, code),
    });
    if args.format == Format::Text {
        page::show(&args.output.clone().unwrap_or_else(|| root.site()), a, b, &two);
    }
    Ok(ExitCode::from(code))
}

fn compared(named: &NamedRun) -> ComparedRecord<'_> {
    ComparedRecord { run: &named.run, file: &named.file }
}
