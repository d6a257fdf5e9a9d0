//! How the speed of a timeline moved, small.

use crate::judge::{MEAN_CONFIDENCE_PERCENT, MeanInterval};
use crate::measure::{Direction, Metric};
use crate::report::chart::{Change, Chart, Line, LinePoint, PositionLabel, Reference};
use crate::report::number::change_percent;
use crate::report::view::{EpochStart, Point, Timeline};

/// So few commits are no trend.
const FEWEST: usize = 3;
/// Dates along the bottom, from which the chart takes those that fit.
const LABELS: usize = 8;
/// The part of a UTC time that is the day.
const DAY: usize = 10;

/// The chart of a timeline's throughput; None where there is hardly anything to draw.
pub(super) fn chart(timeline: &Timeline<'_>) -> Option<Chart> {
    let points = &timeline.points;
    if points.iter().filter(|point| point.figures().is_some()).count() < FEWEST {
        return None;
    }
    let metric = Metric::EndToEndThroughput;
    let line = Line {
        title: "Speed, prefill included".to_owned(),
        description: String::new(),
        unit: metric.unit().to_owned(),
        better: Some(Direction::Higher),
        mean_label: "mean of the prompts".to_owned(),
        band_label: format!("{MEAN_CONFIDENCE_PERCENT} % interval"),
        position_label: "commits, oldest to newest".to_owned(),
        points: points.iter().map(line_point).collect(),
        prompts: Vec::new(),
        labels: labels(points),
        references: reference(points).into_iter().collect(),
        epochs: epochs(timeline),
        changes: changes(timeline),
    };
    Some(line.small_chart())
}

/// The change points of the time per output token, which are those that the page tells, as changes of the
/// throughput between the same commits.
fn changes(timeline: &Timeline<'_>) -> Vec<Change> {
    let starts = timeline.tpot_changes.iter().map(|change| change.at);
    let mut bounds: Vec<usize> = timeline.epochs.iter().map(|epoch| epoch.at).chain(starts).collect();
    bounds.extend([0, timeline.points.len()]);
    bounds.sort_unstable();
    let change = |at: usize| {
        let before = bounds.iter().rev().copied().find(|bound| *bound < at)?;
        let after = bounds.iter().copied().find(|bound| *bound > at)?;
        let mean = |from: usize, to: usize| mean_throughput(timeline.points.get(from..to)?);
        let percent = change_percent(mean(at, after)? / mean(before, at)?);
        Some(Change { position: at, percent, is_worse: percent < 0.0 })
    };
    timeline.tpot_changes.iter().filter_map(|it| change(it.at)).collect()
}

fn mean_throughput(points: &[Point<'_>]) -> Option<f64> {
    let figures: Vec<f64> =
        points.iter().filter_map(|point| Some(point.figures()?.throughput_tok_s)).collect();
    (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
}

/// Numbered from 2, as on the page of the history: the first has no beginning.
fn epochs(timeline: &Timeline<'_>) -> Vec<PositionLabel> {
    let epoch = |(number, epoch): (usize, &EpochStart)| PositionLabel {
        position: epoch.at,
        text: (number + 2).to_string(),
    };
    timeline.epochs.iter().enumerate().map(epoch).collect()
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
