//! The time of every decode step of every generation, so that a stall is seen where it was.

use std::collections::HashMap;

use crate::measure::Direction;
use crate::report::chart::axis::{Axis, Columns, axis, drawable, largest, middle, within};
use crate::report::chart::canvas::{Anchor, Canvas, Frame, at};
use crate::report::chart::layout::{
    EDGE, LINE_HEIGHT, Label, NOT_FROM_ZERO, Scale, entry, fitted, footer, header, measure, nothing,
    numbers_width, rows,
};
use crate::report::chart::palette::Role;
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, chart};
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

struct Row<'a> {
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
    #[must_use]
    pub fn chart(&self) -> Chart {
        chart(&self.title, &[&self.description, &self.facts()], |canvas| self.draw(canvas))
    }

    /// In the order of their first generation.
    fn rows(&self) -> Vec<Row<'_>> {
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
        let mut steps: Vec<f64> = self
            .generations
            .iter()
            .flat_map(|it| &it.steps_ms)
            .filter_map(|ms| drawable(Some(*ms)))
            .collect();
        steps.sort_by(f64::total_cmp);
        let slowest_ms = *steps.last()?;
        let whole = steps
            .iter()
            .enumerate()
            .take_while(|(at, _)| *at as f64 <= SHOWN_SHARE * (steps.len() - 1) as f64);
        let end = whole.last().map_or(slowest_ms, |(_, ms)| *ms);
        let end = if slowest_ms > end * WORTH_CUTTING { end } else { slowest_ms };
        let axis = axis(steps.iter().copied().filter(|ms| *ms <= end), 3)?;
        let cut = steps.iter().filter(|ms| **ms > axis.high).count();
        Some(Shown { axis, cut, slowest_ms })
    }

    fn facts(&self) -> String {
        let Some(shown) = self.shown() else { return "No decode steps.".to_owned() };
        let rows = self.rows();
        let generations: usize = rows.iter().map(|row| row.generations.len()).sum();
        let mut facts =
            vec![format!("{} of {}", counted(generations, "generation"), counted(rows.len(), self.row))];
        facts.push(format!("the slowest step took {} ms", four_digits(shown.slowest_ms)));
        if shown.cut > 0 {
            facts.push(cut_words(&shown));
        }
        if rows.len() > MOST_ROWS {
            facts.push(format!(
                "{} not drawn",
                counted(rows.len() - MOST_ROWS, &format!("more {}", self.row))
            ));
        }
        if !shown.axis.has_zero() {
            facts.push(NOT_FROM_ZERO.to_owned());
        }
        facts.join("; ") + "."
    }

    fn draw(&self, canvas: &Canvas) -> f64 {
        let measure = measure("ms per token", Direction::Lower);
        let rows_of = self.rows();
        let Some(shown) = self.shown() else { return nothing(canvas, &measure, "no decode steps") };
        let mut legend = vec![entry(Sign::Line(Role::Tokens, 1.5), "a generation")];
        if shown.cut > 0 {
            legend.push(entry(Sign::Up(Role::Bad), cut_words(&shown)));
        }
        let mut top = header(canvas, &measure, shown.axis.has_zero(), &legend);
        let longest =
            rows_of.iter().flat_map(|row| &row.generations).map(|it| it.steps_ms.len()).max().unwrap_or(0);
        let columns = Columns::new(longest, canvas.form.columns());
        let last = longest.saturating_sub(1) as f64;
        let mut frame = Frame { left: 0.0, top, right: 0.0, bottom: top };
        for row in rows_of.iter().take(MOST_ROWS) {
            let name = fitted(row.prompt, canvas.form.width() - 140.0);
            let words = format!("{name}: {}", counted(row.generations.len(), "generation"));
            canvas.text(Role::Ink, Anchor::Start, at(EDGE, top + LINE_HEIGHT / 2.0), &words);
            let data = top + LINE_HEIGHT + 10.0;
            frame = Frame {
                left: numbers_width(&shown.axis),
                top: data,
                right: canvas.form.width() - EDGE - 8.0,
                bottom: data + ROW_HEIGHT,
            };
            let up = rows(canvas, &frame, &shown.axis);
            let across = Scale::across(&frame, 0.0, last);
            for generation in &row.generations {
                steps(canvas, generation, columns, &across, &up, &shown.axis);
            }
            top = frame.bottom + 10.0;
        }
        let across = Scale::across(&frame, 0.0, last);
        let labels: Vec<Label> = within(0.0, last, canvas.form.pick(10, 4))
            .ticks
            .into_iter()
            .filter(|tick| tick.value.fract() == 0.0)
            .map(|tick| Label { x: across.place(tick.value), text: tick.label })
            .collect();
        let shared = columns
            .are_shared()
            .then(|| format!("each point: the slowest of up to {}", columns.most_in_one()));
        let left_out = rows_of.len().saturating_sub(MOST_ROWS);
        let left_out = if left_out > 0 {
            format!("{} not drawn", counted(left_out, "more prompt"))
        } else {
            String::new()
        };
        let meaning = ["decode step of the generation".to_owned(), shared.unwrap_or_default(), left_out];
        footer(canvas, &frame, frame.bottom, &labels, &meaning)
    }
}

