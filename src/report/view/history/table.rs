//! The newest figures as a table, for those who read no chart.

use serde::Serialize;

use crate::report::number::four_digits;
use crate::report::view::history::standing::Standing;
use crate::report::view::history::track::Track;
use crate::report::view::{Badge, CommitLink, Timeline};

/// The newest figures.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Table {
    /// What it holds, as in "The newest 100 of 10000".
    caption: String,
    has_intervals: bool,
    /// Ids of the prompts.
    prompts: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Serialize)]
struct Row {
    commit: Option<CommitLink>,
    /// The day it was authored, UTC.
    day: String,
    /// None where it has no such figure.
    figure: Option<String>,
    interval: Option<String>,
    prompts: Vec<String>,
    standing: Option<Badge>,
    epoch: usize,
}

/// The newest rows of a figure, the newest first. A commit without any figure has a row, for it says why.
pub(super) fn table(
    timeline: &Timeline<'_>,
    standings: &[Option<Standing>],
    epochs: &[usize],
    track: &Track,
    most: usize,
) -> Table {
    let is_reported = |at: &usize| track.means[*at].is_some() || timeline.points[*at].figures().is_none();
    let places: Vec<usize> = (0..timeline.points.len()).rev().filter(is_reported).collect();
    let row = |at: usize| Row {
        commit: CommitLink::of(timeline.points[at].sha),
        day: super::day(timeline.points[at].author_date_utc).to_owned(),
        figure: track.means[at].map(four_digits),
        interval: track.intervals[at]
            .map(|it| format!("{} to {}", four_digits(it.lower()), four_digits(it.upper()))),
        prompts: track
            .prompts
            .iter()
            .map(|prompt| prompt.figures[at].map(four_digits).unwrap_or_default())
            .collect(),
        standing: standings[at].map(Standing::badge),
        epoch: epochs[at],
    };
    let shown = places.len().min(most);
    Table {
        caption: if shown < places.len() {
            format!("The newest {shown} of {}", places.len())
        } else {
            format!("All {shown}")
        },
        has_intervals: track.intervals.iter().any(Option::is_some),
        prompts: track.prompts.iter().map(|prompt| prompt.id.clone()).collect(),
        rows: places.into_iter().take(most).map(row).collect(),
    }
}
