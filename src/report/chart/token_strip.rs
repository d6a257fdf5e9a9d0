//! The time of every decode step of every generation, so that a stall is seen where it was.

use std::collections::HashMap;

use crate::measure::Direction;
use crate::report::chart::axis::{Axis, Columns, axis, drawable, largest, middle, within};
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

/// The decode steps of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenStrip {
    /// For the heading.
    pub title: String,
    /// What the page says of it.
    pub description: String,
    /// What a row is, as in "prompt".
    pub row: &'static str,
    /// Without the warm-ups.
    pub generations: Vec<Generation>,
}

/// The decode steps of one generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// The prompt, which generations share.
    pub prompt: String,
    /// From token to token, ms.
    pub steps_ms: Vec<f64>,
}

pub(super) struct Row<'a> {
    prompt: &'a str,
    generations: Vec<&'a Generation>,
}

struct Shown {
    axis: Axis,
    cut: usize,
    slowest_ms: f64,
}

impl TokenStrip {
    /// The chart.
    pub fn chart(&self) -> Chart {
        let measure = measure("ms per token", Direction::Lower);
        let said = [&*self.description, &self.facts()];
        chart(&self.title, &said, &measure, "no decode steps", |form| self.plot(form))
    }

    /// In the order of their first generation.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = Vec::new();
        let mut row_of: HashMap<&str, usize> = HashMap::new();
        for generation in
            self.generations.iter().filter(|it| it.steps_ms.iter().any(|ms| drawable(Some(*ms)).is_some()))
        {
            let row = *row_of.entry(&generation.prompt).or_insert(rows.len());
            match rows.get_mut(row) {
                Some(row) => row.generations.push(generation),
                None => rows.push(Row { prompt: &generation.prompt, generations: vec![generation] }),
            }
        }
        rows
    }

    fn shown(&self) -> Option<Shown> {
        let steps = self.generations.iter().flat_map(|it| &it.steps_ms);
        let mut steps: Vec<f64> = steps.filter_map(|ms| drawable(Some(*ms))).collect();
        steps.sort_by(f64::total_cmp);
        let slowest_ms = *steps.last()?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let end = steps[((steps.len() - 1) as f64 * SHOWN_SHARE) as usize];
        let end = if slowest_ms > end * WORTH_CUTTING { end } else { slowest_ms };
        let axis = axis(steps.iter().copied().filter(|ms| *ms <= end), 3)?;
        let cut = steps.iter().filter(|ms| **ms > axis.high).count();
        Some(Shown { axis, cut, slowest_ms })
    }

    fn left_out(&self, rows: &[Row<'_>]) -> Option<String> {
        not_drawn(rows.len().saturating_sub(MOST_ROWS), self.row)
    }

    fn facts(&self) -> String {
        let Some(shown) = self.shown() else { return "No decode steps.".to_owned() };
        let rows = self.rows();
        let generations: usize = rows.iter().map(|row| row.generations.len()).sum();
        let mut facts = vec![
            format!("{} of {}", counted(generations, "generation"), counted(rows.len(), self.row)),
            format!("the slowest step took {} ms", four_digits(shown.slowest_ms)),
        ];
        facts.extend(shown.cut_words());
        facts.extend(self.left_out(&rows));
        facts.extend((!shown.axis.has_zero()).then(|| NOT_FROM_ZERO.to_owned()));
        sentence(facts)
    }

    fn plot(&self, form: Form) -> Option<Plot> {
        let shown = self.shown()?;
        let rows = self.rows();
        let mut legend = vec![entry(Sign::Line(Role::Tokens, 1.5), "a generation")];
        legend.extend(shown.cut_words().map(|words| entry(Sign::Up(Role::Bad), words)));
        let longest = rows.iter().flat_map(|row| &row.generations).map(|it| it.steps_ms.len()).max()?;
        let columns = Columns::new(longest, form.columns());
        let last = longest.saturating_sub(1) as f64;
        let panels = rows.iter().take(MOST_ROWS).map(|row| {
            let name = fitted(row.prompt, form.width() - 140.0);
            Panel {
                title: Some(format!("{name}: {}", counted(row.generations.len(), "generation"))),
                axis: shown.axis.clone(),
                height: ROW_HEIGHT,
                layers: row.generations.iter().flat_map(|it| layers(it, columns, &shown.axis)).collect(),
            }
        });
        let ticks = within(0.0, last, form.pick(10, 4)).ticks.into_iter();
        let shared = columns
            .are_shared()
            .then(|| format!("each point: the slowest of up to {}", columns.most_in_one()));
        let meaning = [Some("decode step of the generation".to_owned()), shared, self.left_out(&rows)];
        Some(Plot {
            legend,
            is_off_zero: !shown.axis.has_zero(),
            across: (0.0, last),
            panels: panels.collect(),
            labels: ticks
                .filter(|tick| tick.value.fract() == 0.0)
                .map(|tick| (tick.value, tick.label))
                .collect(),
            meaning: meaning.into_iter().flatten().collect(),
            ..Plot::default()
        })
    }
}

impl Shown {
    fn cut_words(&self) -> Option<String> {
        let end = self.axis.ticks.last().map_or("?", |tick| &tick.label);
        let slowest = four_digits(self.slowest_ms);
        (self.cut > 0).then(|| format!("{} above {end} ms, up to {slowest} ms", counted(self.cut, "step")))
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
