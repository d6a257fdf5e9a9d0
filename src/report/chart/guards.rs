//! What the guards read while a run went on: one row a guard, on one clock.

mod panel;
#[cfg(test)]
mod tests;

use super::super::number::counted;
use super::canvas::{Anchor, Canvas, Frame, at};
use super::layout::{EDGE, Entry, Label, Scale, entry, footer, header, nothing, numbers_width};
use super::lettering::{LINE_HEIGHT, fitted, width};
use super::palette::Role;
use super::signs::Sign;
use super::ticks::{Axis, is_drawable, within};
use super::{Chart, chart};
use panel::Panel;

/// Guards that have a row.
const MOST_ROWS: usize = 12;
const ROW_HEIGHT: f64 = 56.0;
/// From the top of a title to the data below it, px.
const TITLE: f64 = LINE_HEIGHT + 7.0;

/// The guards of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Guards {
    /// For the heading.
    pub title: String,
    /// What the page says of it.
    pub description: String,
    /// A row each.
    pub guards: Vec<Guard>,
    /// When each measured process ran.
    pub processes: Vec<ProcessSpan>,
}

/// One guard.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// What it reads.
    pub name: String,
    /// What a reading is counted in.
    pub unit: String,
    /// In the order of time.
    pub readings: Vec<Reading>,
    /// What a reading must not pass, if it is a figure.
    pub limit: Option<f64>,
    /// When it tripped, seconds since the run began.
    pub tripped_s: Vec<f64>,
}

/// What a guard read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Seconds since the run began.
    pub at_s: f64,
    /// In the guard's unit; none leaves a gap.
    pub figure: Option<f64>,
}

/// When a process ran.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessSpan {
    /// As the page names it.
    pub label: String,
    /// Seconds since the run began.
    pub from_s: f64,
    /// Seconds since the run began.
    pub to_s: f64,
}

impl Guards {
    /// The chart.
    #[must_use]
    pub fn chart(&self) -> Chart {
        chart(&self.title, &[&self.description, &self.facts()], |canvas| self.draw(canvas))
    }

    /// Those that have something to show.
    fn shown(&self) -> impl Iterator<Item = &Guard> + Clone {
        self.guards.iter().filter(|guard| guard.figures().next().is_some() || !guard.tripped_s.is_empty())
    }

    fn processes(&self) -> impl Iterator<Item = &ProcessSpan> + Clone {
        self.processes
            .iter()
            .filter(|it| is_drawable(it.from_s) && is_drawable(it.to_s) && it.to_s >= it.from_s)
    }

    /// From the first to the last second of anything.
    fn seconds(&self) -> Option<Axis> {
        let readings = self.shown().flat_map(|guard| guard.readings.iter().map(|it| it.at_s));
        let tripped = self.shown().flat_map(|guard| guard.tripped_s.iter().copied());
        let spans = self.processes().flat_map(|it| [it.from_s, it.to_s]);
        let all = readings.chain(tripped).chain(spans).filter(|it| is_drawable(*it));
        let last = all.clone().reduce(f64::max)?;
        let first = all.fold(0.0, f64::min);
        Some(within(first, if last > first { last } else { first + 1.0 }, 8))
    }

    fn facts(&self) -> String {
        let count = self.shown().count();
        if count == 0 {
            return "No readings.".to_owned();
        }
        let mut facts = vec![counted(count, "guard")];
        for guard in self.shown() {
            let tripped = guard.tripped_s.len();
            if tripped > 0 {
                facts.push(format!("{} tripped {}", guard.name, counted(tripped, "time")));
            }
        }
        if facts.len() == 1 {
            facts.push("none tripped".to_owned());
        }
        if count > MOST_ROWS {
            facts.push(format!("{} not drawn", counted(count - MOST_ROWS, "more guard")));
        }
        facts.join("; ") + "."
    }

    fn legend(&self) -> Vec<Entry> {
        let mut legend = Vec::new();
        if self.shown().any(|guard| guard.figures().next().is_some()) {
            legend.push(entry(Sign::Line(Role::Tokens, 1.75), "reading"));
        }
        if self.processes().next().is_some() {
            legend.push(entry(Sign::Block(Role::Shade), "a measured process runs"));
        }
        if self.shown().any(|guard| guard.limit.is_some_and(is_drawable)) {
            legend.push(entry(Sign::Line(Role::Reference, 1.5), "limit"));
        }
        if self.shown().any(|guard| !guard.tripped_s.is_empty()) {
            legend.push(entry(Sign::Cross(Role::Bad), "tripped"));
        }
        legend
    }

    fn draw(&self, canvas: &Canvas<'_>) -> f64 {
        const MEASURE: &str = "readings of the guards";
        let Some(seconds) = self.seconds().filter(|_| self.shown().next().is_some()) else {
            return nothing(canvas, MEASURE, "no readings");
        };
        let mut top = header(canvas, MEASURE, true, &self.legend());
        let shown: Vec<Panel<'_>> = self.shown().take(MOST_ROWS).map(Panel::of).collect();
        // One left edge for all, so that they share the clock.
        let left = shown.iter().map(|panel| numbers_width(&panel.axis)).fold(0.0, f64::max);
        let mut frame = Frame { left, top, right: canvas.form.width() - EDGE - 8.0, bottom: top };
        let across = Scale::across(&frame, seconds.low, seconds.high);
        for panel in &shown {
            panel.title(canvas, top);
            frame = Frame { top: top + TITLE, bottom: top + TITLE + ROW_HEIGHT, ..frame };
            for process in self.processes() {
                let (left, right) = (across.place(process.from_s), across.place(process.to_s));
                canvas.block(Role::Shade, Frame { left, right, ..frame });
            }
            panel.draw(canvas, &frame, &across);
            top = frame.bottom + 10.0;
        }
        self.process_names(canvas, &across, frame.bottom);
        let bottom = frame.bottom + if self.processes().next().is_some() { LINE_HEIGHT } else { 0.0 };
        let labels: Vec<Label> = seconds
            .ticks
            .iter()
            .map(|tick| Label { x: across.place(tick.value), text: tick.label.clone() })
            .collect();
        let left_out = self.shown().count().saturating_sub(MOST_ROWS);
        let left_out = if left_out > 0 {
            format!("{} not drawn", counted(left_out, "more guard"))
        } else {
            String::new()
        };
        footer(canvas, &frame, bottom, &labels, &["seconds since the run began".to_owned(), left_out])
    }

    /// Below the last row, where a name fits below its process.
    fn process_names(&self, canvas: &Canvas<'_>, across: &Scale, top: f64) {
        let mut free_from = 0.0;
        for process in self.processes() {
            let (left, right) = (across.place(process.from_s), across.place(process.to_s));
            let name = fitted(&process.label, 200.0);
            let (middle, half) = (f64::midpoint(left, right), width(&name) / 2.0);
            if middle - half >= free_from
                && middle + half <= canvas.form.width() - EDGE
                && 2.0 * half <= right - left
            {
                canvas.text(Role::Muted, Anchor::Middle, at(middle, top + LINE_HEIGHT / 2.0), &name);
                free_from = middle + half + 6.0;
            }
        }
    }
}

impl Guard {
    fn figures(&self) -> impl Iterator<Item = f64> + Clone {
        self.readings
            .iter()
            .filter(|it| is_drawable(it.at_s))
            .filter_map(|it| it.figure)
            .filter(|it| is_drawable(*it))
    }
}
