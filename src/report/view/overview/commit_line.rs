//! A commit in a row of the overview: when, of what, and the range in which its change lies.

use serde::Serialize;

use crate::report::view::overview::OverviewSources;
use crate::report::view::{CommitLink, CommitRange, Timeline};
use crate::visible::one_line;

/// A commit of a timeline.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CommitLine {
    commit: Option<CommitLink>,
    /// When it was authored, UTC.
    date_utc: String,
    /// None where it is not known.
    subject: Option<String>,
    /// From the last commit with a valid run before it; None where it is the first.
    range: Option<CommitRange>,
}

impl CommitLine {
    /// The commit at a place of the timeline.
    pub(super) fn of(timeline: &Timeline<'_>, at: usize, sources: OverviewSources<'_>) -> Self {
        let point = &timeline.points[at];
        let before = timeline.points[..at].iter().rev().find(|point| point.figures().is_some());
        let subject = (sources.subject_of)(point.entry).map(|subject| one_line(&subject));
        Self {
            commit: CommitLink::of(point.sha),
            date_utc: point.author_date_utc.to_owned(),
            subject: subject.filter(|subject| !subject.is_empty()),
            range: before.and_then(|before| CommitRange::of(before.sha, point.sha, sources.forge)),
        }
    }
}
