//! Bars: how the times of the decode steps are spread, and memory by phase, a bar for each process.

use crate::measure::Direction;
use crate::report::chart::axis::{axis_from_zero, between, drawable, largest, within};
use crate::report::chart::layout::{entry, fitted, measure, width};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Flag, Flags, Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, sentence};
use crate::report::number::{counted, four_digits};

/// Steps beyond this multiple of the last percentile share the last bar.
const WORTH_CUTTING: f64 = 1.3;

/// Times of decode steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// For the heading.
    pub title: String,
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

impl Percentile {
    fn words(&self) -> String {
        fitted(&format!("{} {} ms", self.label, four_digits(self.ms)), 200.0)
    }
}

struct Bins {
    low_ms: f64,
    width_ms: f64,
    counts: Vec<usize>,
    /// Whether the last has all that is slower, too.
    is_open: bool,
}

impl Bins {
    /// Where a bin begins, ms.
    fn edge(&self, bin: usize) -> f64 {
        self.low_ms + self.width_ms * bin as f64
    }
}

impl Histogram {
    /// The chart.
    pub fn chart(&self) -> Chart {
        let said = ["Decode steps of all measured generations.", &self.facts()];
        chart(&self.title, &said, "decode steps (count)", "no decode steps", |form| self.plot(form))
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
        let percentiles = self.percentiles().into_iter().map(Percentile::words);
        let slowest = format!("the slowest {} ms", four_digits(slowest));
        sentence([counted(count, "decode step")].into_iter().chain(percentiles).chain([slowest]))
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

    fn plot(&self, form: Form) -> Option<Plot> {
        let bins = self.bins(form)?;
        let axis = axis_from_zero(bins.counts.iter().map(|count| *count as f64), 4)?;
        let last = bins.counts.len() - 1;
        let end_ms = bins.edge(last + 1);
        let percentiles = self.percentiles();
        let mut legend = Vec::new();
        if !percentiles.is_empty() {
            legend.push(entry(Sign::Upright(Role::Ink), "percentile of the steps"));
        }
        if bins.is_open {
            let words = format!("all above {} ms", four_digits(bins.edge(last)));
            legend.push(entry(Sign::Block(Role::Warn), words));
        }
        let bars = bins.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let bars = bars.map(|(at, count)| Layer::Bar {
            role: if bins.is_open && at == last { Role::Warn } else { Role::Tokens },
            from: bins.edge(at),
            to: bins.edge(at + 1),
            value: *count as f64,
        });
        let flags = percentiles.into_iter().map(|it| Flag {
            x: it.ms.min(end_ms),
            role: Role::Ink,
            text: it.words(),
            sign: None,
        });
        let ticks = within(bins.low_ms, end_ms, form.pick(10, 5)).ticks;
        Some(Plot {
            legend,
            across: (bins.low_ms, end_ms),
            flags: vec![Flags { lanes: usize::MAX, flags: flags.collect() }],
            panels: vec![Panel {
                title: None,
                axis,
                height: form.pick(180.0, 150.0),
                layers: bars.collect(),
            }],
            labels: ticks.into_iter().map(|tick| (tick.value, tick.label)).collect(),
            meaning: vec![measure("ms per token", Direction::Lower)],
            ..Plot::default()
        })
    }
}

/// Bars that a group has at most; of more, the largest is shown.
const MOST_BARS: usize = 6;
/// What the bars of a phase take of its room.
const GROUP_SHARE: f64 = 0.8;

/// Memory of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// The names of the processes.
    pub processes: Vec<String>,
    /// In their order.
    pub phases: Vec<MemoryPhase>,
}

/// A phase of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryPhase {
    /// As in "load" or "decode".
    pub name: &'static str,
    /// Of each process; None where it was not read.
    pub mib: Vec<Option<f64>>,
}

