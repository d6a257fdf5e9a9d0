//! `report`: the pages of all records, and what else is reported of them.

mod make;
mod serve;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;

use crate::cli::named_record::find_run;
use crate::cli::report::make::{Making, make_demo};
use crate::cli::root::Root;
use crate::cli::settings::{ChosenStore, StoreFlag};
use crate::cli::{exit_code, print_data, print_line, say};
use crate::error::{Error, Result};
use crate::record::History;
use crate::report::fleet::QueryResults;
use crate::report::render::Renderer;
use crate::report::site::{fleet_page, page_of, write_page};
use crate::report::{CardRecord, card};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct ReportArgs {
    /// Folder of the pages [default: reports/site; with --demo reports/demo]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Show the first page in a browser
    #[arg(long)]
    open: bool,

    /// Serve the pages on loopback until Ctrl-C
    #[arg(long)]
    serve: bool,

    /// Port of `--serve`; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, requires = "serve")]
    port: u16,

    /// Render every page again, including those whose records have not changed
    #[arg(long = "all", alias = "anew")]
    render_all: bool,

    /// Make the pages of an invented history, to see what they look like
    #[arg(long, conflicts_with = "store")]
    demo: bool,

    /// Print the tables of the published model card for a run instead, as Markdown: a file, a run id, a commit
    #[arg(
        long,
        value_name = "RECORD",
        num_args = 0..=1,
        default_missing_value = "latest",
        conflicts_with_all = ["output", "open", "serve", "render_all", "demo"]
    )]
    card: Option<String>,

    /// Make the page of a fleet from these results of `reports/fleet/*.sql` instead, as CSV
    #[arg(
        long,
        value_name = "RESULT.csv",
        num_args = 1..,
        conflicts_with_all = ["serve", "render_all", "demo", "card", "store"]
    )]
    fleet: Vec<PathBuf>,

    #[command(flatten)]
    store: StoreFlag,
}

/// Renders the pages and names the first one.
pub(super) fn report(args: &ReportArgs) -> Result<u8> {
    let root = Root::find();
    if let Some(record) = &args.card {
        print_card(record, &store_of(args, &root)?, &root)?;
        return Ok(exit_code::PASS);
    }
    if !args.fleet.is_empty() {
        return fleet(args, &root);
    }
    let folder = if args.demo {
        let output = args.output.clone().unwrap_or_else(|| root.demo_site());
        make_demo(&root, output, args.render_all)?
    } else {
        let output = args.output.clone().unwrap_or_else(|| root.site());
        Making::of(&root)?.site(&root, &store_of(args, &root)?, output, args.render_all)?
    };
    let first = folder.join("index.html");
    print_line(&first.display().to_string())?;
    if args.open && !args.serve {
        open(&first.display().to_string())?;
    }
    if args.serve {
        return serve::serve(&folder, args.port, args.open);
    }
    Ok(exit_code::PASS)
}

/// Makes the page of a fleet and names it.
fn fleet(args: &ReportArgs, root: &Root) -> Result<u8> {
    let folder = args.output.clone().unwrap_or_else(|| root.site());
    // Its tables need no chart library.
    let page = fleet_page(&QueryResults::read(&args.fleet)?, &Renderer::new(None)?)?;
    let file = write_page(&folder, &page)?.display().to_string();
    print_line(&file)?;
    if args.open {
        open(&file)?;
    }
    Ok(exit_code::PASS)
}

/// The store, which may be empty but, if it was named, must be there: a name with a slip in it would else be a
/// store without records.
fn store_of(args: &ReportArgs, root: &Root) -> Result<History> {
    match args.store.or_default(root) {
        ChosenStore::Flag(folder) if !folder.is_dir() => {
            let fault = format!("there is no folder `{}`, and so no store of records", folder.display());
            Err(Error::input(fault)
                .hint("name the folder of the records; without `--store` it is the one that is in use"))
        }
        _ => args.store.find(root),
    }
}

/// Brings the pages up to date and names that of a commit. What was measured is stored, whether its page can
/// be made or not.
pub(in crate::cli) fn show_commit(root: &Root, history: &History, sha: Option<&str>) {
    show_page(root, history, &page_of(sha));
}

/// The same of any page of the site.
pub(in crate::cli) fn show_page(root: &Root, history: &History, page: &Path) {
    match bring_up(root, history) {
        Ok(()) => say(&format!("page: {}", root.site().join(page).display())),
        Err(error) => {
            say(&format!("the pages are not brought up to date: {error}"));
            say("  `cargo xtask report` tries again");
        }
    }
}

fn bring_up(root: &Root, history: &History) -> Result<()> {
    Making::of(root)?.site(root, history, root.site(), false).map(|_folder| ())
}

/// Prints the card of the run that is meant.
fn print_card(name: &str, store: &History, root: &Root) -> Result<()> {
    let named = find_run(name, store, root)?.announced();
    let file = named.path();
    let file_name = file.file_name().unwrap_or_default().to_string_lossy();
    let payload_sha256 = History::payload_sha256(file)?;
    let record =
        CardRecord { run: named.record.subject(), file_name: &file_name, payload_sha256: &payload_sha256 };
    print_data(&card(record)?)
}

/// What opens a page on this system.
const PROGRAM: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Opens a file or an address.
///
/// # Errors
/// Where there is no program that does it, or it fails.
pub(super) fn open(page: &str) -> Result<()> {
    let quiet = Stdio::null;
    let ended = Command::new(PROGRAM).arg(page).stdin(quiet()).stdout(quiet()).stderr(quiet()).status();
    let how = match ended {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(cause) => cause.to_string(),
    };
    Err(Error::harness(format!("`{PROGRAM}` cannot open `{page}`: {how}"))
        .hint("the pages are made; open that one in a browser by hand, or use `--serve`"))
}
