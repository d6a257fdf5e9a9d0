//! `model verify`.

use std::fs;
use std::path::Path;

use clap::Args;

use crate::cli::loading::announce_hashing;
use crate::cli::model::FolderArgs;
use crate::cli::{print, shell};
use crate::error::{Error, Result};
use crate::places;
use crate::record::hub::FetchedFrom;
use crate::record::{FaultyFile, FileFault, VerifiedModels, check_files, read_manifest};
use crate::report::model::verification;
use crate::run::known_hashes;

/// Flags of `model verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    folder: FolderArgs,
}

/// Holds a model against its manifest.
pub(super) fn verify(args: &VerifyArgs) -> Result<()> {
    let named = args.folder.named_or_used()?;
    let folder = fs::canonicalize(&named).map_err(|_| {
        Error::input(format!("model folder `{}` does not exist", named.display()))
            .hint("`cargo xtask model list` names those that do")
    })?;
    let manifest = read_manifest(&folder)?.ok_or_else(|| {
        let missing =
            Error::input(format!("`{}` has no `manifest.json` to be compared with", folder.display()));
        missing.hint(fix(&folder, &[]).unwrap_or_else(|| {
            "fetch the model by `cargo xtask model fetch`, which writes one; or write it down as it is: \
             `python3 ci/runner/model-manifest.py DIR > manifest.json`"
                .to_owned()
        }))
    })?;
    let mut known = known_hashes();
    let faulty =
        check_files(&folder, &manifest, &mut known, &mut |name, bytes| announce_hashing(name, bytes));
    known.save();
    let faulty = faulty?;
    print(&verification(&manifest, &faulty))?;
    if faulty.is_empty() {
        if let Some(cache) = places::cache_dir() {
            VerifiedModels::load(&cache).remember(&folder, &manifest);
        }
        return Ok(());
    }
    let count = faulty.len();
    let what = format!("`{}` is not as its manifest says: {count} files differ", folder.display());
    let what = if count == 1 { what.replace("1 files differ", "1 file differs") } else { what };
    Err(Error::input(what).hint(fix(&folder, &faulty).unwrap_or_else(|| {
        "restore the folder (`git checkout -- fixtures/models` for the shipped model), or fetch the model again"
            .to_owned()
    })))
}

/// The command that fixes a fetched model.
fn fix(folder: &Path, faulty: &[FaultyFile]) -> Option<String> {
    let fetched = FetchedFrom::read(folder)?;
    let extra = faulty.iter().any(|file| file.fault == FileFault::Extra);
    let first = if extra { "remove what is extra, then fetch" } else { "fetch" };
    let output =
        if fetched.is_at_home(folder) { String::new() } else { format!(" --output {}", shell::word(folder)) };
    let FetchedFrom { repository, commit, .. } = fetched;
    Some(format!("{first} what differs: `cargo xtask model fetch {repository} --revision {commit}{output}`"))
}
