//! What is stored of a commit, as far as a gate can judge it.

use crate::error::Result;
use crate::record::{AbRecord, AnyRecord, Commit, History, Outcome, RunRecord};

/// What was found.
pub(super) enum Found {
    /// The newest A/B of the commit.
    Ab(Box<AbRecord>),
    /// There is none, and this is its newest run.
    Run(Box<RunRecord>),
    /// Nothing that is a word on it.
    Nothing {
        /// Whether it was held against itself.
        itself: bool,
    },
}

impl Found {
    /// Looks in the store. A/B runs of a working tree, of other things than commits, or that did not come to
    /// their end are no word on a commit; neither is one against the commit itself, as a calibration makes
    /// them, unless it is the base that was named.
    pub(super) fn of(store: &History, head: &Commit, base: Option<&Commit>) -> Result<Self> {
        let is_against = |record: &AbRecord| match base {
            Some(base) => is_of(&record.base.run, base),
            None => record.base.run.commit.is_some() && !is_of(&record.base.run, head),
        };
        let (mut run, mut itself) = (None, false);
        // One that is damaged could be the one that counts: the gate refuses.
        for stored in store.of_commit(&head.sha)? {
            match stored?.record {
                AnyRecord::Ab(record) if is_clean(&record.head.run) && is_against(&record) => {
                    if record.head.differences.is_empty() && record.gate_decision.is_some() {
                        return Ok(Self::Ab(record));
                    }
                }
                AnyRecord::Ab(record) if base.is_none() && is_of(&record.base.run, head) => itself = true,
                AnyRecord::Run(record) if is_clean(&record) && has_ended(&record) => {
                    run.get_or_insert(record);
                }
                AnyRecord::Ab(_) | AnyRecord::Run(_) => {}
            }
        }
        Ok(run.map_or(Self::Nothing { itself }, Self::Run))
    }
}

fn is_of(run: &RunRecord, commit: &Commit) -> bool {
    run.commit.as_ref().is_some_and(|of| of.sha == commit.sha)
}

fn is_clean(run: &RunRecord) -> bool {
    run.commit.as_ref().is_some_and(|commit| !commit.dirty)
}

fn has_ended(run: &RunRecord) -> bool {
    matches!(run.outcome, Outcome::Complete | Outcome::WrongOutput)
}
