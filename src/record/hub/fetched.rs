//! What has come from a hub: where it is kept, and from which repository and commit.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::places;
use crate::record::hub::address::{RepositoryName, Revision};
use crate::record::hub::listing::{Listing, is_hex};
use crate::record::{Overwrite, write_whole};

/// The file that says it. Hidden, so that it is no file of the model.
const FETCHED: &str = ".fetched.json";

/// Where a model's folder came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchedFrom {
    /// Version of this form: 1.
    pub schema: u32,
    /// The repository, as in `OpenVINO/gpt-oss-20b-int4-ov`.
    pub repository: String,
    /// The commit.
    pub commit: String,
}

impl FetchedFrom {
    /// What a folder's file says; None where it was not fetched, or does not say from where.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        let text = fs::read(folder.join(FETCHED)).ok()?;
        let fetched: Self = serde_json::from_slice(&text).ok()?;
        // It becomes part of a command that is shown.
        let is_named = RepositoryName::parse(&fetched.repository).is_ok() && is_hex(&fetched.commit, 40);
        (fetched.schema == 1 && is_named).then_some(fetched)
    }

    /// Writes it down in a folder.
    pub(super) fn write(folder: &Path, listing: &Listing) -> Result<()> {
        let (repository, commit) = (listing.repository.to_string(), listing.commit.clone());
        let fetched = Self { schema: 1, repository, commit };
        let file = folder.join(FETCHED);
        let text = serde_json::to_string_pretty(&fetched)
            .map_err(|cause| Error::harness(format!("cannot write `{}`: {cause}", file.display())))?;
        write_whole(&file, (text + "\n").as_bytes(), Overwrite::Replace)
    }

    /// The flags by which `model fetch` fetches the same again, into this folder.
    #[must_use]
    pub fn flags(&self, folder: &Path) -> String {
        let Self { repository, commit, .. } = self;
        let (name, revision) = (RepositoryName::parse(repository), Revision::parse(commit));
        let usual = name.and_then(|name| revision.and_then(|_| folder_of(&name, commit)));
        let output = match usual {
            Ok(usual) if fs::canonicalize(&usual).ok() == fs::canonicalize(folder).ok() => String::new(),
            _ => format!(" --output '{}'", folder.display()),
        };
        format!("{repository} --revision {commit}{output}")
    }
}

/// Where a repository's model is kept at a commit, unless another folder is named. Nothing is removed from
/// there but by the user.
///
/// # Errors
/// When the user has no home folder.
pub fn folder_of(repository: &RepositoryName, commit: &str) -> Result<PathBuf> {
    let models = places::models_dir().ok_or_else(|| {
        Error::input("this user has no home folder and so no cache folder")
            .hint("name a folder: `--output DIR`")
    })?;
    Ok(models.join(repository.folder_name()).join(commit))
}

/// The folders below that one in which something was fetched, finished or not, by name.
#[must_use]
pub fn fetched_folders(models: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let mut folders: Vec<PathBuf> = below(models).iter().flat_map(|repository| below(repository)).collect();
    folders.sort();
    folders
}
