//! The order of lists: along the commits, newest first.

use std::cmp::Reverse;

use crate::record::history::ancestry::Ancestry;
use crate::record::history::entry::Entry;

/// Sorts records along a line of first parents, its tip first, and those of one commit by time, newest
/// first. After them come the records of other commits and of none, by the date of the commit.
pub fn sort_along(entries: &mut [&Entry], ancestry: &Ancestry) {
    entries.sort_by_cached_key(|entry| {
        let commit = entry.commit.as_ref();
        let distance = commit.and_then(|commit| ancestry.distance(&commit.sha));
        let date = commit.map(|commit| commit.author_date_utc.clone());
        // On the line the distance says it all; beside it there is nothing but the date.
        let beside = if distance.is_some() { None } else { Some(Reverse(date)) };
        // Commits that were rewritten share their dates: those of one must stay together.
        let sha = commit.map(|commit| commit.sha.clone());
        (distance.unwrap_or(usize::MAX), beside, sha, Reverse(entry.when_utc.clone()), entry.run_id.clone())
    });
}

/// Leaves out records of other branches: in a series they would be a block of another history. Where none is
/// of the line, as outside of the repository that was measured, all stay.
pub fn keep_line(entries: &mut Vec<&Entry>, ancestry: &Ancestry) {
    let is_on_line =
        |entry: &&Entry| entry.commit.as_ref().is_some_and(|commit| ancestry.distance(&commit.sha).is_some());
    if entries.iter().any(is_on_line) {
        entries.retain(is_on_line);
    }
}
