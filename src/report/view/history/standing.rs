//! The word on a commit: what its A/B came to, or why it has no figures.

use crate::record::{Outcome, Verdict};
use crate::report::decision::Mark;
use crate::report::view::{Badge, Point, Timeline};

/// A word and its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) mark: Mark,
    pub(super) word: &'static str,
}

impl Standing {
    /// The word on a commit; None where it has figures and was held against no other.
    pub(super) fn of(point: &Point<'_>) -> Option<Self> {
        let decided = point.ab_headline().filter(|ab| !ab.is_against_itself);
        let decided = decided.and_then(|ab| ab.gate_verdict.or(ab.verdict));
        let of_verdict = |verdict: Verdict| Self { mark: verdict.into(), word: verdict.word() };
        match (decided, point.entry.outcome) {
            (_, Outcome::WrongOutput) => Some(of_verdict(Verdict::WrongOutput)),
            (Some(verdict), _) => Some(of_verdict(verdict)),
            (None, _) if point.figures().is_some() => None,
            (None, _) => Some(Self { mark: Mark::NotJudged, word: "no verified figures" }),
        }
    }

    pub(super) fn badge(self) -> Badge {
        Badge::new(self.mark, self.word)
    }
}

/// The epoch of each commit, from 1.
pub(super) fn epoch_numbers(timeline: &Timeline<'_>) -> Vec<usize> {
    let starts = |at: usize| timeline.epochs.iter().filter(|epoch| epoch.at <= at).count();
    (0..timeline.points.len()).map(|at| starts(at) + 1).collect()
}
