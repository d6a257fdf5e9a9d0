//! The commit that a measurement belongs to, and those that continuous integration deals with.

use std::fs;
use std::path::Path;

use git2::{DiffOptions, ErrorCode, Repository, StatusOptions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::files::{self, FileKind};
use crate::record::encoded::hex;
use crate::record::repository::{discover, unreadable};

/// A commit and the state of the work tree over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// 40 hexadecimal digits.
    pub sha: String,
    /// Its parents, first parent first.
    pub parents: Vec<String>,
    /// Its tree.
    pub tree: String,
    /// The branch that was checked out; None where the head was detached.
    pub branch: Option<String>,
    /// The first line of its message.
    pub subject: String,
    /// When it was authored, UTC.
    pub author_date_utc: String,
    /// Whether tracked files were changed, or untracked files were there that git does not ignore.
    pub dirty: bool,
    /// The sha256 of the difference to the commit, untracked files with their contents; None where the
    /// tree is clean, or git could not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference_sha256: Option<String>,
}

impl Commit {
    /// The head of the repository that `folder` is in; None outside a repository, or before its
    /// first commit.
    ///
    /// # Errors
    /// When git cannot read the repository.
    pub fn at(folder: &Path) -> Result<Option<Self>> {
        let unreadable = |cause: git2::Error| unreadable(folder, &cause);
        let Some(repository) = discover(folder)? else { return Ok(None) };
        let head = match repository.head() {
            Ok(head) => head,
            Err(cause) if matches!(cause.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                return Ok(None);
            }
            Err(cause) => return Err(unreadable(cause)),
        };
        let commit = head.peel_to_commit().map_err(unreadable)?;
        let branch = head.is_branch().then(|| head.shorthand().ok().map(str::to_owned)).flatten();
        let mut options = StatusOptions::new();
        options.include_untracked(true).include_ignored(false);
        let clean = repository.statuses(Some(&mut options)).map_err(unreadable)?.is_empty();
        Ok(Some(Self {
            dirty: !clean,
            difference_sha256: if clean { None } else { difference(&repository, &commit) },
            ..Self::named(&commit, branch)
        }))
    }

    /// A commit as such, whatever the work tree holds.
    pub(super) fn named(commit: &git2::Commit<'_>, branch: Option<String>) -> Self {
        let author_date = Timestamp::from_second(commit.author().when().seconds());
        let header = String::from_utf8_lossy(commit.raw_header_bytes());
        Self {
            sha: commit.id().to_string(),
            // As the commit names them. Where a shallow clone ends git says that there are none, and a merge commit
            // would pass for a root.
            parents: header
                .lines()
                .filter_map(|line| Some(line.strip_prefix("parent ")?.to_owned()))
                .collect(),
            tree: commit.tree_id().to_string(),
            branch,
            subject: commit.summary().ok().flatten().unwrap_or_default().to_owned(),
            author_date_utc: author_date.map(|date| date.to_string()).unwrap_or_default(),
            dirty: false,
            difference_sha256: None,
        }
    }

    /// The first 12 digits of the sha, for people.
    pub fn short(&self) -> &str {
        self.sha.get(..12).unwrap_or(&self.sha)
    }
}

/// The hash of what differs from the commit, untracked files with their contents. Two trees that differ in the same
/// way from one commit have the same. Of a file larger than those that git keeps, as a model beside the sources, its
/// size and its time stand for its content.
fn difference(repository: &Repository, commit: &git2::Commit<'_>) -> Option<String> {
    let mut options = DiffOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).include_typechange(true);
    let (tree, root) = (commit.tree().ok()?, repository.workdir()?);
    let difference = repository.diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options)).ok()?;
    let mut hasher = Sha256::new();
    for delta in difference.deltas() {
        let path = delta.new_file().path().or(delta.old_file().path())?;
        let now = content(&root.join(path));
        hasher.update(format!("{:?} {:?} {}\n", delta.status(), delta.new_file().mode(), now.len()));
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update([0]);
        hasher.update(now);
    }
    Some(hex(&hasher.finalize()))
}

fn content(path: &Path) -> Vec<u8> {
    if let Ok(target) = fs::read_link(path) {
        return target.into_os_string().into_encoded_bytes();
    }
    files::read(path, FileKind::Fixture).unwrap_or_else(|_| {
        let stamp = fs::symlink_metadata(path).map(|found| (found.len(), found.modified().ok()));
        format!("{:?}", stamp.ok()).into_bytes()
    })
}

/// Who works here, as git names them; "unknown" where it does not.
pub fn whoami(folder: &Path) -> String {
    let repository = discover(folder).ok().flatten();
    let signature = repository.and_then(|repository| Some(repository.signature().ok()?.to_string()));
    signature.unwrap_or_else(|| "unknown".to_owned())
}

/// A commit and those around it. The key is always the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitContext {
    /// What is judged.
    pub head: Commit,
    /// What it is judged against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Commit>,
    /// The sha of the commit that merges both, where that is what is checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<String>,
    /// The sha of the last commit that both have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_base: Option<String>,
}

/// A commit that merges one other into its base, as a forge makes it of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeCommit {
    /// Its own sha.
    pub sha: String,
    /// Its first parent: what was merged into.
    pub base: String,
    /// Its second parent: what was merged.
    pub head: String,
}

impl MergeCommit {
    /// The commit as a merge; None where it has not two parents.
    pub fn of(commit: &Commit) -> Option<Self> {
        let [base, head] = &commit.parents[..] else { return None };
        Some(Self { sha: commit.sha.clone(), base: base.clone(), head: head.clone() })
    }
}

impl CommitContext {
    /// What is around a head that was named. A merge commit is part of it only where it is what is checked
    /// out and merges this very head: whoever names no other head than the merge is taken at their word.
    ///
    /// # Errors
    /// When git cannot read the repository, or head and base have nothing in common that it could see.
    pub fn around(
        repository: &crate::record::Repository,
        head: Commit,
        base: Option<Commit>,
    ) -> Result<Self> {
        let merge = MergeCommit::of(&repository.head()?).filter(|merge| merge.head == head.sha);
        let merge_base = base.as_ref().map(|base| repository.merge_base(&base.sha, &head.sha)).transpose()?;
        Ok(Self { head, base, merge: merge.map(|merge| merge.sha), merge_base })
    }
}
