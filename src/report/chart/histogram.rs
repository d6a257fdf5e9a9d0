//! How the times of the decode steps are spread.

use crate::measure::Direction;

use super::super::number::{counted, four_digits};
use super::canvas::{Canvas, Frame, at};
use super::lanes::{Lanes, Room};
use super::layout::{EDGE, Label, Scale, entry, footer, header, nothing, numbers_width, rows};
use super::palette::Role;
use super::signs::Sign;
use super::ticks::{Axis, axis_from_zero, between, drawable, within};
use super::{Chart, Form, chart};

/// Steps beyond this multiple of the last percentile share the last bar.
const WORTH_CUTTING: f64 = 1.3;

/// Times of decode steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// For the heading.
    pub title: String,
    /// What the page says of it.
    pub description: String,
    /// In any order, ms.
    pub steps_ms: Vec<f64>,
    /// As they are reported elsewhere on the page: p50, p95, p99.
    pub percentiles: Vec<Percentile>,
}

/// What a share of the steps kept within.
#[derive(Debug, Clone, PartialEq)]
pub struct Percentile {
    /// As in "p95".
    pub label: String,
    /// ms
    pub ms: f64,
}

/// Steps of a like time.
struct Bins {
    low_ms: f64,
    width_ms: f64,
    counts: Vec<usize>,
    /// Whether the last has all that is slower, too.
    is_open: bool,
}

impl Histogram {
    /// The chart.
    #[must_use]
    pub fn chart(&self) -> Chart {
        chart(&self.title, &[&self.description, &self.facts()], |canvas| self.draw(canvas))
    }

    fn steps(&self) -> impl Iterator<Item = f64> + Clone {
        self.steps_ms.iter().filter_map(|ms| drawable(Some(*ms)))
    }

    fn percentiles(&self) -> Vec<&Percentile> {
        let mut sorted: Vec<_> =
            self.percentiles.iter().filter(|it| drawable(Some(it.ms)).is_some()).collect();
        sorted.sort_by(|one, other| one.ms.total_cmp(&other.ms));
        sorted
    }

    fn facts(&self) -> String {
        let count = self.steps().count();
        let Some(slowest) = self.steps().reduce(f64::max) else { return "No decode steps.".to_owned() };
        let mut facts = vec![counted(count, "decode step")];
        facts.extend(self.percentiles().iter().map(|it| words(it)));
        facts.push(format!("the slowest {} ms", four_digits(slowest)));
        facts.join("; ") + "."
    }

    fn bins(&self, form: Form) -> Option<Bins> {
        let fastest = self.steps().reduce(f64::min)?;
        let slowest = self.steps().reduce(f64::max)?;
        let last = self.percentiles().last().map_or(slowest, |it| it.ms.max(fastest));
        // Room behind the last percentile, so that its line is not at the edge.
        let end = if slowest > last * WORTH_CUTTING { last + (last - fastest) * 0.25 } else { slowest };
        let wished = form.pick(40, 20);
        let axis = between(fastest, end, wished);
        let low_ms =
            axis.ticks.iter().map(|it| it.value).filter(|it| *it <= fastest).fold(axis.low, f64::max);
        let width_ms = match &axis.ticks[..] {
            [first, second, ..] => second.value - first.value,
            _ => axis.high - axis.low,
        };
        let place = |ms: f64| ((ms - low_ms) / width_ms).floor().max(0.0);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not below zero, and bound"
        )]
        let bin = |ms: f64| place(ms).min((2 * wished) as f64) as usize;
        let last_bin = bin(end);
        let mut counts = vec![0; last_bin + 1];
        for ms in self.steps() {
            counts[bin(ms).min(last_bin)] += 1;
        }
        Some(Bins { low_ms, width_ms, counts, is_open: slowest > low_ms + width_ms * (last_bin + 1) as f64 })
    }

    fn draw(&self, canvas: &Canvas<'_>) -> f64 {
        let measure = "decode steps (count)";
        let drawn = self.bins(canvas.form);
        let most = drawn.iter().flat_map(|bins| &bins.counts).map(|count| *count as f64);
        let (Some(bins), Some(counts)) = (&drawn, axis_from_zero(most, 4)) else {
            return nothing(canvas, measure, "no decode steps");
        };
        let mut legend = Vec::new();
        if !self.percentiles().is_empty() {
            legend.push(entry(Sign::Upright(Role::Ink), "percentile of the steps"));
        }
        if bins.is_open {
            let end = bins.low_ms + bins.width_ms * (bins.counts.len() - 1) as f64;
            legend.push(entry(Sign::Block(Role::Warn), format!("all above {} ms", four_digits(end))));
        }
        let top = header(canvas, measure, true, &legend);
        let left = numbers_width(&counts);
        let end_ms = bins.low_ms + bins.width_ms * bins.counts.len() as f64;
        let sides = Frame { left, top: 0.0, right: canvas.form.width() - EDGE - 8.0, bottom: 0.0 };
        let across = Scale::across(&sides, bins.low_ms, end_ms);
        let mut lanes = Lanes::below(top, usize::MAX);
        let mut flags = Vec::new();
        for percentile in self.percentiles() {
            let x = across.place(percentile.ms.min(end_ms));
            let words = words(percentile);
            flags.extend(lanes.beside(canvas.form, x, &words).map(|room| Flag { x, room, words }));
        }
        let top = lanes.bottom() + 4.0;
        let frame = Frame { top, bottom: top + canvas.form.pick(180.0, 150.0), ..sides };
        let up = rows(canvas, &frame, &counts);
        bars(canvas, bins, &frame, &across, &up);
        for Flag { x, room, .. } in &flags {
            canvas.line(Role::Ink, 1.5, &[at(*x, lanes.height_of(*room) - 7.0), at(*x, frame.bottom)]);
        }
        for Flag { room, words, .. } in &flags {
            lanes.write(canvas, Role::Ink, *room, words);
        }
        let labels = bottom_labels(canvas, bins.low_ms, end_ms, &across);
        let unit = super::layout::measure("ms per token", Some(Direction::Lower));
        footer(canvas, &frame, frame.bottom, &labels, &[unit])
    }
}

