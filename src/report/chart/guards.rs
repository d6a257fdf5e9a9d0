//! What the guards read while a run went on: one row a guard, on one clock.

use crate::report::chart::axis::{Axis, axis, is_drawable, within};
use crate::report::chart::layout::{EDGE, Entry, entry, fitted, width};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, not_drawn, sentence};
use crate::report::number::{counted, four_digits};

const MOST_ROWS: usize = 12;
const ROW_HEIGHT: f64 = 56.0;

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
    pub fn chart(&self) -> Chart {
        let said = ["A reading a second.", &self.facts()];
        chart("The machine while it ran", &said, "readings of the guards", "no readings", |form| {
            self.plot(form)
        })
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

    fn left_out(&self) -> Option<String> {
        not_drawn(self.shown().count().saturating_sub(MOST_ROWS), "guard")
    }

    fn facts(&self) -> String {
        let count = self.shown().count();
        if count == 0 {
            return "No readings.".to_owned();
        }
        let tripped = self.shown().filter(|guard| !guard.tripped_s.is_empty());
        let mut tripped: Vec<String> = tripped
            .map(|guard| format!("{} tripped {}", guard.name, counted(guard.tripped_s.len(), "time")))
            .collect();
        if tripped.is_empty() {
            tripped.push("none tripped".to_owned());
        }
        sentence([counted(count, "guard")].into_iter().chain(tripped).chain(self.left_out()))
    }

    fn legend(&self) -> Vec<Entry> {
        let any = |is: fn(&Guard) -> bool| self.shown().any(is);
        let entries = [
            (
                any(|guard| guard.metric_values().next().is_some()),
                entry(Sign::Line(Role::Tokens, 1.75), "reading"),
            ),
            (self.processes().next().is_some(), entry(Sign::Block(Role::Shade), "a measured process runs")),
            (any(|guard| guard.limit().is_some()), entry(Sign::Line(Role::Reference, 1.5), "limit")),
            (any(|guard| !guard.tripped_s.is_empty()), entry(Sign::Cross(Role::Bad), "tripped")),
        ];
        entries.into_iter().filter(|(is_there, _)| *is_there).map(|(_, entry)| entry).collect()
    }

    fn plot(&self, form: Form) -> Option<Plot> {
        self.shown().next()?;
        let seconds = self.seconds()?;
        let shades = || self.processes().map(|process| Layer::Shade(process.from_s, process.to_s));
        let panels = self.shown().take(MOST_ROWS).map(|guard| {
            let axis = guard.axis();
            Panel {
                title: Some(guard.title(form, &axis)),
                layers: shades().chain(guard.layers(form)).collect(),
                axis,
                height: ROW_HEIGHT,
            }
        });
        Some(Plot {
            legend: self.legend(),
            across: (seconds.low, seconds.high),
            panels: panels.collect(),
            names: self.processes().map(|it| (it.from_s, it.to_s, it.label.clone())).collect(),
            labels: seconds.ticks.into_iter().map(|tick| (tick.value, tick.label)).collect(),
            meaning: [Some("seconds since the run began".to_owned()), self.left_out()]
                .into_iter()
                .flatten()
                .collect(),
            ..Plot::default()
        })
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

    fn limit(&self) -> Option<f64> {
        self.limit.filter(|it| is_drawable(*it))
    }

    /// Of its values and its limit.
    fn axis(&self) -> Axis {
        let empty = Axis { low: 0.0, high: 1.0, ticks: Vec::new() };
        axis(self.metric_values().chain(self.limit()), 2).unwrap_or(empty)
    }

    /// What it reads, above its data.
    fn title(&self, form: Form, axis: &Axis) -> String {
        let Self { name, unit, .. } = self;
        let most = form.width() - 2.0 * EDGE;
        let what = if unit.is_empty() { (*name).to_owned() } else { format!("{name}, {unit}") };
        let limit = self.limit().map(|it| format!(" (limit {})", four_digits(it))).unwrap_or_default();
        let note = if axis.has_zero() { "" } else { ", not from 0" };
        // The limit can be read from the axis too; where the axis begins cannot.
        let whole = format!("{what}{limit}{note}");
        if width(&whole) <= most { whole } else { fitted(&what, most - width(note)) + note }
    }

    fn layers(&self, form: Form) -> Vec<Layer> {
        let limit = self.limit().map(|limit| Layer::Level(Role::Reference, limit));
        let points = self.thinned(form.columns() / 2);
        let line = Layer::Line { role: Role::Tokens, width: 1.75, points, is_marked: false };
        let tripped = self.tripped_s.iter().filter(|it| is_drawable(**it));
        let tripped = tripped.map(|second| Layer::Upright(Sign::Cross(Role::Bad), Role::Bad, *second));
        limit.into_iter().chain([line]).chain(tripped).collect()
    }

    /// The readings in so many columns: of a column's, the lowest and the highest stay.
    fn thinned(&self, columns: usize) -> Vec<Option<(f64, f64)>> {
        let in_one = self.readings.len().div_ceil(columns).max(1);
        let mut thinned = Vec::new();
        for some in self.readings.chunks(if in_one > 2 { in_one } else { 1 }) {
            let points = some.iter().filter_map(|reading| {
                let metric_value =
                    reading.metric_value.filter(|it| is_drawable(*it) && is_drawable(reading.at_s))?;
                Some((reading.at_s, metric_value))
            });
            let lowest = points.clone().min_by(|one, other| one.1.total_cmp(&other.1));
            let highest = points.max_by(|one, other| one.1.total_cmp(&other.1));
            let mut ends = [lowest, highest];
            if lowest.map(|it| it.0) > highest.map(|it| it.0) {
                ends.reverse();
            }
            thinned.extend_from_slice(if lowest == highest { &ends[..1] } else { &ends });
        }
        thinned
    }
}