fn cut_words(shown: &Shown) -> String {
    let end = shown.axis.ticks.last().map_or("?", |tick| &tick.label);
    format!("{} above {end} ms, up to {} ms", counted(shown.cut, "step"), four_digits(shown.slowest_ms))
}

/// One generation: a column shows its slowest step, for a mean would hide a stall.
fn steps(
    canvas: &Canvas,
    generation: &Generation,
    columns: Columns,
    across: &Scale,
    up: &Scale,
    axis: &Axis,
) {
    let mut run = Vec::new();
    let mut marks = Vec::new();
    let slowest = columns.ranges().map(|range| {
        let slowest = largest(range.clone().map(|step| drawable(generation.steps_ms.get(step).copied())))?;
        Some((across.place(middle(&range)), slowest))
    });
    for step in slowest.chain([None]) {
        if let Some((x, ms)) = step {
            run.push(at(x, up.place(ms.clamp(axis.low, axis.high))));
            if ms > axis.high {
                marks.push(at(x, up.place(axis.high) - 6.0));
            }
        } else if let [point] = run[..] {
            canvas.disc(Role::Tokens, point, 2.0);
            run.clear();
        } else {
            canvas.line(Role::Tokens, 1.0, &run);
            run.clear();
        }
    }
    for mark in marks {
        Sign::Up(Role::Bad).draw(canvas, mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::tests::{check, count, most_points, texts};

    fn strip() -> TokenStrip {
        let generation = |prompt: &str, stall_at: usize| Generation {
            prompt: prompt.to_owned(),
            steps_ms: (0..200_u8)
                .map(|step| {
                    47.0 + f64::from(step % 7) * 0.1 + if usize::from(step) == stall_at { 300.0 } else { 0.0 }
                })
                .collect(),
        };
        TokenStrip {
            row: "prompt",
            title: "Decode steps".to_owned(),
            description: String::new(),
            generations: vec![generation("short", 50), generation("short", 999), generation("long", 120)],
        }
    }

    #[test]
    fn a_stall_is_marked_where_it_was_and_reported() {
        let chart = strip().chart();
        check(&chart);
        for svg in [&chart.wide, &chart.narrow] {
            // Two stalls and the legend's sign.
            assert_eq!(count(svg, "polygon", Role::Bad.drawn()), 3);
            let texts = texts(svg);
            for text in ["short: 2 generations", "long: 1 generation", "decode step of the generation"] {
                assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
            }
            assert!(
                texts.iter().any(|it| it.starts_with("2 steps above") && it.ends_with("up to 347.1 ms")),
                "{texts:?}"
            );
        }
        assert!(
            chart
                .description
                .starts_with("3 generations of 2 prompts; the slowest step took 347.1 ms; 2 steps above")
        );
    }

    #[test]
    fn without_a_stall_nothing_is_cut_off() {
        let mut strip = strip();
        for generation in &mut strip.generations {
            generation.steps_ms.retain(|ms| *ms < 100.0);
        }
        let chart = strip.chart();
        check(&chart);
        assert_eq!(count(&chart.wide, "polygon", Role::Bad.drawn()), 0);
        assert!(!chart.description.contains("above"));
    }

    #[test]
    fn a_stall_of_a_long_generation_is_not_averaged_away() {
        let mut steps_ms = vec![47.0; 10_000];
        steps_ms[7777] = 400.0;
        let generations = vec![Generation { prompt: "long".to_owned(), steps_ms }];
        let chart = TokenStrip { generations, ..strip() }.chart();
        check(&chart);
        assert!(most_points(&chart.wide) <= 600 && most_points(&chart.narrow) <= 240);
        assert_eq!(count(&chart.narrow, "polygon", Role::Bad.drawn()), 2);
        assert!(texts(&chart.wide).contains(&"each point: the slowest of up to 17".to_owned()));
    }

    #[test]
    fn what_is_no_time_is_left_out() {
        for steps_ms in [vec![], vec![f64::NAN], vec![f64::INFINITY, 47.0], vec![0.0], vec![1e99; 3]] {
            let is_there = steps_ms.iter().any(|ms| ms.is_finite());
            let generations = vec![Generation { prompt: "<b>".to_owned(), steps_ms }];
            let chart = TokenStrip { generations, ..strip() }.chart();
            check(&chart);
            assert_eq!(texts(&chart.wide).contains(&"no decode steps".to_owned()), !is_there);
        }
    }

    #[test]
    fn prompts_without_a_row_are_counted() {
        let generation = |at: usize| Generation { prompt: format!("p{at}"), steps_ms: vec![47.0; 9] };
        let chart = TokenStrip { generations: (0..11).map(generation).collect(), ..strip() }.chart();
        check(&chart);
        assert!(texts(&chart.narrow).contains(&"3 more prompts not drawn".to_owned()));
    }

    #[test]
    fn as_many_prompts_as_a_record_can_have_are_sorted_into_rows_at_once() {
        let generation = |at: usize| Generation { prompt: format!("own-{at}"), steps_ms: vec![47.0] };
        let strip = TokenStrip { generations: (0..64_000).map(generation).collect(), ..strip() };
        let began = std::time::Instant::now();
        assert_eq!(strip.rows().len(), 64_000);
        // A comparison with every row before takes most of a minute.
        assert!(began.elapsed() < std::time::Duration::from_secs(10));
    }
}
