//! What is stored of a commit, as far as a gate can judge it.

use crate::error::Result;
use crate::record::{AbRecord, Commit, History, Outcome, RunRecord};

/// What was found.
pub(super) enum Found {
    /// The newest A/B of the commit.
    Ab(Box<AbRecord>),
    /// There is none, and this is its newest run.
    Run(Box<RunRecord>),
    /// Nothing at all.
    Nothing,
}

impl Found {
    /// Looks in the store. A/B runs of a working tree, of other things than commits, or that did not come to
    /// their end are no word on a commit.
    pub(super) fn of(store: &History, head: &Commit, base: Option<&Commit>) -> Result<Self> {
        let is_against = |record: &AbRecord| {
            let of = record.base.run.commit.as_ref();
            of.is_some_and(|of| base.is_none_or(|base| of.sha == base.sha))
        };
        let mut stored = store.of_commit(&head.sha)?;
        stored.abs.retain(|record| {
            let clean = record.head.run.commit.as_ref().is_some_and(|commit| !commit.dirty);
            clean && record.head.differences.is_empty() && is_against(record) && record.gate_decision.is_some()
        });
        if let Some(record) = stored.abs.pop() {
            return Ok(Self::Ab(Box::new(record)));
        }
        let complete = |run: &RunRecord| matches!(run.outcome, Outcome::Complete | Outcome::WrongOutput);
        stored.runs.retain(|run| complete(run) && run.commit.as_ref().is_some_and(|commit| !commit.dirty));
        Ok(stored.runs.pop().map_or(Self::Nothing, |run| Self::Run(Box::new(run))))
    }
}
