//! `compare`: two records side by side, their environments first. It measures nothing and gives no verdict.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::named_record::{ABS, NamedRecord, find, find_run};
use crate::cli::reporting::{ReportFormat, print_report};
use crate::cli::root::Root;
use crate::cli::settings::StoreFlag;
use crate::cli::{exit_code, print_document, say};
use crate::error::{Error, Result};
use crate::judge::comparability::TwoRuns;
use crate::record::{ArmView, History, ImportedRecord, PlanKind, Side};
use crate::report::comparison::{ComparedRecord, OfPage, comparison_document, comparison_json};
use crate::report::render::{PageKind, Renderer};
use crate::report::site::{comparison_page, write_page};
use crate::report::{imported_beside, profile_document, profile_json};

#[derive(Debug, Args)]
#[command(override_usage = "\
arcgauge compare [OPTIONS] <A> <B>
       arcgauge compare [OPTIONS] --profile <A/B>")]
#[command(after_help = "\
A and B are records of `bench`: files, ids or the beginnings of ids, commits (their newest complete runs), `latest` or \
`latest~1`, the newest of `bench`. \
B may also be the file of an import: then both are shown, and not compared. With `--profile` A may be an A/B, alone.

Exit codes: 0 their speeds were compared; 13 they were shown and not compared, for they are of different \
things, or one has no verified speed, or a guard tripped; 2 there is no such record.

Examples:
  cargo xtask compare HEAD~1 HEAD
  cargo xtask compare latest --profile")]
pub(super) struct CompareArgs {
    /// The run that the other is compared with
    #[arg(value_name = "A")]
    a: String,

    /// The other run
    #[arg(value_name = "B", required_unless_present = "profile")]
    b: Option<String>,

    /// Show the time per operator of a decode step in both, as stored by `bench --profile`; for an A/B given
    /// alone, in its two sides
    #[arg(long)]
    profile: bool,

    /// How it is reported
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,

    /// Folder of the pages, to which one of these two is added [default: reports/site]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    #[command(flatten)]
    store: StoreFlag,
}

pub(super) fn compare(args: &CompareArgs) -> Result<u8> {
    let root = Root::find();
    let store = args.store.find(&root)?;
    let find_named = |letter: &str, name: &str| -> Result<NamedRecord> {
        let named = find_run(name, &store, &root).map_err(|error| error.of(letter))?;
        if let Some(taken) = &named.taken {
            say(&format!("{letter}: {taken}"));
        }
        Ok(named)
    };
    let Some(b_name) = &args.b else {
        let named = find(&args.a, &store, &root, ABS)?;
        let [base, head] = sides_of_ab(&named)?;
        return show_profiles(args.format, Side::BOTH.map(Side::as_str), [base, head]);
    };
    if imported_named(&args.a)?.is_some() {
        return Err(imported_refused(&args.a));
    }
    if let Some(theirs) = imported_named(b_name)? {
        if args.format != ReportFormat::Text {
            return Err(imported_refused(b_name));
        }
        print_document(imported_beside(find_named("A", &args.a)?.record.subject(), &theirs))?;
        return Ok(exit_code::INCONCLUSIVE);
    }
    let (a, b) = (find_named("A", &args.a)?, find_named("B", b_name)?);
    if History::payload_sha256(a.path())? == History::payload_sha256(b.path())? {
        return Err(Error::input(format!(
            "`{}` and `{}` are one record: {}",
            args.a, b_name, a.record.run_id
        ))
        .hint("name another; `cargo xtask history list` has them"));
    }
    if args.profile {
        return show_profiles(args.format, ["A", "B"], [a.record.subject(), b.record.subject()]);
    }
    let two = TwoRuns::of(a.record.subject(), b.record.subject());
    let code = if two.compares_speed() { exit_code::PASS } else { exit_code::INCONCLUSIVE };
    let (a, b) = (compared(&a), compared(&b));
    let document = comparison_document(a, b, &two, OfPage::default());
    print_report(args.format, document, || comparison_json(a, b, &two, code))?;
    if args.format == ReportFormat::Text {
        show_page(&args.output.clone().unwrap_or_else(|| root.site()), a, b, &two);
    }
    Ok(code)
}

/// Both sides of an A/B that is named alone.
fn sides_of_ab(named: &NamedRecord) -> Result<[ArmView<'_>; 2]> {
    if named.record.plan == PlanKind::Ab {
        return Ok(Side::BOTH.map(|side| named.record.side(side)));
    }
    let what = format!("`{}` is no A/B, and so has no two sides", named.file);
    Err(Error::input(what).hint("name two runs: `cargo xtask compare A B --profile`"))
}

/// Where a decode step of each spends its time.
fn show_profiles(format: ReportFormat, names: [&'static str; 2], runs: [ArmView<'_>; 2]) -> Result<u8> {
    for (name, run) in names.into_iter().zip(runs) {
        if run.profile.is_none() {
            let what = format!("{name} has no profile: record `{}`", run.experiment.run_id);
            return Err(
                Error::input(what).hint("measure with `cargo xtask bench --profile` or `ab --profile`")
            );
        }
    }
    print_report(format, profile_document(names, runs), || profile_json(runs))?;
    Ok(exit_code::PASS)
}

fn compared(named: &NamedRecord) -> ComparedRecord<'_> {
    ComparedRecord { run: named.record.subject(), file: &named.file }
}

/// The record of another tool's file that a word names; None where it names something else.
fn imported_named(word: &str) -> Result<Option<ImportedRecord>> {
    let file = Path::new(word);
    if !History::is_imported(file) {
        return Ok(None);
    }
    History::read_imported(file).map(|stored| Some(stored.record))
}

/// What another tool measured has one place, and one form.
fn imported_refused(word: &str) -> Error {
    Error::input(format!("`{word}` is what another tool measured: it can be B alone, and as text alone"))
        .hint("`cargo xtask compare RUN FILE` shows it beside a run of ours")
}

/// Writes the page into the folder of a site and names it. The comparison is reported, whether its page can be
/// written or not.
fn show_page(site_folder: &Path, a: ComparedRecord<'_>, b: ComparedRecord<'_>, two: &TwoRuns) {
    match write(site_folder, a, b, two) {
        Ok(file) => {
            say(&format!("page: {}", file.display()));
            if !site_folder.join(PageKind::Overview.file()).is_file() {
                say("  `cargo xtask report` makes the pages that it leads to");
            }
        }
        Err(error) => say(&format!("the page of the two is not written: {error}")),
    }
}

fn write(site_folder: &Path, a: ComparedRecord<'_>, b: ComparedRecord<'_>, two: &TwoRuns) -> Result<PathBuf> {
    // Its tables need no chart library.
    let page = comparison_page(site_folder, a, b, two, &Renderer::new(None)?)?;
    write_page(site_folder, &page)
}
