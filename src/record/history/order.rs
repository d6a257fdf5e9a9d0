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
        (distance.unwrap_or(usize::MAX), beside, Reverse(entry.when_utc.clone()), entry.run_id.clone())
    });
}
