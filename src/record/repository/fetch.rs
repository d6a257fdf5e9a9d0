//! What the remote has and this repository has not: by the `git` program, for git2 without features speaks to
//! no remote.

use git2::Oid;

use crate::error::{Error, Result};
use crate::record::Repository;
use crate::record::repository::fault::unreadable;
use crate::record::sharing::git;

impl Repository {
    /// Fetches one reference of a remote, as `refs/pull/12/head`, keeps it under a name of ours, and gives the
    /// commit that it stands for. Nothing is checked out, and no branch of the user's moves.
    ///
    /// # Errors
    /// When the remote cannot be reached or has no such reference, or this is a shallow clone.
    pub fn fetch(&self, remote: &str, reference: &str) -> Result<String> {
        if self.git.is_shallow() {
            return Err(Error::input(format!("`{}` is a shallow clone", self.folder().display()))
                .hint("fetch the whole history: `git fetch --unshallow`"));
        }
        let kept = format!("refs/arcgauge/{}", reference.trim_start_matches("refs/"));
        if !git2::Reference::is_valid_name(&kept) || remote.starts_with('-') {
            return Err(Error::input(format!("`{reference}` of `{remote}` is nothing that can be fetched"))
                .hint("name a reference of a remote, as `refs/pull/12/head` of `origin`"));
        }
        let mut command = git(self.folder());
        command.env("GIT_TERMINAL_PROMPT", "0");
        command.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]);
        command.arg(remote).arg(format!("+{reference}:{kept}"));
        crate::record::sharing::reported(&mut command).map_err(|error| {
            let what = format!("`{reference}` of `{remote}` cannot be fetched: {error}");
            Error::harness(what).hint("see that the remote can be reached: `git ls-remote`")
        })?;
        let failed = |cause: git2::Error| unreadable(self.folder(), &cause);
        let fetched = self.git.find_reference(&kept).map_err(failed)?;
        Ok(fetched.peel_to_commit().map_err(failed)?.id().to_string())
    }

    /// Whether two commits merge without a conflict, by trying it in memory.
    ///
    /// # Errors
    /// When a commit is missing, or git cannot read the repository.
    pub fn merges_cleanly(&self, ours: &str, theirs: &str) -> Result<bool> {
        let failed = |cause: git2::Error| unreadable(self.folder(), &cause);
        let (ours, theirs) = (self.commit(ours)?, self.commit(theirs)?);
        let merged = self.git.merge_commits(&ours, &theirs, None).map_err(failed)?;
        Ok(!merged.has_conflicts())
    }

    /// Whether this repository has a commit.
    #[must_use]
    pub fn has_commit(&self, sha: &str) -> bool {
        Oid::from_str(sha).is_ok_and(|id| self.git.find_commit(id).is_ok())
    }
}
