//! How the speed of a timeline moved, small.

use crate::error::Result;
use crate::judge::{MEAN_CONFIDENCE_PERCENT, MeanInterval};
use crate::measure::{Direction, Metric};
use crate::report::chart::{Change, Chart, LinePoint, PositionLabel, Reference, Trend};
use crate::report::number::change_percent;
use crate::report::view::{Point, Timeline, changes_of};

/// So few commits are no trend.
const FEWEST: usize = 3;
/// Dates along the bottom, from which the chart takes those that fit.
const LABELS: usize = 8;
/// The part of a UTC time that is the day.
const DAY: usize = 10;

/// The chart of a timeline's throughput; None where there is hardly anything to draw.
pub(super) fn chart(timeline: &Timeline<'_>) -> Result<Option<Chart>> {
    let points = &timeline.points;
    if points.iter().filter(|point| point.figures().is_some()).count() < FEWEST {
        return Ok(None);
    }
    let metric = Metric::EndToEndThroughput;
    let found = changes_of(points, &timeline.epochs, |figures| Some(figures.throughput_tok_s))?;
    let changes = found.iter().map(|change| Change {
        position: change.at,
        percent: change.point.ratio().map_or(f64::NAN, change_percent),
        is_worse: change.point.mean_after < change.point.mean_before,
    });
    let trend = Trend {
        title: "Speed, prefill included".to_owned(),
        description: String::new(),
        unit: metric.unit().to_owned(),
        better: Some(Direction::Higher),
        mean_label: "mean of the prompts".to_owned(),
        band_label: format!("{MEAN_CONFIDENCE_PERCENT} % interval"),
        position_label: "commits, oldest to newest".to_owned(),
        points: points.iter().map(line_point).collect(),
        labels: labels(points),
        references: reference(points).into_iter().collect(),
        changes: changes.collect(),
    };
    Ok(Some(trend.chart()))
}

fn line_point(point: &Point<'_>) -> LinePoint {
    let figures = point.figures();
    let interval = figures.and_then(|figures| MeanInterval::of(&figures.process_throughput_tok_s));
    LinePoint {
        mean: figures.map(|figures| figures.throughput_tok_s),
        low: interval.map(|interval| interval.lower()),
        high: interval.map(|interval| interval.upper()),
        verdict: None,
    }
}

fn labels(points: &[Point<'_>]) -> Vec<PositionLabel> {
    let step = points.len().div_ceil(LABELS).max(1);
    let label = |(position, point): (usize, &Point<'_>)| PositionLabel {
        position,
        text: point.author_date_utc.get(..DAY).unwrap_or_default().to_owned(),
    };
    points.iter().enumerate().step_by(step).map(label).collect()
}

/// The published figure, where any commit stands beside it.
fn reference(points: &[Point<'_>]) -> Option<Reference> {
    let figure = points.iter().rev().find_map(|point| point.figures()?.published_tok_s)?;
    Some(Reference { label: "published".to_owned(), figure })
}
