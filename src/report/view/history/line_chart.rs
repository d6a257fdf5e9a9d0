//! The static chart of a metric.

use serde_json::{Value, json};

use crate::judge::MEAN_CONFIDENCE_PERCENT;
use crate::report::chart;
use crate::report::chart::{Chart, Line, LinePoint, PositionLabel};
use crate::report::number::{counted, four_digits};
use crate::report::view::history::{COLUMNS, Standing, day};
use crate::report::view::track::{Track, percent_of};
use crate::report::view::{Change, CommitLink, EpochStart, Point, Timeline, short};
use crate::visible::one_line;

/// Dates along the bottom, where there is room.
const DATES: usize = 7;
/// Fewer commits are no trend.
const FEWEST: usize = 3;
/// Commits of which the overview's script knows the value: each weighs thirty bytes.
const POINTED: usize = 300;

/// The chart of a metric along its timeline.
pub(super) fn chart_of(timeline: &Timeline<'_>, standings: &[Option<Standing>], track: &Track) -> Chart {
    line_of(timeline, standings, track).chart()
}

/// The same for the overview, small and without the prompts, with what its script shows of the commit under the
/// pointer; None where there is hardly anything to draw.
pub(in crate::report::view) fn small_chart(timeline: &Timeline<'_>, track: &Track) -> Option<Value> {
    if track.means.iter().flatten().count() < FEWEST {
        return None;
    }
    let line = Line { prompts: Vec::new(), ..line_of(timeline, &vec![None; timeline.points.len()], track) };
    let first = timeline.points.len().saturating_sub(POINTED);
    let points = timeline.points.iter().zip(&track.means).skip(first).map(|(point, mean)| {
        let sha = CommitLink::of(point.sha).map_or("-".to_owned(), |link| link.short);
        let day = one_line(day(point.author_date_utc));
        format!("{sha} {day} {}", mean.map(four_digits).unwrap_or_default())
    });
    let mut chart = json!(line.small_chart());
    chart["unit"] = track.shown.unit().into();
    chart["positions"] = timeline.points.len().into();
    // Apart by blanks and semicolons, which weighs less than JSON.
    chart["points"] = points.collect::<Vec<_>>().join(";").into();
    // Where the first and the last position are, as shares of the width.
    chart["ends"] = json!(line.small_ends()?);
    Some(chart)
}

fn line_of(timeline: &Timeline<'_>, standings: &[Option<Standing>], track: &Track) -> Line {
    let points = track.means.iter().zip(&track.intervals).zip(standings);
    let points = points.map(|((mean, interval), standing)| LinePoint {
        mean: *mean,
        band: interval.map(|it| (it.lower(), it.upper())),
        verdict: standing.map(|it| it.mark),
    });
    let epoch = |(number, start): (usize, &EpochStart)| (start.at, number.to_string());
    let change = |change: &Change| {
        let percent = percent_of(*change)?;
        Some(chart::Change { position: change.at, percent, is_worse: track.shown.is_worse(percent) })
    };
    // Where commits share a column, so do the prompts: there only the mean is drawn, which weighs less.
    let is_dense = timeline.points.len() > COLUMNS;
    let has_prompts = !track.prompts.is_empty();
    Line {
        title: track.shown.title.to_owned(),
        description: format!(
            "By commit, {}.{}",
            track.shown.measure(),
            if is_dense && has_prompts { " Its prompts are in the table." } else { "" }
        ),
        unit: track.shown.unit().to_owned(),
        better: track.shown.metric.direction(),
        mean_label: if has_prompts { "mean of the prompts" } else { "each run" }.to_owned(),
        band_label: band_label(track, is_dense),
        position_label: format!("{}, oldest to newest", counted(timeline.points.len(), "commit")),
        points: points.collect(),
        prompts: if is_dense { Vec::new() } else { track.prompts.clone() },
        labels: dates(timeline),
        references: track.references.clone(),
        epochs: (2..).zip(&timeline.epochs).map(epoch).collect(),
        changes: track.changes.iter().filter_map(change).collect(),
    }
}

/// What the band is: where commits share a column, their values are within it as well.
fn band_label(track: &Track, is_dense: bool) -> String {
    let interval = format!("{MEAN_CONFIDENCE_PERCENT} % interval");
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
    let mut positions: Vec<usize> =
        (0..labels).map(|label| label * last / labels.saturating_sub(1).max(1)).collect();
    positions.dedup();
    let day_of = |point: &Point<'_>| day(point.author_date_utc).to_owned();
    // Commits of one day are distinguished by their sha.
    let is_one_day = timeline.points.windows(2).all(|two| day_of(&two[0]) == day_of(&two[1]));
    let text = |position: usize| match &timeline.points[position] {
        point if is_one_day => short(point.sha).to_owned(),
        point => day_of(point),
    };
    positions.into_iter().map(|position| (position, text(position))).collect()
}
