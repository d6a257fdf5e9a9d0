//! `history show`: a record reported again, from its file alone.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::cli::history::foreign;
use crate::cli::named_record::{ANY, find};
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print_document};
use crate::error::Result;
use crate::record::PlanKind;
use crate::report::decision::{Subject, decision_document, pair_lines};
use crate::report::peers::peers_document;
use crate::report::{Detail, bench_document, explain};

/// Flags of `history show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The record
    #[arg(value_name = "RECORD")]
    record: String,

    /// Print all columns of a run, and its facts
    #[arg(long)]
    wide: bool,

    /// Add the definition of every metric
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    store: StoreFlag,
}

/// Tells a record again.
pub(super) fn show(args: &ShowArgs) -> Result<ExitCode> {
    let file = Path::new(&args.record);
    if let Some(document) = if file.is_file() { foreign::shown(file)? } else { None } {
        print_document(document)?;
        return Ok(ExitCode::from(exit_code::PASS));
    }
    let root = Root::find();
    let record = find(&args.record, &args.store.find(&root)?, &root, ANY)?.announced().record;
    let mut document = match record.plan {
        PlanKind::Bench => {
            bench_document(record.subject(), if args.wide { Detail::Wide } else { Detail::Brief })
        }
        PlanKind::Ab => {
            let subject = Subject { record: &record, pairs: &pair_lines(&record) };
            decision_document(subject, record.decision.as_ref())
        }
        PlanKind::Peers => peers_document(&record),
    };
    if args.explain {
        explain(&mut document);
    }
    print_document(document)?;
    Ok(ExitCode::from(exit_code::PASS))
}
