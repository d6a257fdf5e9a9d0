//! The time of every decode step of every generation, so that a stall is seen where it was.

use std::collections::HashMap;

use crate::measure::Direction;
use crate::report::chart::axis::{Axis, Columns, axis, drawable, is_drawable, largest, middle, within};
use crate::report::chart::layout::{NOT_FROM_ZERO, entry, fitted, measure};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, not_drawn, sentence};
use crate::report::number::{counted, four_digits};

/// Prompts that have a row of their own; a page with more would be all chart.
const MOST_ROWS: usize = 8;
/// Steps are cut off only where the slowest is this much slower than the slowest that counts.
const WORTH_CUTTING: f64 = 1.3;
const ROW_HEIGHT: f64 = 84.0;
/// The share of the steps that the axis shows whole: one stall must not flatten the rest.
const SHOWN_SHARE: f64 = 0.995;

/// The decode steps of one generation.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Generation {
    /// The prompt, which generations share.
    pub(in crate::report) prompt: String,
    /// From token to token, ms.
    pub(in crate::report) steps_ms: Vec<f64>,
}

pub(super) struct Row<'a> {
    prompt: &'a str,
    generations: Vec<&'a Generation>,
}

struct Strip<'a> {
    rows: Vec<Row<'a>>,
    axis: Axis,
    /// What is beyond the axis, in words.
    cut: Option<String>,
    /// Which rows have no room.
    left_out: Option<String>,
}

/// The decode steps of these generations; a row is what `row` says, as in "prompt".
pub(in crate::report) fn token_strip(
    title: &str,
    description: &str,
    row: &str,
    generations: &[Generation],
) -> Chart {
    let rows = rows(generations);
    let mut steps: Vec<f64> = rows.iter().flat_map(Row::steps).filter(|ms| is_drawable(*ms)).collect();
    steps.sort_by(f64::total_cmp);
    let strip = axis_of(&steps).map(|axis| {
        let left_out = not_drawn(rows.len().saturating_sub(MOST_ROWS), row);
        Strip { cut: cut_words(&axis, &steps), rows, axis, left_out }
    });
    let facts = strip.as_ref().map_or("No decode steps.".to_owned(), |it| it.facts(row, &steps));
    let measure = measure("ms per token", Direction::Lower);
    chart(title, &[description, &facts], &measure, "no decode steps", |form| strip.as_ref()?.plot(form))
}

/// In the order of their first generation.
pub(super) fn rows(generations: &[Generation]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut row_of: HashMap<&str, usize> = HashMap::new();
    for generation in generations.iter().filter(|it| it.steps_ms.iter().any(|ms| is_drawable(*ms))) {
        let row = *row_of.entry(&generation.prompt).or_insert(rows.len());
        match rows.get_mut(row) {
            Some(row) => row.generations.push(generation),
            None => rows.push(Row { prompt: &generation.prompt, generations: vec![generation] }),
        }
    }
    rows
}

/// Of the sorted steps.
fn axis_of(steps: &[f64]) -> Option<Axis> {
    let slowest_ms = *steps.last()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let end = steps[((steps.len() - 1) as f64 * SHOWN_SHARE) as usize];
    let end = if slowest_ms > end * WORTH_CUTTING { end } else { slowest_ms };
    axis(steps.iter().copied().filter(|ms| *ms <= end), 3)
}

fn cut_words(axis: &Axis, steps: &[f64]) -> Option<String> {
    let cut = steps.iter().filter(|ms| **ms > axis.high).count();
    let (_, end) = axis.ticks.last().filter(|_| cut > 0)?;
    Some(format!("{} above {end} ms, up to {} ms", counted(cut, "step"), four_digits(*steps.last()?)))
}

impl Row<'_> {
    fn steps(&self) -> impl Iterator<Item = f64> {
        self.generations.iter().flat_map(|it| it.steps_ms.iter().copied())
    }
}

impl Strip<'_> {
    fn facts(&self, row: &str, steps: &[f64]) -> String {
        let generations: usize = self.rows.iter().map(|row| row.generations.len()).sum();
        let slowest_ms = steps.last().copied().map_or("?".to_owned(), four_digits);
        let mut facts = vec![
            format!("{} of {}", counted(generations, "generation"), counted(self.rows.len(), row)),
            format!("the slowest step took {slowest_ms} ms"),
        ];
        facts.extend(self.cut.clone().into_iter().chain(self.left_out.clone()));
        facts.extend((!self.axis.has_zero()).then(|| NOT_FROM_ZERO.to_owned()));
        sentence(facts)
    }

    fn plot(&self, form: Form) -> Option<Plot> {
        let mut legend = vec![entry(Sign::Line(Role::Tokens, 1.5), "a generation")];
        legend.extend(self.cut.iter().map(|words| entry(Sign::Up(Role::Bad), words)));
        let generations = self.rows.iter().flat_map(|row| &row.generations);
        let longest = generations.map(|it| it.steps_ms.len()).max()?;
        let columns = Columns::new(longest, form.columns());
        let last = longest.saturating_sub(1) as f64;
        let panels = self.rows.iter().take(MOST_ROWS).map(|row| {
            let name = fitted(row.prompt, form.width() - 140.0);
            Panel {
                title: Some(format!("{name}: {}", counted(row.generations.len(), "generation"))),
                axis: self.axis.clone(),
                height: ROW_HEIGHT,
                layers: row.generations.iter().flat_map(|it| layers(it, columns, &self.axis)).collect(),
            }
        });
        let ticks = within(0.0, last, form.pick(10, 4)).ticks.into_iter();
        let shared = columns
            .are_shared()
            .then(|| format!("each point: the slowest of up to {}", columns.most_in_one()));
        let meaning = [Some("decode step of the generation".to_owned()), shared, self.left_out.clone()];
        Some(Plot {
            legend,
            is_off_zero: !self.axis.has_zero(),
            across: (0.0, last),
            panels: panels.collect(),
            labels: ticks.filter(|(step, _)| step.fract() == 0.0).collect(),
            meaning: meaning.into_iter().flatten().collect(),
            ..Plot::default()
        })
    }
}

/// One generation: a column shows its slowest step, for a mean would hide a stall.
fn layers(generation: &Generation, columns: Columns, axis: &Axis) -> Vec<Layer> {
    let slowest = columns.ranges().map(|range| {
        let steps = range.clone().map(|step| drawable(generation.steps_ms.get(step).copied()));
        Some((middle(&range), largest(steps)?))
    });
    let slowest: Vec<Option<(f64, f64)>> = slowest.collect();
    let within = |(x, ms): (f64, f64)| (x, ms.clamp(axis.low, axis.high));
    let points = slowest.iter().map(|step| step.map(within)).collect();
    let line = Layer::Line { role: Role::Tokens, width: 1.0, points, is_marked: false };
    let cut = slowest.iter().flatten().filter(|(_, ms)| *ms > axis.high);
    let marks = cut.map(|(x, _)| Layer::Sign(Sign::Up(Role::Bad), *x, axis.high));
    [line].into_iter().chain(marks).collect()
}
