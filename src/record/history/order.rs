//! Which commits a commit stands on, by first parents (dates lie, and a merged branch is not the line that was measured);
//! the order of lists along them; and series as CSV, a file each.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::Path;

use git2::{ErrorCode, Oid, Repository, Sort};

use crate::error::{Error, Result};
use crate::measure::Metric;
use crate::record::Warning;
use crate::record::history::index::Entry;
use crate::record::history::series::SummaryRow;
use crate::record::repository::{discover, unreadable};
use crate::visible::cell;

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
        let repository =
            discover(folder)?.ok_or_else(|| unknown(git2::Error::from_str("no repository is there")))?;
        let tip = Oid::from_str(sha).and_then(|tip| repository.find_commit(tip)).map_err(unknown)?;
        Self::from_tip(&repository, tip.id()).map_err(unknown)
    }

    /// The line of what is checked out around a folder; an empty one where that is nothing.
    ///
    /// # Errors
    /// When git cannot read the repository.
    pub fn of_head(folder: &Path) -> Result<Self> {
        let Some(repository) = discover(folder)? else { return Ok(Self::default()) };
        let tip = repository.head().and_then(|head| head.peel_to_commit());
        match tip.and_then(|tip| Self::from_tip(&repository, tip.id())) {
            Err(cause) if matches!(cause.code(), ErrorCode::NotFound | ErrorCode::UnbornBranch) => {
                Ok(Self::default())
            }
            Err(cause) => Err(unreadable(folder, &cause)),
            Ok(ancestry) => Ok(ancestry),
        }
    }

    /// A line that no repository has, its tip first: an invented history has an order, too.
    pub fn of_line(shas_tip_first: impl IntoIterator<Item = String>) -> Self {
        let mut distances = HashMap::new();
        for (distance, sha) in shas_tip_first.into_iter().enumerate() {
            distances.entry(sha).or_insert(distance);
        }
        Self { distances, is_shallow: false }
    }

    /// How many first parents lie between; 0 for the commit itself, None for one that is not on the line.
    pub fn distance(&self, sha: &str) -> Option<usize> {
        self.distances.get(sha).copied()
    }

    /// That the line may be longer than what this clone knows of it.
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

/// A column of a series.
#[derive(Debug, Clone, Copy)]
pub struct SeriesColumn {
    /// Its definition, whose id is the column's name.
    pub metric: Metric,
    value: fn(&SummaryRow) -> f64,
}

impl SeriesColumn {
    /// Its value, in the definition's unit.
    pub fn value(&self, metric_values: &SummaryRow) -> f64 {
        (self.value)(metric_values)
    }
}

/// The columns after time and commit. Each row has all of them: readers take no gaps.
pub const SERIES_COLUMNS: [SeriesColumn; 4] = [
    SeriesColumn { metric: Metric::TimeToFirstToken, value: |metric_values| metric_values.ttft_ms },
    SeriesColumn { metric: Metric::TimePerOutputToken, value: |metric_values| metric_values.tpot_ms },
    SeriesColumn { metric: Metric::EndToEndLatency, value: |metric_values| metric_values.latency_s },
    SeriesColumn {
        metric: Metric::EndToEndThroughput,
        value: |metric_values| metric_values.throughput_tok_s,
    },
];

/// One row a record, in the order given: `time,commit,<metric>...`. The time is the commit's, so that a
/// commit that was measured late stands where it belongs. Records that can be no baseline have no row.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn series_csv(entries: &[&Entry]) -> Result<String> {
    let header = ["time", "commit"].into_iter().chain(SERIES_COLUMNS.iter().map(|column| column.metric.id()));
    let rows = entries.iter().filter(|entry| entry.may_be_baseline()).filter_map(|entry| {
        let (commit, metric_values) = (entry.commit.as_ref()?, entry.metric_values.as_ref()?);
        let values = SERIES_COLUMNS.iter().map(|column| column.value(metric_values).to_string());
        Some([commit.author_date_utc.clone(), commit.sha.clone()].into_iter().chain(values).collect())
    });
    csv_text([header.map(str::to_owned).collect()].into_iter().chain(rows))
}

/// Rows as CSV, the one way in which it is written: what a spreadsheet would take for a formula stands behind an
/// apostrophe, and every cell is a line.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn csv_text(rows: impl IntoIterator<Item = Vec<String>>) -> Result<String> {
    let failed = |cause: &dyn std::fmt::Display| Error::harness(format!("cannot write CSV: {cause}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|text| cell(text))).map_err(|cause| failed(&cause))?;
    }
    let bytes = writer.into_inner().map_err(|cause| failed(&cause))?;
    String::from_utf8(bytes).map_err(|cause| failed(&cause))
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