/// A percentile's place and its label's.
struct Flag {
    x: f64,
    room: Room,
    words: String,
}

fn words(percentile: &Percentile) -> String {
    super::lettering::fitted(&format!("{} {} ms", percentile.label, four_digits(percentile.ms)), 200.0)
}

fn bars(canvas: &Canvas<'_>, bins: &Bins, frame: &Frame, across: &Scale, up: &Scale) {
    let mut low = bins.low_ms;
    for (at, count) in bins.counts.iter().enumerate() {
        let high = bins.low_ms + bins.width_ms * (at + 1) as f64;
        let (left, right) = (across.place(low) + 0.5, across.place(high) - 0.5);
        low = high;
        if *count > 0 {
            let role = if bins.is_open && at + 1 == bins.counts.len() { Role::Warn } else { Role::Tokens };
            // One step among thousands is still seen.
            let top = up.place(*count as f64).min(frame.bottom - 1.5);
            canvas.block(role, Frame { left, top, right, bottom: frame.bottom });
        }
    }
}

fn bottom_labels(canvas: &Canvas<'_>, low: f64, high: f64, across: &Scale) -> Vec<Label> {
    let Axis { ticks, .. } = within(low, high, canvas.form.pick(10, 5));
    ticks.into_iter().map(|tick| Label { x: across.place(tick.value), text: tick.label }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, count, texts};
    use super::*;

    fn histogram() -> Histogram {
        let mut steps_ms: Vec<f64> = (0..1000).map(|step| 46.0 + f64::from(step % 40) * 0.05).collect();
        steps_ms.extend([90.0, 300.0]);
        let percentile = |label: &str, ms: f64| Percentile { label: label.to_owned(), ms };
        Histogram {
            title: "Spread".to_owned(),
            description: String::new(),
            steps_ms,
            percentiles: vec![percentile("p50", 47.0), percentile("p95", 47.9), percentile("p99", 47.95)],
        }
    }

    #[test]
    fn the_percentiles_are_labelled_and_what_is_slower_shares_a_bar() {
        let chart = histogram().chart();
        check(&chart);
        for svg in [&chart.wide, &chart.narrow] {
            let texts = texts(svg);
            for text in ["p50 47.00 ms", "p95 47.90 ms", "p99 47.95 ms", "ms per token, lower is better"] {
                assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
            }
            assert!(texts.iter().any(|it| it.starts_with("all above 48")), "{texts:?}");
            assert_eq!(count(svg, "rect", Role::Warn.drawn()), 1);
        }
        let reported = "1002 decode steps; p50 47.00 ms; p95 47.90 ms; p99 47.95 ms; the slowest 300.0 ms.";
        assert_eq!(chart.description, reported);
    }

    #[test]
    fn every_step_is_in_a_bin() {
        for form in [Form::Wide, Form::Narrow] {
            let bins = histogram().bins(form).unwrap();
            assert_eq!(bins.counts.iter().sum::<usize>(), 1002);
            assert!(bins.counts.len() >= 8 && bins.counts.len() <= 81, "{}", bins.counts.len());
        }
    }

    #[test]
    fn odd_figures_are_no_obstacle() {
        for steps_ms in [vec![], vec![f64::NAN], vec![47.0], vec![47.0; 500], vec![0.0, 1e99], vec![0.0]] {
            let chart = Histogram { steps_ms: steps_ms.clone(), ..histogram() }.chart();
            check(&chart);
            let chart = Histogram { steps_ms, percentiles: Vec::new(), ..histogram() }.chart();
            check(&chart);
        }
    }
}
