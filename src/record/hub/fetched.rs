//! What has come from a hub: where it is kept, and from which repository and commit.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind, Overwrite, write_whole};
use crate::places;
use crate::record::hub::address::RepositoryName;
use crate::record::hub::listing::{Listing, is_hex};

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
        let text = files::read(&folder.join(FETCHED), FileKind::Text).ok()?;
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

    /// Whether a folder is the one that it is fetched into where no other is named.
    #[must_use]
    pub fn is_at_home(&self, folder: &Path) -> bool {
        let home = RepositoryName::parse(&self.repository).and_then(|name| folder_of(&name, &self.commit));
        home.is_ok_and(|home| fs::canonicalize(home).ok() == fs::canonicalize(folder).ok())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_folder_says_of_itself_is_believed_only_where_it_can_stand_in_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let say = |repository: &str, commit: &str| {
            let text = serde_json::json!({ "schema": 1, "repository": repository, "commit": commit });
            fs::write(folder.path().join(FETCHED), text.to_string()).unwrap();
            FetchedFrom::read(folder.path())
        };
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert!(say("OpenVINO/model", commit).is_some_and(|fetched| !fetched.is_at_home(folder.path())));
        for (repository, commit) in
            [("a/b; rm -r ~", commit), ("--output/x y", commit), ("a/b", "main"), ("", commit)]
        {
            assert_eq!(say(repository, commit), None, "{repository} {commit}");
        }
    }

    #[test]
    fn folders_are_found_two_below_and_files_are_none() {
        let models = tempfile::tempdir().unwrap();
        for name in ["b--m/2", "a--m/1"] {
            fs::create_dir_all(models.path().join(name)).unwrap();
        }
        fs::write(models.path().join("a--m/notes"), "").unwrap();
        let found = fetched_folders(models.path());
        assert_eq!(found, ["a--m/1", "b--m/2"].map(|name| models.path().join(name)));
        assert_eq!(fetched_folders(&models.path().join("gone")), Vec::<PathBuf>::new());
    }
}
