//! The commits that continuous integration deals with: what is judged, against what, and what is checked
//! out.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::record::{Commit, Repository};

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
    #[must_use]
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
    pub fn around(repository: &Repository, head: Commit, base: Option<Commit>) -> Result<Self> {
        let merge = MergeCommit::of(&repository.head()?).filter(|merge| merge.head == head.sha);
        let merge_base = base.as_ref().map(|base| repository.merge_base(&base.sha, &head.sha)).transpose()?;
        Ok(Self { head, base, merge: merge.map(|merge| merge.sha), merge_base })
    }
}
