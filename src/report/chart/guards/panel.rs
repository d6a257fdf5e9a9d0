//! The row of one guard.

use super::super::super::number::four_digits;
use super::super::Form;
use super::super::canvas::{Anchor, Canvas, Frame, Point, at};
use super::super::layout::{EDGE, Scale, rows};
use super::super::lettering::{LINE_HEIGHT, fitted, width};
use super::super::palette::Role;
use super::super::signs::Sign;
use super::super::ticks::{Axis, axis, is_drawable};
use super::Guard;

/// A guard's row.
pub(super) struct Panel<'a> {
    guard: &'a Guard,
    /// Of its figures and its limit.
    pub(super) axis: Axis,
}

impl<'a> Panel<'a> {
    pub(super) fn of(guard: &'a Guard) -> Self {
        let figures = guard.figures().chain(guard.limit.filter(|it| is_drawable(*it)));
        let empty = Axis { low: 0.0, high: 1.0, ticks: Vec::new() };
        Self { guard, axis: axis(figures, 2).unwrap_or(empty) }
    }

    /// What it reads, above its data.
    pub(super) fn title(&self, canvas: &Canvas<'_>, top: f64) {
        let Guard { name, unit, limit, .. } = self.guard;
        let most = canvas.form.width() - 2.0 * EDGE;
        let what = if unit.is_empty() { name.clone() } else { format!("{name}, {unit}") };
        let limit = limit.filter(|it| is_drawable(*it)).map(|it| format!(" (limit {})", four_digits(it)));
        let note = if self.axis.has_zero() { "" } else { ", not from 0" };
        // The limit can be read from the axis too; where the axis begins cannot.
        let whole = format!("{what}{}{note}", limit.unwrap_or_default());
        let words = if width(&whole) <= most { whole } else { fitted(&what, most - width(note)) + note };
        canvas.text(Role::Ink, Anchor::Start, at(EDGE, top + LINE_HEIGHT / 2.0), &words);
    }

    /// Its readings in a frame.
    pub(super) fn draw(&self, canvas: &Canvas<'_>, frame: &Frame, across: &Scale) {
        let up = rows(canvas, frame, &self.axis);
        if let Some(limit) = self.guard.limit.filter(|it| is_drawable(*it)) {
            let y = up.place(limit);
            canvas.line(Role::Reference, 1.5, &[at(frame.left, y), at(frame.right, y)]);
        }
        for run in self.runs(canvas.form, across, &up) {
            match &run[..] {
                [point] => canvas.disc(Role::Tokens, *point, 2.0),
                _ => canvas.line(Role::Tokens, 1.75, &run),
            }
        }
        for second in self.guard.tripped_s.iter().filter(|it| is_drawable(**it)) {
            let x = across.place(*second);
            canvas.line(Role::Bad, 1.0, &[at(x, frame.top), at(x, frame.bottom)]);
            Sign::Cross(Role::Bad).draw(canvas, at(x, frame.top));
        }
    }

    /// The readings, thinned to what a form can show: of a column's, the lowest and the highest stay.
    fn runs(&self, form: Form, across: &Scale, up: &Scale) -> Vec<Vec<Point>> {
        let readings = &self.guard.readings;
        let in_one = readings.len().div_ceil(form.columns() / 2).max(1);
        let mut runs = Vec::new();
        let mut run: Vec<Point> = Vec::new();
        for some in readings.chunks(if in_one > 2 { in_one } else { 1 }) {
            let points = some.iter().filter_map(|reading| {
                let figure = reading.figure.filter(|it| is_drawable(*it) && is_drawable(reading.at_s))?;
                Some(at(across.place(reading.at_s), up.place(figure)))
            });
            let ends = [
                points.clone().min_by(|one, other| one.y.total_cmp(&other.y)),
                points.max_by(|one, other| one.y.total_cmp(&other.y)),
            ];
            match ends {
                [Some(one), Some(other)] => {
                    let (first, second) = if one.x <= other.x { (one, other) } else { (other, one) };
                    run.push(first);
                    if second != first {
                        run.push(second);
                    }
                }
                _ if run.is_empty() => {}
                _ => runs.push(std::mem::take(&mut run)),
            }
        }
        if !run.is_empty() {
            runs.push(run);
        }
        runs
    }
}
