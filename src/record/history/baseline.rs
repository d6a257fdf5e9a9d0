//! What a run is held against: the nearest ancestor that was measured on the same machine and model.

use std::cmp::Reverse;
use std::path::Path;

use crate::error::Result;
use crate::record::history::ancestry::Ancestry;
use crate::record::history::epoch::{Epoch, Series};
use crate::record::history::index::Index;
use crate::record::{History, Origin, Stored, Warning, utc_now};

/// A record that others may be held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The record, read from its own file.
    pub stored: Stored,
    /// Its epoch. Where it is another than that of the run, a step need not be the commit's.
    pub epoch: Epoch,
    /// How many first parents lie between the two commits.
    pub distance: usize,
}

/// What came of looking for a baseline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BaselineSearch {
    /// The nearest; None where no ancestor that is known was measured.
    pub baseline: Option<Baseline>,
    /// What a reader must know, as that the clone is shallow.
    pub warnings: Vec<Warning>,
}

impl History {
    /// The baseline of a commit in a series: the nearest ancestor by first parents with a run that came to
    /// its end, of a clean tree, whose output was verified; of several such runs the newest. Only what
    /// was measured here counts.
    ///
    /// # Errors
    /// A commit that the repository around `folder` does not know; a baseline that cannot be read any
    /// more: an older one is not what was asked for.
    pub fn baseline_for(
        &self,
        index: &Index,
        folder: &Path,
        sha: &str,
        series: &Series,
    ) -> Result<BaselineSearch> {
        let ancestry = Ancestry::of(folder, sha)?;
        let warnings = ancestry.warning().into_iter().collect();
        let now = utc_now();
        let measured_here = index.entries.iter().filter(|entry| entry.origin == Origin::Here);
        let of_series = measured_here.filter(|entry| entry.setting.series.id == series.id);
        let of_series = of_series.filter(|entry| !entry.is_later_than(&now));
        let candidates = of_series.filter(|entry| entry.may_be_baseline()).filter_map(|entry| {
            let distance = ancestry.distance(&entry.commit.as_ref()?.sha)?;
            (distance > 0).then_some((distance, entry))
        });
        let nearest = candidates.min_by_key(|(distance, entry)| (*distance, Reverse(entry.moment())));
        let Some((distance, entry)) = nearest else {
            return Ok(BaselineSearch { baseline: None, warnings });
        };
        let Stored { path, record } = self.read_entry(entry)?;
        let stored = Stored { path, record: record.into_run() };
        let baseline = Baseline { stored, epoch: entry.setting.epoch.clone(), distance };
        Ok(BaselineSearch { baseline: Some(baseline), warnings })
    }
}
