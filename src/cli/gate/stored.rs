//! What is stored of a commit, as far as a gate can judge it.

use crate::cli::gate::accepted_base::AcceptedBase;
use crate::error::{Error, Result};
use crate::record::{AbRecord, AnyRecord, Commit, History, Outcome, RunRecord, Verdict};

/// What was found.
pub(super) enum Found {
    /// The A/B of the commit that counts.
    Ab {
        record: Box<AbRecord>,
        /// Newer ones of the same sides, which found less.
        passed_over: usize,
    },
    /// There is none, and this is its newest run.
    Run(Box<RunRecord>),
    /// Nothing that is a word on it.
    Nothing {
        /// Whether it was held against itself.
        itself: bool,
    },
}

impl Found {
    /// Looks in the store. A/B runs of a working tree, of other things than commits, or against another base
    /// are no word on a commit; neither is one against the commit itself, as a calibration makes them,
    /// unless it is the base that was named. Of several of the same sides the newest counts, but for one in
    /// which the head was shown to be wrong or worse: measuring until it is green would find green at last.
    pub(super) fn of(store: &History, head: &Commit, base: &AcceptedBase) -> Result<Self> {
        let (mut run, mut itself) = (None, false);
        let mut abs: Vec<Box<AbRecord>> = Vec::new();
        // One that is damaged could be the one that counts: the gate refuses.
        for stored in store.of_commit(&head.sha)? {
            match stored?.record {
                AnyRecord::Ab(record) if is_clean(&record.head.run) && record.head.differences.is_empty() => {
                    if !base.accepts(&record.base.run, head) {
                        itself |= is_of(&record.base.run, head);
                    } else if record.outcome != Outcome::Interrupted {
                        abs.push(record);
                    }
                }
                AnyRecord::Run(record) if is_clean(&record) && has_ended(&record) => {
                    run.get_or_insert(record);
                }
                AnyRecord::Ab(_) | AnyRecord::Run(_) | AnyRecord::Peers(_) => {}
            }
        }
        Ok(match one_that_counts(abs) {
            Some(found) => found?,
            None => run.map_or(Self::Nothing { itself }, Self::Run),
        })
    }
}

/// Of A/B runs, newest first.
fn one_that_counts(mut abs: Vec<Box<AbRecord>>) -> Option<Result<Found>> {
    let newest = abs.first()?;
    if newest.gate_decision.is_none() {
        let why = newest.failure.clone().unwrap_or_else(|| "it came to no decision".to_owned());
        return Some(Err(Error::harness(format!("the newest A/B of the commit failed: {why}"))
            .hint("mend that, and measure again with `cargo xtask ab`")));
    }
    let like_newest: Vec<bool> = abs.iter().map(|record| is_like(record, newest)).collect();
    let verdict = |record: &AbRecord| record.gate_decision.as_ref().map(|decision| decision.verdict);
    let find = |wanted: &[Verdict]| {
        let mut numbered = abs.iter().enumerate().filter(|(at, _)| like_newest[*at]);
        numbered.find(|(_, record)| verdict(record).is_some_and(|it| wanted.contains(&it))).map(|(at, _)| at)
    };
    let shown = find(&[Verdict::WrongOutput]).or_else(|| find(&[Verdict::Regressed, Verdict::Mixed]));
    let at = shown.unwrap_or(0);
    let passed_over = like_newest[..at].iter().filter(|like| **like).count();
    Some(Ok(Found::Ab { record: abs.swap_remove(at), passed_over }))
}

/// Whether both are of the same sides and circumstances.
fn is_like(one: &AbRecord, other: &AbRecord) -> bool {
    let of = |record: &AbRecord| {
        let (base, head) = (&record.base.run, &record.head.run);
        let base = base.commit.as_ref().map(|commit| commit.sha.clone());
        (base, head.machine.sha256.clone(), head.model.sha256.clone(), head.workload.sha256.clone())
    };
    of(one) == of(other)
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
