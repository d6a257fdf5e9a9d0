//! What stands around the data: the axis and its unit, the legend, and labels that keep out of each
//! other's way.

use crate::measure::Direction;

use super::Form;
use super::canvas::{Anchor, Canvas, Frame, at};
use super::lettering::{LINE_HEIGHT, fitted, width, wrapped};
use super::palette::Role;
use super::signs::Sign;
use super::ticks::Axis;

/// Between a chart's edge and what is drawn, px.
pub(super) const EDGE: f64 = 4.0;
/// Between two things of a legend, and between two labels, px.
pub(super) const BETWEEN: f64 = 14.0;
/// Between a sign and its words, and between an axis and its numbers, px.
const BESIDE: f64 = 6.0;

/// An entry of a legend.
pub(super) struct Entry {
    sign: Sign,
    label: String,
}

/// An entry of a legend.
pub(super) fn entry(sign: Sign, label: impl Into<String>) -> Entry {
    Entry { sign, label: label.into() }
}

/// The unit and which way is better, as in "ms per token, lower is better".
pub(super) fn measure(unit: &str, better: Option<Direction>) -> String {
    better.map_or_else(|| unit.to_owned(), |better| format!("{unit}, {} is better", better.as_str()))
}

/// Said on the chart where the axis does not start at zero.
pub(super) const NOT_FROM_ZERO: &str = "axis does not start at 0";

/// Things side by side, in as many lines as they need.
struct Flow {
    form: Form,
    x: f64,
    y: f64,
}

impl Flow {
    /// Room for something so wide: the place of its left end.
    fn room(&mut self, wide: f64) -> (f64, f64) {
        if self.x > EDGE && self.x + wide > self.form.width() - EDGE {
            self.next_line();
        }
        let place = (self.x, self.y);
        self.x += wide + BETWEEN;
        place
    }

    fn next_line(&mut self) {
        self.x = EDGE;
        self.y += LINE_HEIGHT;
    }
}

/// What is measured and what the signs mean, above the data. Returns where it ends, px.
pub(super) fn header(canvas: &Canvas<'_>, measure: &str, has_zero: bool, legend: &[Entry]) -> f64 {
    let mut flow = Flow { form: canvas.form, x: EDGE, y: EDGE + LINE_HEIGHT / 2.0 };
    let most = canvas.form.width() - 2.0 * EDGE;
    let mut words = |text: &str, role| {
        let (x, y) = flow.room(width(text));
        canvas.text(role, Anchor::Start, at(x, y), text);
    };
    for line in wrapped(measure, most) {
        words(&line, Role::Ink);
    }
    if !has_zero {
        words(NOT_FROM_ZERO, Role::Muted);
    }
    if !legend.is_empty() {
        flow.next_line();
    }
    for Entry { sign, label } in legend {
        let lines = wrapped(label, most - sign.width() - BESIDE);
        let widest = lines.iter().map(|line| width(line)).fold(0.0, f64::max);
        let (x, y) = flow.room(sign.width() + BESIDE + widest);
        sign.draw(canvas, at(x + sign.width() / 2.0, y));
        for (below, line) in lines.iter().enumerate() {
            flow.y = y + LINE_HEIGHT * below as f64;
            canvas.text(Role::Ink, Anchor::Start, at(x + sign.width() + BESIDE, flow.y), line);
        }
    }
    flow.y + LINE_HEIGHT / 2.0 + BESIDE
}

/// The room that the numbers of an axis need to the left of the data, px.
pub(super) fn numbers_width(axis: &Axis) -> f64 {
    axis.ticks.iter().map(|tick| width(&tick.label)).fold(16.0, f64::max) + EDGE + BESIDE
}

/// Where a figure is on the way from `from` to `to`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From left to right.
    pub(super) fn across(frame: &Frame, low: f64, high: f64) -> Self {
        Self { low, high, from: frame.left, to: frame.right }
    }

    /// From the bottom up.
    pub(super) fn upwards(frame: &Frame, low: f64, high: f64) -> Self {
        Self { low, high, from: frame.bottom, to: frame.top }
    }

    /// The place of a figure, px. Where all figures are one, it is in the middle.
    pub(super) fn place(&self, figure: f64) -> f64 {
        let span = self.high - self.low;
        let share = if span > 0.0 { (figure - self.low) / span } else { 0.5 };
        self.from + share * (self.to - self.from)
    }
}

/// Lines across the data, and their numbers to the left of it.
pub(super) fn rows(canvas: &Canvas<'_>, frame: &Frame, axis: &Axis) -> Scale {
    let scale = Scale::upwards(frame, axis.low, axis.high);
    for tick in &axis.ticks {
        let y = scale.place(tick.value);
        canvas.line(Role::Grid, 1.0, &[at(frame.left, y), at(frame.right, y)]);
        canvas.text(Role::Muted, Anchor::End, at(frame.left - BESIDE, y), &tick.label);
    }
    scale
}

/// A label that wants to be at a place along the axis.
pub(super) struct Label {
    /// Its middle, px.
    pub(super) x: f64,
    /// What it says.
    pub(super) text: String,
}

/// The labels along the bottom, from the last, which is the newest: those that would touch the one before
/// are left out. Then what they are. Returns where it ends, px.
pub(super) fn footer(
    canvas: &Canvas<'_>,
    frame: &Frame,
    top: f64,
    labels: &[Label],
    meaning: &[String],
) -> f64 {
    let y = top + BESIDE + LINE_HEIGHT / 2.0;
    let mut free_until = f64::INFINITY;
    let mut in_order: Vec<&Label> = labels.iter().collect();
    in_order.sort_by(|one, other| other.x.total_cmp(&one.x));
    for label in in_order {
        let text = fitted(&label.text, canvas.form.width() / 2.0);
        let half = width(&text) / 2.0;
        let middle = label.x.clamp(EDGE + half, canvas.form.width() - EDGE - half);
        if middle + half > free_until {
            continue;
        }
        free_until = middle - half - BETWEEN;
        canvas.line(Role::Muted, 1.0, &[at(label.x, top), at(label.x, top + 4.0)]);
        canvas.text(Role::Muted, Anchor::Middle, at(middle, y), &text);
    }
    let mut y = if labels.is_empty() { y - LINE_HEIGHT } else { y };
    for line in meaning.iter().filter(|line| !line.is_empty()) {
        y += LINE_HEIGHT;
        let line = fitted(line, canvas.form.width() - 2.0 * EDGE);
        let half = width(&line) / 2.0;
        let middle = f64::midpoint(frame.left, frame.right);
        let middle = middle.min(canvas.form.width() - EDGE - half).max(EDGE + half);
        canvas.text(Role::Ink, Anchor::Middle, at(middle, y), &line);
    }
    y + LINE_HEIGHT / 2.0 + EDGE
}

/// Said in the place of the data where there is none. Returns where it ends, px.
pub(super) fn nothing(canvas: &Canvas<'_>, measure: &str, words: &str) -> f64 {
    let top = header(canvas, measure, true, &[]);
    let frame = Frame { left: EDGE, top, right: canvas.form.width() - EDGE, bottom: top + 80.0 };
    canvas.block(Role::Shade, frame);
    let words = fitted(words, frame.width() - 2.0 * EDGE);
    canvas.text(Role::Muted, Anchor::Middle, at(f64::midpoint(frame.left, frame.right), top + 40.0), &words);
    frame.bottom + EDGE
}
