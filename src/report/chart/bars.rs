//! Bars: how the times of the decode steps are spread, and memory by phase, a bar for each process.

use crate::measure::Direction;
use crate::report::chart::axis::{axis_from_zero, between, drawable, is_drawable, largest, within};
use crate::report::chart::layout::{entry, fitted, measure, width};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Flag, Flags, Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, sentence};
use crate::report::number::{counted, four_digits};

/// Steps beyond this multiple of the last percentile share the last bar.
const WORTH_CUTTING: f64 = 1.3;
const PERCENTILES: [usize; 3] = [50, 95, 99];

/// The times of decode steps, in any order, ms.
pub(in crate::report) fn histogram(title: &str, steps_ms: impl Iterator<Item = f64>) -> Chart {
    let mut steps: Vec<f64> = steps_ms.filter(|ms| is_drawable(*ms)).collect();
    steps.sort_by(f64::total_cmp);
    let facts = match steps.last() {
        None => "No decode steps.".to_owned(),
        Some(slowest) => {
            let slowest = format!("the slowest {} ms", four_digits(*slowest));
            let percentiles = percentiles(&steps).map(|(_, words)| words);
            let count = counted(steps.len(), "decode step");
            sentence([count].into_iter().chain(percentiles).chain([slowest]))
        }
    };
    let said = ["Decode steps of all measured generations.", &facts];
    let draw = |form| histogram_plot(&steps, form);
    chart(title, &said, "decode steps (count)", "no decode steps", draw)
}

/// Within which so many of the sorted steps were, ms, and in words. The nearest rank: a time that was really taken.
fn percentiles(steps: &[f64]) -> impl Iterator<Item = (f64, String)> {
    PERCENTILES.into_iter().filter_map(move |share| {
        let ms = *steps.get((share * steps.len()).div_ceil(100).max(1) - 1)?;
        Some((ms, fitted(&format!("p{share} {} ms", four_digits(ms)), 200.0)))
    })
}

struct Bins {
    low_ms: f64,
    width_ms: f64,
    counts: Vec<usize>,
    /// Whether the last has all that is slower, too.
    is_open: bool,
}

impl Bins {
    fn of(steps: &[f64], form: Form) -> Option<Self> {
        let (fastest, slowest) = (*steps.first()?, *steps.last()?);
        let last = percentiles(steps).last().map_or(slowest, |(ms, _)| ms);
        // Room behind the last percentile, so that its line is not at the edge.
        let end = if slowest > last * WORTH_CUTTING { last + (last - fastest) * 0.25 } else { slowest };
        let wished = form.pick(40, 20);
        let axis = between(fastest, end, wished);
        let low_ms =
            axis.ticks.iter().map(|(ms, _)| *ms).filter(|ms| *ms <= fastest).fold(axis.low, f64::max);
        let width_ms = match &axis.ticks[..] {
            [first, second, ..] => second.0 - first.0,
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
        for ms in steps {
            counts[bin(*ms).min(last_bin)] += 1;
        }
        Some(Self { low_ms, width_ms, counts, is_open: slowest > low_ms + width_ms * (last_bin + 1) as f64 })
    }

    /// Where a bin begins, ms.
    fn edge(&self, bin: usize) -> f64 {
        self.low_ms + self.width_ms * bin as f64
    }
}

fn histogram_plot(steps: &[f64], form: Form) -> Option<Plot> {
    let bins = Bins::of(steps, form)?;
    let axis = axis_from_zero(bins.counts.iter().map(|count| *count as f64), 4)?;
    let last = bins.counts.len() - 1;
    let end_ms = bins.edge(last + 1);
    let mut legend = vec![entry(Sign::Upright(Role::Ink), "percentile of the steps")];
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
    let flags =
        percentiles(steps).map(|(ms, text)| Flag { x: ms.min(end_ms), role: Role::Ink, text, sign: None });
    Some(Plot {
        legend,
        across: (bins.low_ms, end_ms),
        flags: vec![Flags { lanes: usize::MAX, flags: flags.collect() }],
        panels: vec![Panel { title: None, axis, height: form.pick(180.0, 150.0), layers: bars.collect() }],
        labels: within(bins.low_ms, end_ms, form.pick(10, 5)).ticks,
        meaning: vec![measure("ms per token", Direction::Lower)],
        ..Plot::default()
    })
}

/// Bars that a group has at most; of more, the largest is shown.
const MOST_BARS: usize = 6;
/// What the bars of a phase take of its room.
const GROUP_SHARE: f64 = 0.8;

/// A phase of a run.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct MemoryPhase {
    pub(in crate::report) name: &'static str,
    /// The memory of each process, MiB; None where it was not read.
    pub(in crate::report) mib: Vec<Option<f64>>,
}

