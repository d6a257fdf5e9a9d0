//! What the guards read while a run went on: one row a guard, on one clock.

use crate::report::chart::axis::{Axis, axis, is_drawable, within};
use crate::report::chart::canvas::{Anchor, Canvas, Frame, Point, at};
use crate::report::chart::layout::{
    EDGE, Entry, LINE_HEIGHT, Label, Scale, entry, fitted, footer, header, nothing, numbers_width, rows,
    width,
};
use crate::report::chart::palette::Role;
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart};
use crate::report::number::{counted, four_digits};

const MOST_ROWS: usize = 12;
const ROW_HEIGHT: f64 = 56.0;
/// From the top of a title to the data below it, px.
const TITLE: f64 = LINE_HEIGHT + 7.0;

/// The guards of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Guards {
    /// A row each.
    pub guards: Vec<Guard>,
    /// When each measured process ran.
    pub processes: Vec<ProcessSpan>,
}

/// One guard.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// What it reads.
    pub name: &'static str,
    /// What a reading is counted in.
    pub unit: &'static str,
    /// In the order of time.
    pub readings: Vec<Reading>,
    /// What a reading must not pass, if it is a value.
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
    pub metric_value: Option<f64>,
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
        let said = ["A reading a second.", &self.facts()];
        chart("The machine while it ran", &said, |canvas| self.draw(canvas))
    }

    /// Those that have something to show.
    fn shown(&self) -> impl Iterator<Item = &Guard> + Clone {
        self.guards
            .iter()
            .filter(|guard| guard.metric_values().next().is_some() || !guard.tripped_s.is_empty())
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
        if self.shown().any(|guard| guard.metric_values().next().is_some()) {
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

    fn draw(&self, canvas: &Canvas) -> f64 {
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
    fn process_names(&self, canvas: &Canvas, across: &Scale, top: f64) {
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
    fn metric_values(&self) -> impl Iterator<Item = f64> + Clone {
        self.readings
            .iter()
            .filter(|it| is_drawable(it.at_s))
            .filter_map(|it| it.metric_value)
            .filter(|it| is_drawable(*it))
    }
}

pub(super) struct Panel<'a> {
    guard: &'a Guard,
    /// Of its values and its limit.
    pub(super) axis: Axis,
}

impl<'a> Panel<'a> {
    pub(super) fn of(guard: &'a Guard) -> Self {
        let metric_values = guard.metric_values().chain(guard.limit.filter(|it| is_drawable(*it)));
        let empty = Axis { low: 0.0, high: 1.0, ticks: Vec::new() };
        Self { guard, axis: axis(metric_values, 2).unwrap_or(empty) }
    }

    /// What it reads, above its data.
    pub(super) fn title(&self, canvas: &Canvas, top: f64) {
        let Guard { name, unit, limit, .. } = self.guard;
        let most = canvas.form.width() - 2.0 * EDGE;
        let what = if unit.is_empty() { (*name).to_owned() } else { format!("{name}, {unit}") };
        let limit = limit.filter(|it| is_drawable(*it)).map(|it| format!(" (limit {})", four_digits(it)));
        let note = if self.axis.has_zero() { "" } else { ", not from 0" };
        // The limit can be read from the axis too; where the axis begins cannot.
        let whole = format!("{what}{}{note}", limit.unwrap_or_default());
        let words = if width(&whole) <= most { whole } else { fitted(&what, most - width(note)) + note };
        canvas.text(Role::Ink, Anchor::Start, at(EDGE, top + LINE_HEIGHT / 2.0), &words);
    }

    pub(super) fn draw(&self, canvas: &Canvas, frame: &Frame, across: &Scale) {
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
                let metric_value =
                    reading.metric_value.filter(|it| is_drawable(*it) && is_drawable(reading.at_s))?;
                Some(at(across.place(reading.at_s), up.place(metric_value)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::tests::{check, count, most_points, texts};

    fn guards() -> Guards {
        let guard = |name, unit, level: f64, limit: Option<f64>, tripped_s: Vec<f64>| Guard {
            name,
            unit,
            readings: (0..60_u8)
                .map(|second| Reading {
                    at_s: f64::from(second),
                    metric_value: Some(level + f64::from(second % 5) * level / 50.0),
                })
                .collect(),
            limit,
            tripped_s,
        };
        let span =
            |label: &str, from_s: f64| ProcessSpan { label: label.to_owned(), from_s, to_s: from_s + 15.0 };
        Guards {
            guards: vec![
                guard("GPU clock", "MHz", 2400.0, Some(2300.0), vec![]),
                guard("other processes", "% of a core", 8.0, Some(9.0), vec![33.0]),
            ],
            processes: vec![span("process 1", 2.0), span("process 2", 20.0), span("process 3", 38.0)],
        }
    }

    #[test]
    fn every_guard_has_its_row_its_unit_and_its_limit() {
        let chart = guards().chart();
        check(&chart);
        for svg in [&chart.wide, &chart.narrow] {
            let texts = texts(svg);
            for text in ["seconds since the run began", "a measured process runs", "tripped", "limit"] {
                assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
            }
            assert!(texts.iter().any(|it| it.starts_with("GPU clock, MHz (limit 2300)")), "{texts:?}");
            assert!(texts.iter().any(|it| it.starts_with("other processes, % of a core")), "{texts:?}");
            // Three processes in each of two rows.
            assert_eq!(count(svg, "rect", Role::Shade.drawn()), 6);
        }
        assert_eq!(chart.description, "A reading a second. 2 guards; other processes tripped 1 time.");
    }

    #[test]
    fn when_none_tripped_it_says_so() {
        let mut guards = guards();
        guards.guards[1].tripped_s.clear();
        assert_eq!(guards.chart().description, "A reading a second. 2 guards; none tripped.");
        assert_eq!(count(&guards.chart().wide, "polyline", Role::Bad.drawn()), 0);
    }

    #[test]
    fn many_readings_keep_their_peaks() {
        let mut guards = guards();
        guards.guards.truncate(1);
        let readings = (0..20_000_u32).map(|at| Reading {
            at_s: f64::from(at) * 0.1,
            metric_value: Some(if at == 12_345 { 9000.0 } else { 2000.0 }),
        });
        guards.guards[0].readings = readings.collect();
        let chart = guards.chart();
        check(&chart);
        assert!(most_points(&chart.wide) <= 600 && most_points(&chart.narrow) <= 240);
        // The peak touches the axis's last number but one at least.
        assert!(texts(&chart.wide).contains(&"10000".to_owned()));
    }

    #[test]
    fn a_missing_reading_leaves_a_gap() {
        let mut guards = guards();
        guards.guards.truncate(1);
        let whole = count(&guards.chart().wide, "polyline", Role::Tokens.drawn());
        guards.guards[0].readings[30].metric_value = None;
        assert_eq!(count(&guards.chart().wide, "polyline", Role::Tokens.drawn()), whole + 1);
    }

    #[test]
    fn odd_readings_are_no_obstacle() {
        let reading = |at_s: f64, metric_value: f64| Reading { at_s, metric_value: Some(metric_value) };
        for readings in [
            vec![],
            vec![reading(0.0, 0.0)],
            vec![reading(f64::NAN, 1.0)],
            vec![reading(1.0, f64::INFINITY), reading(2.0, 1e99)],
            vec![reading(-5.0, 1.0), reading(1e9, 1.0)],
        ] {
            let mut guards = guards();
            guards.guards[0].readings.clone_from(&readings);
            guards.guards[1].readings.clone_from(&readings);
            check(&guards.chart());
            guards.processes.clear();
            guards.guards[1].tripped_s.clear();
            check(&guards.chart());
        }
        let none = Guards { guards: Vec::new(), ..guards() };
        check(&none.chart());
        assert!(texts(&none.chart().wide).contains(&"no readings".to_owned()));
    }

    #[test]
    fn guards_without_a_row_are_counted() {
        let mut many = guards();
        many.guards = vec![many.guards[0].clone(); 15];
        let chart = many.chart();
        check(&chart);
        assert!(texts(&chart.narrow).contains(&"3 more guards not drawn".to_owned()));
    }
}