impl Memory {
    /// The chart.
    pub fn chart(&self) -> Chart {
        let said = [
            "Load, prefill and decode: up to the end of the warm-up. Measured: peak_rss@1, as in the table.",
            &self.facts(),
        ];
        let measure = measure("resident memory, peak, MiB", Direction::Lower);
        chart("Memory by phase", &said, &measure, "no figures", |form| self.plot(form))
    }

    /// What is shown of each phase: of too many processes the largest.
    fn groups(&self) -> Vec<MemoryPhase> {
        let group = |phase: &MemoryPhase| {
            let mib = phase.mib.iter().map(|mib| drawable(*mib).filter(|mib| *mib >= 0.0));
            let mib = if self.processes.len() > MOST_BARS { vec![largest(mib)] } else { mib.collect() };
            MemoryPhase { name: phase.name, mib }
        };
        self.phases.iter().map(group).collect()
    }

    fn facts(&self) -> String {
        let largest_of = |group: &MemoryPhase| {
            let mib = largest(group.mib.iter().copied())?;
            Some(format!("{} {} MiB", group.name, four_digits(mib)))
        };
        let facts: Vec<String> = self.groups().iter().filter_map(largest_of).collect();
        if facts.is_empty() { "No values.".to_owned() } else { format!("At most: {}", sentence(facts)) }
    }

    fn plot(&self, form: Form) -> Option<Plot> {
        let groups = self.groups();
        let metric_values = groups.iter().flat_map(|group| group.mib.iter().flatten());
        // A little more than the highest bar, for the number on it.
        largest(metric_values.clone().map(|mib| Some(*mib)))?;
        let axis = axis_from_zero(metric_values.map(|mib| mib * 1.05), 5)?;
        let mut legend = Vec::new();
        if self.processes.len() > MOST_BARS {
            let words = format!("the largest of {} processes", self.processes.len());
            legend.push(entry(Sign::Block(Role::Prompt1), words));
        } else if self.processes.len() > 1 {
            let named = self.processes.iter().zip((0..).map_while(Role::prompt));
            legend.extend(named.map(|(name, role)| entry(Sign::Block(role), fitted(name, 160.0))));
        }
        let names =
            groups.iter().enumerate().map(|(at, group)| (at as f64, at as f64 + 1.0, group.name.into()));
        let mut plot = Plot {
            legend,
            across: (0.0, groups.len() as f64),
            names: names.collect(),
            panels: vec![Panel { title: None, axis, height: form.pick(200.0, 170.0), layers: Vec::new() }],
            meaning: vec!["phase".to_owned()],
            ..Plot::default()
        };
        let [left, right] = plot.ends(form);
        let room = (right - left) / groups.len() as f64;
        plot.panels[0].layers =
            groups.iter().enumerate().flat_map(|(at, group)| bars(at, group, room)).collect();
        Some(plot)
    }
}

/// The bars of a phase, which has so much room, px. Where there is no room for all numbers, the largest has one.
fn bars(at: usize, group: &MemoryPhase, room: f64) -> Vec<Layer> {
    let bar = GROUP_SHARE / group.mib.len().max(1) as f64;
    let first = at as f64 + 0.5 - GROUP_SHARE / 2.0;
    let tallest = largest(group.mib.iter().copied());
    let fits = |text: &str, share: f64| width(text) + 4.0 <= room * share;
    let all_fit = group.mib.iter().flatten().all(|mib| fits(&four_digits(*mib), bar));
    let mut layers = Vec::new();
    for (place, mib) in group.mib.iter().enumerate() {
        let Some(value) = *mib else { continue };
        let from = first + bar * place as f64;
        let role = Role::prompt(place).unwrap_or(Role::Muted);
        layers.push(Layer::Bar { role, from, to: from + bar, value });
        if all_fit {
            layers.push(Layer::Text(from + bar / 2.0, value, four_digits(value)));
        }
    }
    if let Some(value) = tallest.filter(|value| !all_fit && fits(&four_digits(*value), 1.0)) {
        layers.push(Layer::Text(at as f64 + 0.5, value, four_digits(value)));
    }
    layers
}
