//! Which commits a commit stands on, by first parents: dates lie, and a merged branch is not the line
//! that was measured.

use std::collections::HashMap;
use std::path::Path;

use git2::{ErrorCode, Oid, Repository, Sort};

use crate::error::{Error, Result};
use crate::record::Warning;
use crate::record::repository::fault::unreadable;

/// A commit's line of first parents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ancestry {
    distances: HashMap<String, usize>,
    is_shallow: bool,
}

impl Ancestry {
    /// The line that ends in this commit, in the repository around a folder.
    ///
    /// # Errors
    /// When there is no repository, or no such commit in it.
    pub fn of(folder: &Path, sha: &str) -> Result<Self> {
        let unknown = |cause: git2::Error| {
            let what =
                format!("git does not know commit `{sha}` in `{}`: {}", folder.display(), cause.message());
            Error::input(what).hint("fetch it: `git fetch --unshallow` or `git fetch origin COMMIT`")
        };
        let repository = Repository::discover(folder).map_err(|cause| match cause.code() {
            ErrorCode::NotFound => unknown(cause),
            _ => unreadable(folder, &cause),
        })?;
        let tip = Oid::from_str(sha).and_then(|tip| repository.find_commit(tip)).map_err(unknown)?;
        Self::from_tip(&repository, tip.id()).map_err(unknown)
    }

    /// The line of what is checked out around a folder; an empty one where that is nothing.
    ///
    /// # Errors
    /// When git cannot read the repository.
    pub fn of_head(folder: &Path) -> Result<Self> {
        let head = Repository::discover(folder).and_then(|repository| {
            let tip = repository.head()?.peel_to_commit()?.id();
            Self::from_tip(&repository, tip)
        });
        match head {
            Err(cause) if matches!(cause.code(), ErrorCode::NotFound | ErrorCode::UnbornBranch) => {
                Ok(Self::default())
            }
            Err(cause) => Err(unreadable(folder, &cause)),
            Ok(ancestry) => Ok(ancestry),
        }
    }

    /// A line that no repository has, its tip first: an invented history has an order, too.
    #[must_use]
    pub fn of_line(shas_tip_first: impl IntoIterator<Item = String>) -> Self {
        let mut distances = HashMap::new();
        for (distance, sha) in shas_tip_first.into_iter().enumerate() {
            distances.entry(sha).or_insert(distance);
        }
        Self { distances, is_shallow: false }
    }

    /// How many first parents lie between; 0 for the commit itself, None for one that is not on the line.
    #[must_use]
    pub fn distance(&self, sha: &str) -> Option<usize> {
        self.distances.get(sha).copied()
    }

    /// That the line may be longer than what this clone knows of it.
    #[must_use]
    pub fn warning(&self) -> Option<Warning> {
        self.is_shallow.then(|| {
            let message = format!("this clone is shallow: it knows {} commits", self.distances.len());
            Warning::new("shallow-history", message, "`git fetch --unshallow` brings the others")
        })
    }

    fn from_tip(repository: &Repository, tip: Oid) -> Result<Self, git2::Error> {
        let mut walk = repository.revwalk()?;
        walk.simplify_first_parent()?;
        walk.set_sorting(Sort::TOPOLOGICAL)?;
        walk.push(tip)?;
        let line = walk.enumerate().map(|(distance, commit)| Ok((commit?.to_string(), distance)));
        Ok(Self { distances: line.collect::<Result<_, git2::Error>>()?, is_shallow: repository.is_shallow() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_line_has_the_order_in_which_it_is_given() {
        let line = Ancestry::of_line(["tip", "parent", "first", "tip"].map(str::to_owned));
        assert_eq!(line.distance("tip"), Some(0), "a commit stands where it stands first");
        assert_eq!(line.distance("first"), Some(2));
        assert_eq!(line.distance("another"), None);
        assert_eq!(line.warning(), None);
    }
}
