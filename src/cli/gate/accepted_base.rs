//! Against which commits an A/B is a word on a head: a head that could choose its base could choose its judge.

use crate::error::Result;
use crate::record::{Arm, Commit, Repository};

/// The names of the line that a head is to be merged into, where nobody says another.
const MAIN: [&str; 2] = ["main", "origin/main"];

/// Which bases count.
pub(super) enum AcceptedBase {
    /// This commit, or the one at which the head branched off from its line.
    Line { commit: Box<Commit>, merge_base: String },
    /// Any but the head itself: the head is the line, or there is none of that name.
    AnyOther,
}

impl AcceptedBase {
    /// What was named. Named as its own base, a head is compared with itself.
    pub(super) fn named(repository: &Repository, revision: &str, head: &Commit) -> Result<Self> {
        let commit = Box::new(repository.resolve(revision)?);
        let merge_base = repository.merge_base(&commit.sha, &head.sha)?;
        Ok(Self::Line { commit, merge_base })
    }

    /// The line that heads are merged into.
    pub(super) fn of_main(repository: &Repository, head: &Commit) -> Result<Self> {
        let main = MAIN.iter().find(|name| repository.resolve(name).is_ok());
        let Some(main) = main else { return Ok(Self::AnyOther) };
        let named = Self::named(repository, main, head)?;
        let is_on_it = matches!(&named, Self::Line { merge_base, .. } if *merge_base == head.sha);
        Ok(if is_on_it { Self::AnyOther } else { named })
    }

    /// What was named, if anything was.
    pub(super) fn commit(&self) -> Option<&Commit> {
        match self {
            Self::Line { commit, .. } => Some(commit),
            Self::AnyOther => None,
        }
    }

    /// Whether a run was of such a commit.
    pub(super) fn accepts(&self, base: &Arm, head: &Commit) -> bool {
        let Some(base) = &base.commit else { return false };
        match self {
            Self::Line { commit, merge_base } => base.sha == commit.sha || base.sha == *merge_base,
            Self::AnyOther => base.sha != head.sha,
        }
    }
}
