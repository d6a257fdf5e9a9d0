//! Bars: how the times of the decode steps are spread, and memory by phase, a bar for each process.

use crate::measure::Direction;
use crate::report::chart::axis::{Axis, axis_from_zero, between, drawable, largest, within};
use crate::report::chart::canvas::{Anchor, Canvas, Frame, at};
use crate::report::chart::layout::{
    EDGE, LINE_HEIGHT, Label, Lanes, Room, Scale, entry, fitted, footer, header, measure, nothing,
    numbers_width, rows, width,
};
use crate::report::chart::palette::Role;
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart};
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
        chart(&self.title, &["Decode steps of all measured generations.", &self.facts()], |canvas| {
            self.draw(canvas)
        })
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

    fn draw(&self, canvas: &Canvas) -> f64 {
        let counted_steps = "decode steps (count)";
        let drawn = self.bins(canvas.form);
        let most = drawn.iter().flat_map(|bins| &bins.counts).map(|count| *count as f64);
        let (Some(bins), Some(counts)) = (&drawn, axis_from_zero(most, 4)) else {
            return nothing(canvas, counted_steps, "no decode steps");
        };
        let mut legend = Vec::new();
        if !self.percentiles().is_empty() {
            legend.push(entry(Sign::Upright(Role::Ink), "percentile of the steps"));
        }
        if bins.is_open {
            let end = bins.low_ms + bins.width_ms * (bins.counts.len() - 1) as f64;
            legend.push(entry(Sign::Block(Role::Warn), format!("all above {} ms", four_digits(end))));
        }
        let top = header(canvas, counted_steps, true, &legend);
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
        let unit = measure("ms per token", Direction::Lower);
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
    fitted(&format!("{} {} ms", percentile.label, four_digits(percentile.ms)), 200.0)
}

