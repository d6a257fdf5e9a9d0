//! The word on a commit: what its A/B came to, or why it has no figures.

use crate::record::{AbSummary, Outcome, Verdict};
use crate::report::decision::Mark;
use crate::report::view::doubt::is_doubted;
use crate::report::view::{Badge, Point, Timeline};

/// A word and its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) mark: Mark,
    pub(super) word: &'static str,
}

impl Standing {
    /// The word on a commit; None where it has figures and was compared with no other.
    pub(super) fn of(point: &Point<'_>) -> Option<Self> {
        let ab = point.ab_summary().filter(|ab| !ab.is_against_itself);
        let decided = ab.and_then(|ab| ab.gate_verdict.or(ab.verdict));
        let of_verdict = |verdict: Verdict| Self { mark: verdict.into(), word: verdict.as_str() };
        match (decided, point.entry.outcome) {
            (_, Outcome::WrongOutput) => Some(of_verdict(Verdict::WrongOutput)),
            _ if ab.is_some_and(AbSummary::passes_with_warning) => {
                Some(Self { mark: Mark::Warns, word: "pass with warning" })
            }
            (Some(verdict), _) => Some(of_verdict(verdict)),
            (None, _) if point.figures().is_some() => None,
            (None, _) if is_doubted(point.entry) => Some(Self { mark: Mark::Warns, word: "INVALID" }),
            (None, _) => Some(Self { mark: Mark::NotJudged, word: "no verified output" }),
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
