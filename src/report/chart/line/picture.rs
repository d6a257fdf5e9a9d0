//! The figures of a history in the columns of one form.

use super::super::Form;
use super::super::columns::{Columns, largest, mean, smallest};
use super::super::palette::Role;
use super::super::ticks::{Axis, axis, drawable};
use super::{Line, LinePoint};

/// A lower chart has few numbers on its axis, px.
const NUMBERS_FROM: f64 = 150.0;

/// What is drawn, column by column.
pub(super) struct Picture {
    pub(super) columns: Columns,
    pub(super) mean: Vec<Option<f64>>,
    pub(super) band: Vec<Option<Spread>>,
    /// Those that can be distinguished.
    pub(super) prompts: Vec<Vec<Option<f64>>>,
    /// None without figures.
    pub(super) axis: Option<Axis>,
}

/// From the lowest to the highest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Picture {
    /// The picture of a history, so many px high.
    pub(super) fn of(line: &Line, form: Form, height: f64) -> Self {
        let columns = Columns::new(line.positions(), form.columns());
        let points = |range: std::ops::Range<usize>| {
            let end = range.end.min(line.points.len());
            line.points.get(range.start.min(end)..end).unwrap_or_default()
        };
        let means = columns
            .ranges()
            .map(|range| mean(points(range).iter().map(|point| drawable(point.mean))))
            .collect::<Vec<_>>();
        let band = columns.ranges().map(|range| spread(points(range))).collect::<Vec<_>>();
        let prompts = line
            .prompts
            .iter()
            .enumerate()
            .take_while(|(at, _)| Role::prompt(*at).is_some())
            .map(|(_, prompt)| {
                columns
                    .ranges()
                    .map(|range| mean(range.map(|at| drawable(prompt.figures.get(at).copied().flatten()))))
                    .collect()
            })
            .collect::<Vec<Vec<_>>>();
        let ours = means.iter().chain(prompts.iter().flatten()).flatten().copied();
        // Without a figure of ours there is nothing to compare a reference with.
        let axis = ours.clone().next().and_then(|_| {
            let band = band.iter().flatten().flat_map(|spread| [spread.low, spread.high]);
            axis(
                ours.chain(band).chain(line.references.iter().map(|it| it.figure)),
                if height < NUMBERS_FROM { 3 } else { 6 },
            )
        });
        Self { columns, mean: means, band, prompts, axis }
    }

    /// Whether any column has a band.
    pub(super) fn has_band(&self) -> bool {
        self.band.iter().any(Option::is_some)
    }
}

/// The band of a column, in which the figures themselves are when they share it.
fn spread(points: &[LinePoint]) -> Option<Spread> {
    let has_figure = |point: &&LinePoint| drawable(point.mean).is_some();
    let low = smallest(points.iter().filter(has_figure).map(|it| drawable(it.low).or(it.mean)))?;
    let high = largest(points.iter().filter(has_figure).map(|it| drawable(it.high).or(it.mean)))?;
    (high > low).then_some(Spread { low, high })
}