fn bars(canvas: &Canvas, bins: &Bins, frame: &Frame, across: &Scale, up: &Scale) {
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

fn bottom_labels(canvas: &Canvas, low: f64, high: f64, across: &Scale) -> Vec<Label> {
    let Axis { ticks, .. } = within(low, high, canvas.form.pick(10, 5));
    ticks.into_iter().map(|tick| Label { x: across.place(tick.value), text: tick.label }).collect()
}

/// Bars that a group has at most; of more, the largest is shown.
const MOST_BARS: usize = 6;
/// A bar is at most so wide, px.
const WIDEST: f64 = 72.0;

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
    #[must_use]
    pub fn chart(&self) -> Chart {
        let description =
            "Load, prefill and decode: up to the end of the warm-up. Measured: peak_rss@1, as in the table.";
        chart("Memory by phase", &[description, &self.facts()], |canvas| self.draw(canvas))
    }

    /// The processes, if they can all be shown.
    fn shown_processes(&self) -> &[String] {
        if self.processes.len() > MOST_BARS { &[] } else { &self.processes }
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
        if facts.is_empty() { "No values.".to_owned() } else { format!("At most: {}.", facts.join("; ")) }
    }

    fn draw(&self, canvas: &Canvas) -> f64 {
        let measure = measure("resident memory, peak, MiB", Direction::Lower);
        let groups = self.groups();
        let metric_values: Vec<f64> =
            groups.iter().flat_map(|group| group.mib.iter().flatten().copied()).collect();
        // A little more than the highest bar, for the number on it.
        let axis = axis_from_zero(metric_values.iter().map(|mib| mib * 1.05), 5)
            .filter(|_| !metric_values.is_empty());
        let Some(axis) = axis else { return nothing(canvas, &measure, "no values") };
        let processes = self.shown_processes();
        let mut legend = Vec::new();
        if processes.len() > 1 {
            let named = processes.iter().zip((0..).map_while(Role::prompt));
            legend.extend(named.map(|(name, role)| entry(Sign::Block(role), fitted(name, 160.0))));
        } else if processes.is_empty() {
            let words = format!("the largest of {} processes", self.processes.len());
            legend.push(entry(Sign::Block(Role::Prompt1), words));
        }
        let top = header(canvas, &measure, true, &legend) + LINE_HEIGHT / 2.0;
        let left = numbers_width(&axis);
        let right = canvas.form.width() - EDGE - 8.0;
        let frame = Frame { left, top, right, bottom: top + canvas.form.pick(200.0, 170.0) };
        let up = rows(canvas, &frame, &axis);
        let room = frame.width() / groups.len() as f64;
        for (place, group) in groups.iter().enumerate() {
            let middle = frame.left + room * (place as f64 + 0.5);
            let bar = (room * 0.8 / group.mib.len().max(1) as f64).min(WIDEST);
            let first = middle - bar * group.mib.len() as f64 / 2.0;
            let tallest = largest(group.mib.iter().copied());
            let labels_fit = group.mib.iter().flatten().all(|mib| width(&four_digits(*mib)) + 4.0 <= bar);
            let mut is_reported = false;
            for (at_bar, mib) in group.mib.iter().enumerate().filter_map(|(at, mib)| Some((at, (*mib)?))) {
                let left = first + bar * at_bar as f64;
                let top = up.place(mib);
                let role = Role::prompt(at_bar).unwrap_or(Role::Muted);
                canvas.block(
                    role,
                    Frame { left: left + 1.5, top, right: left + bar - 1.5, bottom: frame.bottom },
                );
                // Where there is no room for all, the largest is reported.
                if labels_fit || tallest == Some(mib) && !is_reported {
                    is_reported = true;
                    let text = four_digits(mib);
                    let half = width(&text) / 2.0;
                    let x = if labels_fit { left + bar / 2.0 } else { middle };
                    let fits = labels_fit || 2.0 * half + 6.0 <= room;
                    if fits {
                        canvas.text(Role::Ink, Anchor::Middle, at(x, top - LINE_HEIGHT / 2.0), &text);
                    }
                }
            }
            let name = fitted(group.name, room - 6.0);
            canvas.text(Role::Ink, Anchor::Middle, at(middle, frame.bottom + 6.0 + LINE_HEIGHT / 2.0), &name);
        }
        footer(canvas, &frame, frame.bottom + LINE_HEIGHT, &[], &["phase".to_owned()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::tests::{check, count, texts};

    fn histogram() -> Histogram {
        let mut steps_ms: Vec<f64> = (0..1000).map(|step| 46.0 + f64::from(step % 40) * 0.05).collect();
        steps_ms.extend([90.0, 300.0]);
        let percentile = |label: &str, ms: f64| Percentile { label: label.to_owned(), ms };
        Histogram {
            title: "Spread".to_owned(),
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
        let reported = "Decode steps of all measured generations. 1002 decode steps; p50 47.00 ms; p95 47.90 ms; p99 47.95 ms; the slowest 300.0 ms.";
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
    fn odd_values_are_no_obstacle() {
        for steps_ms in [vec![], vec![f64::NAN], vec![47.0], vec![47.0; 500], vec![0.0, 1e99], vec![0.0]] {
            let chart = Histogram { steps_ms: steps_ms.clone(), ..histogram() }.chart();
            check(&chart);
            let chart = Histogram { steps_ms, percentiles: Vec::new(), ..histogram() }.chart();
            check(&chart);
        }
    }

    fn memory() -> Memory {
        let phase = |name, mib: [f64; 3]| MemoryPhase { name, mib: mib.map(Some).to_vec() };
        Memory {
            processes: (1..=3).map(|at| format!("process {at}")).collect(),
            phases: vec![
                phase("load", [13_200.0, 13_210.0, 13_190.0]),
                phase("prefill", [12_100.0, 12_000.0, 12_050.0]),
                phase("decode", [11_900.0, 11_950.0, 11_925.0]),
            ],
        }
    }

    #[test]
    fn every_phase_has_its_group_and_its_largest_value() {
        let chart = memory().chart();
        check(&chart);
        for svg in [&chart.wide, &chart.narrow] {
            let texts = texts(svg);
            for text in ["load", "prefill", "decode", "process 1", "process 3", "13210", "11950"] {
                assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
            }
            assert_eq!(count(svg, "rect", Role::Prompt2.drawn()), 3, "a bar a phase");
        }
        assert!(texts(&chart.wide).contains(&"resident memory, peak, MiB, lower is better".to_owned()));
        assert_eq!(
            chart.description,
            "Load, prefill and decode: up to the end of the warm-up. Measured: peak_rss@1, as in the table. At most: load 13210 MiB; prefill 12100 MiB; decode 11950 MiB."
        );
    }

    #[test]
    fn of_many_processes_the_largest_is_shown() {
        let mut memory = memory();
        memory.processes = (0..20).map(|at| at.to_string()).collect();
        for phase in &mut memory.phases {
            phase.mib = (0..20).map(|at| Some(f64::from(at))).collect();
        }
        let chart = memory.chart();
        check(&chart);
        assert_eq!(count(&chart.wide, "rect", Role::Prompt1.drawn()), 3);
        assert!(texts(&chart.wide).contains(&"the largest of 20 processes".to_owned()));
    }

    #[test]
    fn what_was_not_read_has_no_bar() {
        for mib in [None, Some(f64::NAN), Some(-1.0)] {
            let mut memory = memory();
            memory.phases[0].mib[1] = mib;
            let chart = memory.chart();
            check(&chart);
            assert_eq!(count(&chart.wide, "rect", Role::Prompt2.drawn()), 2);
        }
    }

    #[test]
    fn odd_memory_is_no_obstacle() {
        let mut without = memory();
        without.phases.clear();
        check(&without.chart());
        assert!(texts(&without.chart().wide).contains(&"no values".to_owned()));
        for mib in [0.0, 1e99, 1e-9] {
            let mut memory = memory();
            memory.processes[0] = "<script>".repeat(30);
            memory.phases.iter_mut().flat_map(|phase| &mut phase.mib).for_each(|it| *it = Some(mib));
            check(&memory.chart());
        }
    }
}