/// Memory of the named processes of a run.
pub(in crate::report) fn memory_chart(processes: &[String], mut phases: Vec<MemoryPhase>) -> Chart {
    for MemoryPhase { mib, .. } in &mut phases {
        for mib in mib.iter_mut() {
            *mib = drawable(*mib).filter(|mib| *mib >= 0.0);
        }
        if processes.len() > MOST_BARS {
            *mib = vec![largest(mib.iter().copied())];
        }
    }
    let facts: Vec<String> = phases
        .iter()
        .filter_map(|MemoryPhase { name, mib }| {
            Some(format!("{name} {} MiB", four_digits(largest(mib.iter().copied())?)))
        })
        .collect();
    let facts =
        if facts.is_empty() { "No values.".to_owned() } else { format!("At most: {}", sentence(facts)) };
    let said = [
        "Load, prefill and decode: up to the end of the warm-up. Measured: peak_rss@1, as in the table.",
        &facts,
    ];
    let measure = measure("resident memory, peak, MiB", Direction::Lower);
    chart("Memory by phase", &said, &measure, "no figures", |form| memory_plot(processes, &phases, form))
}

fn memory_plot(processes: &[String], phases: &[MemoryPhase], form: Form) -> Option<Plot> {
    let values = phases.iter().flat_map(|phase| phase.mib.iter().flatten());
    values.clone().next()?;
    // A little more than the highest bar, for the number on it.
    let axis = axis_from_zero(values.map(|mib| mib * 1.05), 5)?;
    let mut legend = Vec::new();
    if processes.len() > MOST_BARS {
        let words = format!("the largest of {} processes", processes.len());
        legend.push(entry(Sign::Block(Role::Prompt1), words));
    } else if processes.len() > 1 {
        let named = processes.iter().zip((0..).map_while(Role::prompt));
        legend.extend(named.map(|(name, role)| entry(Sign::Block(role), fitted(name, 160.0))));
    }
    let names = phases.iter().enumerate().map(|(at, phase)| (at as f64, at as f64 + 1.0, phase.name.into()));
    let mut plot = Plot {
        legend,
        across: (0.0, phases.len() as f64),
        names: names.collect(),
        panels: vec![Panel { title: None, axis, height: form.pick(200.0, 170.0), layers: Vec::new() }],
        meaning: vec!["phase".to_owned()],
        ..Plot::default()
    };
    let [left, right] = plot.ends(form);
    let room = (right - left) / phases.len() as f64;
    plot.panels[0].layers =
        phases.iter().enumerate().flat_map(|(at, phase)| bars(at, &phase.mib, room)).collect();
    Some(plot)
}

/// The bars of a phase, which has so much room, px. Where there is no room for all numbers, the largest has one.
fn bars(at: usize, group: &[Option<f64>], room: f64) -> Vec<Layer> {
    let bar = GROUP_SHARE / group.len().max(1) as f64;
    let first = at as f64 + 0.5 - GROUP_SHARE / 2.0;
    let fits = |text: &str, share: f64| width(text) + 4.0 <= room * share;
    let all_fit = group.iter().flatten().all(|mib| fits(&four_digits(*mib), bar));
    let mut layers = Vec::new();
    for (place, mib) in group.iter().enumerate() {
        let Some(value) = *mib else { continue };
        let from = first + bar * place as f64;
        let role = Role::prompt(place).unwrap_or(Role::Muted);
        layers.push(Layer::Bar { role, from, to: from + bar, value });
        if all_fit {
            layers.push(Layer::Text(from + bar / 2.0, value, four_digits(value)));
        }
    }
    let tallest =
        largest(group.iter().copied()).filter(|_| !all_fit).map(|value| (value, four_digits(value)));
    if let Some((value, text)) = tallest.filter(|(_, text)| fits(text, 1.0)) {
        layers.push(Layer::Text(at as f64 + 0.5, value, text));
    }
    layers
}
