//! The commits of a candidate, found in the repository: what is judged, and against what.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::gate::ci::candidate::Candidate;
use crate::gate::side::ChangedInputs;
use crate::record::{Commit, Repository, Source};

/// A candidate whose commits are at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// What was admitted.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// The tip of the branch that it is to be merged into.
    pub tip: String,
    /// The commit at which it branched off, which it is compared with: what the branch has gone on with since is
    /// no change of the head's.
    pub merge_base: String,
    /// What of its own judge the head changes: as in "goldens".
    pub changes: Vec<String>,
}

impl Resolved {
    /// Fetches the head, and finds what is around it.
    ///
    /// # Errors
    /// When the pull request has moved on, has a conflict, is merged already, or rests on a base whose prompts,
    /// goldens or policy are not those of today; or when git fails.
    pub fn of(candidate: Candidate, repository: &Repository, remote: &str) -> Result<Self> {
        let fetched = repository.fetch(remote, &candidate.reference())?;
        if fetched != candidate.head {
            return Err(Error::input(format!(
                "pull request #{} has moved on to {} since {} was to be measured",
                candidate.pull_request,
                short(&fetched),
                short(&candidate.head)
            ))
            .hint("look at what was pushed, and give the word for that commit"));
        }
        let tip = match &candidate.base {
            Some(base) => repository.resolve(base)?,
            None => repository.head()?,
        };
        let merge_base = repository.merge_base(&tip.sha, &candidate.head)?;
        if merge_base == candidate.head {
            return Err(Error::input(format!("{} is in the base already", short(&candidate.head)))
                .hint("there is nothing to gate: close the pull request"));
        }
        if !repository.merges_cleanly(&tip.sha, &candidate.head)? {
            return Err(Error::input(format!(
                "{} conflicts with {}: what would be measured is not what would be merged",
                short(&candidate.head),
                tip.short()
            ))
            .hint("resolve the conflict on the branch: `git merge origin/main`, or rebase it"));
        }
        refuse_another_judge(repository, &merge_base, &tip)?;
        let head = repository.resolve(&candidate.head)?;
        let changes = ChangedInputs::between(repository, &merge_base, &Source::Commit(head))?;
        let changes = changes.kinds().into_iter().map(|(kind, _)| kind.to_owned()).collect();
        Ok(Self { candidate, tip: tip.sha, merge_base, changes })
    }
}

/// A branch that is old enough would be judged by what has been tightened since.
pub(super) fn refuse_another_judge(repository: &Repository, merge_base: &str, tip: &Commit) -> Result<()> {
    let changed = ChangedInputs::between(repository, merge_base, &Source::Commit(tip.clone()))?;
    let Some((kind, _)) = changed.kinds().first().copied() else { return Ok(()) };
    Err(Error::input(format!(
        "the base has other {kind} since {}, where the head branched off, and a head is judged by those of today",
        short(merge_base)
    ))
    .hint("bring the branch up to date: `git merge origin/main`"))
}

/// Twelve digits for people.
pub(super) fn short(sha: &str) -> &str {
    sha.get(..12).unwrap_or(sha)
}
