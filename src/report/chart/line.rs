//! How one metric moved through the history: a thick line with its band, a thin one for each prompt, and
//! what was found and decided along it.

mod drawing;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::measure::Direction;
use crate::report::chart::axis::{Axis, Columns, axis, drawable, largest, mean, smallest};
use crate::report::chart::layout::NOT_FROM_ZERO;
use crate::report::chart::palette::Role;
use crate::report::chart::signs::MARKS;
use crate::report::chart::{Chart, Form, chart};
use crate::report::mark::Mark;
use crate::report::number::counted;

/// One metric at each position of a history, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The metric's name.
    pub title: String,
    /// What the page says of it.
    pub description: String,
    /// What a value is counted in, as in "ms per token".
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// What the thick line is, as in "mean of the prompts".
    pub mean_label: String,
    /// What the band is, as in "interval of 95 %".
    pub band_label: String,
    /// What a position is, as in "commits on main, oldest to newest".
    pub position_label: String,
    /// The thick line, a point for each position.
    pub points: Vec<LinePoint>,
    /// The thin ones, which have values for the same positions.
    pub prompts: Vec<PromptLine>,
    /// Labels along the bottom; those without room are left out.
    pub labels: Vec<PositionLabel>,
    /// Values from elsewhere.
    pub references: Vec<Reference>,
    /// Where an epoch begins: its number, at its first position.
    pub epochs: Vec<PositionLabel>,
    /// Where the level changed.
    pub changes: Vec<Change>,
}

/// A position of a history.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LinePoint {
    /// The value; none leaves a gap.
    pub mean: Option<f64>,
    /// The lower end of its band.
    pub low: Option<f64>,
    /// The upper end of its band.
    pub high: Option<f64>,
    /// What was decided there. It is shown without a value too.
    pub verdict: Option<Mark>,
}

/// The values of one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptLine {
    /// Its name.
    pub name: String,
    /// A value for each position; none leaves a gap.
    pub metric_values: Vec<Option<f64>>,
}

/// A text at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionLabel {
    /// From 0.
    pub position: usize,
    /// A date or a commit, say.
    pub text: String,
}

/// A value to compare ours with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reference {
    /// What it is, without the value.
    pub label: String,
    /// In the chart's unit.
    #[serde(rename = "figure")]
    pub metric_value: f64,
}

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The first position of the new level.
    pub position: usize,
    /// By how much the value changed, percent.
    pub percent: f64,
    /// Whether that is the wrong way.
    pub is_worse: bool,
}

#[derive(Debug, Clone, Copy)]
struct Heights {
    wide: f64,
    narrow: f64,
}

const SMALL: Heights = Heights { wide: 120.0, narrow: 96.0 };

impl Line {
    /// The chart.
    #[must_use]
    pub fn chart(&self) -> Chart {
        self.chart_of(Heights { wide: 210.0, narrow: 170.0 })
    }

    /// The same, lower: for the trend of a front page.
    #[must_use]
    pub fn small_chart(&self) -> Chart {
        self.chart_of(SMALL)
    }

    /// Where the first and the last position of the small chart are, wide and narrow, as shares of its width; None
    /// where nothing is drawn.
    #[must_use]
    pub fn small_ends(&self) -> Option<[[f64; 2]; 2]> {
        let of = |form: Form| {
            let axis = Picture::of(self, form, form.pick(SMALL.wide, SMALL.narrow)).axis?;
            let ends = drawing::ends(self, form, &axis);
            Some([ends.left, ends.right].map(|x| x / form.width()))
        };
        Some([of(Form::Wide)?, of(Form::Narrow)?])
    }

    fn chart_of(&self, heights: Heights) -> Chart {
        let facts = self.facts(heights);
        chart(&self.title, &[&self.description, &facts], |canvas| {
            drawing::draw(canvas, self, canvas.form.pick(heights.wide, heights.narrow))
        })
    }

    fn positions(&self) -> usize {
        self.prompts.iter().map(|prompt| prompt.metric_values.len()).fold(self.points.len(), usize::max)
    }

    fn facts(&self, heights: Heights) -> String {
        let positions = self.positions();
        let picture = Picture::of(self, Form::Wide, heights.wide);
        let Some(axis) = &picture.axis else { return "No values yet.".to_owned() };
        let mut facts = vec![counted(positions, "position")];
        let metric_values = self.points.iter().filter(|point| point.mean.is_some()).count();
        let missing = positions.saturating_sub(metric_values);
        if missing > 0 && metric_values > 0 {
            facts.push(format!("{missing} without a value"));
        }
        if !self.changes.is_empty() {
            facts.push(counted(self.changes.len(), "change point"));
        }
        for mark in MARKS {
            let count = self.points.iter().filter(|point| point.verdict == Some(mark)).count();
            if count > 0 {
                facts.push(format!("verdict {}: {count}", mark.in_words()));
            }
        }
        let left_out = self.prompts.len().saturating_sub(picture.prompts.len());
        if left_out > 0 {
            facts.push(format!("{} without a line", counted(left_out, "more prompt")));
        }
        if !axis.has_zero() {
            facts.push(NOT_FROM_ZERO.to_owned());
        }
        facts.join("; ") + "."
    }
}

/// A lower chart has few numbers on its axis, px.
const NUMBERS_FROM: f64 = 150.0;

/// What is drawn, column by column.
pub(super) struct Picture {
    pub(super) columns: Columns,
    pub(super) mean: Vec<Option<f64>>,
    pub(super) band: Vec<Option<Spread>>,
    pub(super) prompts: Vec<Vec<Option<f64>>>,
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
                    .map(|range| {
                        mean(range.map(|at| drawable(prompt.metric_values.get(at).copied().flatten())))
                    })
                    .collect()
            })
            .collect::<Vec<Vec<_>>>();
        let ours = means.iter().chain(prompts.iter().flatten()).flatten().copied();
        // Without a value of ours there is nothing to compare a reference with.
        let axis = ours.clone().next().and_then(|_| {
            let band = band.iter().flatten().flat_map(|spread| [spread.low, spread.high]);
            axis(
                ours.chain(band).chain(line.references.iter().map(|it| it.metric_value)),
                if height < NUMBERS_FROM { 3 } else { 6 },
            )
        });
        Self { columns, mean: means, band, prompts, axis }
    }

    pub(super) fn has_band(&self) -> bool {
        self.band.iter().any(Option::is_some)
    }
}

/// The band of a column, in which the values themselves are when they share it.
fn spread(points: &[LinePoint]) -> Option<Spread> {
    let has_value = |point: &&LinePoint| drawable(point.mean).is_some();
    let low = smallest(points.iter().filter(has_value).map(|it| drawable(it.low).or(it.mean)))?;
    let high = largest(points.iter().filter(has_value).map(|it| drawable(it.high).or(it.mean)))?;
    (high > low).then_some(Spread { low, high })
}
