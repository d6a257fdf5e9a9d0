//! `history push`, `history pull`: records on a branch of their own.

use std::process::ExitCode;

use clap::Args;

use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{complain, exit_code, print_line, say};
use crate::error::{Error, Result};
use crate::places;
use crate::record::Relay;

/// Flags of `history push` and `history pull`.
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
        let cache = places::cache_dir().ok_or_else(|| {
            Error::harness("this user has no home folder and so no cache folder")
                .hint("give it one: `export XDG_CACHE_HOME=DIR`")
        })?;
        Relay::to(root.path(), &cache, &self.remote, &self.branch)
    }
}

/// Adds this store's records to the branch.
pub(super) fn push(args: &SharingArgs) -> Result<ExitCode> {
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
    Ok(ExitCode::from(if pushed.refused.is_empty() { exit_code::PASS } else { exit_code::HARNESS_FAILED }))
}

/// Takes in the branch's records.
pub(super) fn pull(args: &SharingArgs) -> Result<ExitCode> {
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
    Ok(ExitCode::from(if refused == 0 { exit_code::PASS } else { exit_code::HARNESS_FAILED }))
}
