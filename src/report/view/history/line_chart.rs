//! The static chart of a figure.

use serde::Serialize;

use crate::judge::MEAN_CONFIDENCE_PERCENT;
use crate::report::chart::{self, Chart, Line, LinePoint, PositionLabel, PromptLine, Reference};
use crate::report::number::{counted, four_digits};
use crate::report::view::history::standing::Standing;
use crate::report::view::history::track::{PromptTrack, Track, percent_of};
use crate::report::view::history::{COLUMNS, day};
use crate::report::view::{Change, CommitLink, EpochStart, Timeline};
use crate::visible::one_line;

/// So many dates stand along the bottom, where there is room.
const DATES: usize = 7;
/// Fewer commits are no trend.
const FEWEST: usize = 3;
/// Commits of which the overview's script knows the value: each weighs thirty bytes.
const POINTED: usize = 300;

/// The chart of a metric along its timeline.
pub(super) fn chart_of(timeline: &Timeline<'_>, standings: &[Option<Standing>], track: &Track) -> Chart {
    line_of(timeline, standings, track).chart()
}

/// A small chart, and what its script shows of the commit under the pointer.
#[derive(Debug, Clone, Serialize)]
pub(in crate::report) struct SmallChart {
    #[serde(flatten)]
    chart: Chart,
    unit: &'static str,
    positions: usize,
    /// Of the newest commits: sha, day and value, apart by blanks and semicolons, which weighs less than JSON.
    points: String,
    /// Where the first and the last position are, as shares of the width.
    ends: [[f64; 2]; 2],
}

/// The same, small and without the prompts; None where there is hardly anything to draw.
pub(super) fn small_chart_of(timeline: &Timeline<'_>, track: &Track) -> Option<SmallChart> {
    if track.means.iter().flatten().count() < FEWEST {
        return None;
    }
    let line = Line { prompts: Vec::new(), ..line_of(timeline, &vec![None; timeline.points.len()], track) };
    let first = timeline.points.len().saturating_sub(POINTED);
    let points = timeline.points.iter().zip(&track.means).skip(first).map(|(point, mean)| {
        let sha = CommitLink::of(point.sha).map_or("-".to_owned(), |link| link.short);
        format!(
            "{sha} {} {}",
            one_line(day(point.author_date_utc)),
            mean.map(four_digits).unwrap_or_default()
        )
    });
    Some(SmallChart {
        chart: line.small_chart(),
        unit: track.shown.unit(),
        positions: timeline.points.len(),
        points: points.collect::<Vec<_>>().join(";"),
        ends: line.small_ends()?,
    })
}

fn line_of(timeline: &Timeline<'_>, standings: &[Option<Standing>], track: &Track) -> Line {
    let points =
        track.means.iter().zip(&track.intervals).zip(standings).map(|((mean, interval), standing)| {
            LinePoint {
                mean: *mean,
                low: interval.map(|it| it.lower()),
                high: interval.map(|it| it.upper()),
                verdict: standing.map(|it| it.mark),
            }
        });
    let prompt =
        |prompt: &PromptTrack| PromptLine { name: prompt.id.clone(), figures: prompt.figures.clone() };
    let epoch = |(number, start): (usize, &EpochStart)| PositionLabel {
        position: start.at,
        text: number.to_string(),
    };
    let change = |change: &Change| {
        let percent = percent_of(*change)?;
        let is_worse = track.shown.is_worse(percent);
        Some(chart::Change { position: change.at, percent, is_worse })
    };
    // Where commits share a column, so do the prompts: there only the mean is drawn, which weighs less.
    let is_dense = timeline.points.len() > COLUMNS;
    let prompts_are_left_out = is_dense && !track.prompts.is_empty();
    let mean_label = if track.prompts.is_empty() { "each run" } else { "mean of the prompts" };
    Line {
        title: track.shown.title.to_owned(),
        description: format!(
            "By commit, {}.{}",
            track.shown.measure(),
            if prompts_are_left_out { " Its prompts are in the table." } else { "" }
        ),
        unit: track.shown.unit().to_owned(),
        better: Some(track.shown.metric.direction()),
        mean_label: mean_label.to_owned(),
        band_label: band_label(track, is_dense),
        position_label: format!("{}, oldest to newest", counted(timeline.points.len(), "commit")),
        points: points.collect(),
        prompts: track.prompts.iter().filter(|_| !is_dense).map(prompt).collect(),
        labels: dates(timeline),
        references: track
            .references
            .iter()
            .map(|it| Reference { label: it.label.clone(), figure: it.figure })
            .collect(),
        epochs: (2..).zip(&timeline.epochs).map(epoch).collect(),
        changes: track.changes.iter().filter_map(change).collect(),
    }
}

/// What the band is: where commits share a column, their figures are within it as well.
fn band_label(track: &Track, is_dense: bool) -> String {
    let interval = format!("its interval of {MEAN_CONFIDENCE_PERCENT} %");
    match (track.has_intervals(), is_dense) {
        (true, true) => format!("{interval}, and the commits of its column"),
        (false, true) => "the commits of its column".to_owned(),
        (_, false) => interval,
    }
}

/// Dates at even distances, the first and the last among them.
fn dates(timeline: &Timeline<'_>) -> Vec<PositionLabel> {
    let last = timeline.points.len().saturating_sub(1);
    let labels = DATES.min(timeline.points.len());
    let mut dates: Vec<PositionLabel> = (0..labels)
        .map(|label| label * last / labels.saturating_sub(1).max(1))
        .map(|position| PositionLabel {
            position,
            text: day(timeline.points[position].author_date_utc).to_owned(),
        })
        .collect();
    dates.dedup_by_key(|label| label.position);
    dates
}
