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
const TRIPPED: Sign = Sign::Cross(Role::Bad);

/// One guard. Times are seconds since the run began.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Guard {
    /// What it reads.
    pub(in crate::report) name: &'static str,
    pub(in crate::report) unit: &'static str,
    /// Times and readings in the guard's unit, in the order of time; None leaves a gap.
    pub(in crate::report) readings: Vec<Option<(f64, f64)>>,
    /// What a reading must not pass, if it is a value.
    pub(in crate::report) limit: Option<f64>,
    /// When it tripped.
    pub(in crate::report) tripped_s: Vec<f64>,
}

/// When a measured process ran, s since the run began.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Span {
    pub(in crate::report) from_s: f64,
    pub(in crate::report) to_s: f64,
    /// What the page calls it.
    pub(in crate::report) label: String,
}

/// The guards of a run that have something to show, and when each measured process ran.
pub(in crate::report) fn guards_chart(guards: &[Guard], processes: &[Span]) -> Chart {
    let left_out = not_drawn(guards.len().saturating_sub(MOST_ROWS), "guard");
    let tripped = guards.iter().filter(|guard| !guard.tripped_s.is_empty());
    let mut facts: Vec<String> = tripped
        .map(|guard| format!("{} tripped {}", guard.name, counted(guard.tripped_s.len(), "time")))
        .collect();
    if facts.is_empty() {
        facts.push("none tripped".to_owned());
    }
    let facts = match guards.len() {
        0 => "No readings.".to_owned(),
        count => sentence([counted(count, "guard")].into_iter().chain(facts).chain(left_out.clone())),
    };
    let said = ["A reading a second.", &facts];
    chart("The machine while it ran", &said, "readings of the guards", "no readings", |form| {
        let seconds = seconds(guards, processes)?;
        let panels = guards.iter().take(MOST_ROWS).map(|guard| {
            let axis = guard.axis();
            let shades = processes.iter().map(|it| Layer::Shade(it.from_s, it.to_s));
            Panel {
                title: Some(guard.title(form, &axis)),
                layers: shades.chain(guard.layers(form)).collect(),
                axis,
                height: ROW_HEIGHT,
            }
        });
        let meaning = [Some("seconds since the run began".to_owned()), left_out.clone()];
        Some(Plot {
            legend: legend(guards, processes),
            across: (seconds.low, seconds.high),
            panels: panels.collect(),
            names: processes.iter().map(|it| (it.from_s, it.to_s, it.label.clone())).collect(),
            labels: seconds.ticks,
            meaning: meaning.into_iter().flatten().collect(),
            ..Plot::default()
        })
    })
}

/// From the first to the last second of anything; None where there is no guard.
fn seconds(guards: &[Guard], processes: &[Span]) -> Option<Axis> {
    let readings = guards.iter().flat_map(|guard| guard.readings.iter().flatten().map(|(at, _)| *at));
    let tripped = guards.iter().flat_map(|guard| guard.tripped_s.iter().copied());
    let all = readings.chain(tripped).chain(processes.iter().flat_map(|it| [it.from_s, it.to_s]));
    let last = all.clone().reduce(f64::max).filter(|_| !guards.is_empty())?;
    let first = all.fold(0.0, f64::min);
    Some(within(first, if last > first { last } else { first + 1.0 }, 8))
}

fn legend(guards: &[Guard], processes: &[Span]) -> Vec<Entry> {
    let any = |is: fn(&Guard) -> bool| guards.iter().any(is);
    let entries = [
        (any(|guard| guard.values().next().is_some()), entry(Sign::Line(Role::Tokens, 1.75), "reading")),
        (!processes.is_empty(), entry(Sign::Block(Role::Shade), "a measured process runs")),
        (any(|guard| guard.limit.is_some()), entry(Sign::Line(Role::Reference, 1.5), "limit")),
        (any(|guard| !guard.tripped_s.is_empty()), entry(TRIPPED, "tripped")),
    ];
    entries.into_iter().filter(|(is_there, _)| *is_there).map(|(_, entry)| entry).collect()
}

impl Guard {
    fn values(&self) -> impl Iterator<Item = f64> {
        self.readings.iter().flatten().map(|(_, value)| *value).filter(|it| is_drawable(*it))
    }

    /// Of its values and its limit.
    fn axis(&self) -> Axis {
        let empty = Axis { low: 0.0, high: 1.0, ticks: Vec::new() };
        axis(self.values().chain(self.limit), 2).unwrap_or(empty)
    }

    /// What it reads, above its data.
    fn title(&self, form: Form, axis: &Axis) -> String {
        let Self { name, unit, .. } = self;
        let most = form.width() - 2.0 * EDGE;
        let what = if unit.is_empty() { (*name).to_owned() } else { format!("{name}, {unit}") };
        let limit = self.limit.map(|it| format!(" (limit {})", four_digits(it))).unwrap_or_default();
        let note = if axis.has_zero() { "" } else { ", not from 0" };
        // The limit can be read from the axis too; where the axis begins cannot.
        let whole = format!("{what}{limit}{note}");
        if width(&whole) <= most { whole } else { fitted(&what, most - width(note)) + note }
    }

    fn layers(&self, form: Form) -> Vec<Layer> {
        let limit = self.limit.map(|limit| Layer::Level(Role::Reference, limit));
        let points = self.thinned(form.columns() / 2);
        let line = Layer::Line { role: Role::Tokens, width: 1.75, points, is_marked: false };
        let tripped = self.tripped_s.iter().map(|second| Layer::Upright(TRIPPED, Role::Bad, *second));
        limit.into_iter().chain([line]).chain(tripped).collect()
    }

    /// The readings in so many columns: of a column's, the lowest and the highest stay.
    fn thinned(&self, columns: usize) -> Vec<Option<(f64, f64)>> {
        let in_one = self.readings.len().div_ceil(columns).max(1);
        let mut thinned = Vec::new();
        for some in self.readings.chunks(if in_one > 2 { in_one } else { 1 }) {
            let points = some.iter().flatten().filter(|(_, value)| is_drawable(*value)).copied();
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
