//! Memory by phase: a group of bars for each, a bar for each process.

use crate::measure::Direction;

use super::super::number::four_digits;
use super::canvas::{Anchor, Canvas, Frame, at};
use super::columns::largest;
use super::layout::{EDGE, entry, footer, header, measure, nothing, numbers_width, rows};
use super::lettering::{LINE_HEIGHT, fitted, width};
use super::palette::Role;
use super::signs::Sign;
use super::ticks::{axis_from_zero, drawable};
use super::{Chart, chart};

/// Bars that a group has at most; of more, the largest is shown.
const MOST_BARS: usize = 6;
/// A bar is at most so wide, px.
const WIDEST: f64 = 72.0;

/// Memory of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// For the heading.
    pub title: String,
    /// What the page says of it.
    pub description: String,
    /// What kind of memory, as in "resident memory, peak".
    pub metric: String,
    /// In their order.
    pub phases: Vec<MemoryPhase>,
}

/// A phase of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryPhase {
    /// As in "load" or "decode".
    pub name: String,
    /// In the same order in each phase.
    pub bars: Vec<MemoryBar>,
}

/// A process in a phase.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryBar {
    /// Which process.
    pub label: String,
    /// None where it was not read.
    pub mib: Option<f64>,
}

/// A figure without a process of its own is that of the largest.
struct Group<'a> {
    name: &'a str,
    mib: Vec<Option<f64>>,
}

impl Memory {
    /// The chart.
    #[must_use]
    pub fn chart(&self) -> Chart {
        chart(&self.title, &[&self.description, &self.facts()], |canvas| self.draw(canvas))
    }

    /// The processes, if they can all be shown.
    fn processes(&self) -> Vec<&str> {
        let longest = self.phases.iter().max_by_key(|phase| phase.bars.len());
        let names: Vec<&str> =
            longest.into_iter().flat_map(|it| &it.bars).map(|bar| bar.label.as_str()).collect();
        if names.len() > MOST_BARS { Vec::new() } else { names }
    }

    fn groups(&self) -> Vec<Group<'_>> {
        let most = self.phases.iter().map(|phase| phase.bars.len()).max().unwrap_or(0);
        let mib = |phase: &MemoryPhase| -> Vec<Option<f64>> {
            let figures = phase.bars.iter().map(|bar| drawable(bar.mib).filter(|mib| *mib >= 0.0));
            if most > MOST_BARS { vec![largest(figures)] } else { figures.collect() }
        };
        self.phases.iter().map(|phase| Group { name: &phase.name, mib: mib(phase) }).collect()
    }

    fn facts(&self) -> String {
        let largest_of = |group: &Group<'_>| {
            let mib = largest(group.mib.iter().copied())?;
            Some(format!("{} {} MiB", group.name, four_digits(mib)))
        };
        let facts: Vec<String> = self.groups().iter().filter_map(largest_of).collect();
        if facts.is_empty() { "No figures.".to_owned() } else { format!("At most: {}.", facts.join("; ")) }
    }

    fn draw(&self, canvas: &Canvas<'_>) -> f64 {
        let measure = measure(&format!("{}, MiB", self.metric), Some(Direction::Lower));
        let groups = self.groups();
        let figures: Vec<f64> = groups.iter().flat_map(|group| group.mib.iter().flatten().copied()).collect();
        // A little more than the highest bar, for the number on it.
        let axis = axis_from_zero(figures.iter().map(|mib| mib * 1.05), 5).filter(|_| !figures.is_empty());
        let Some(axis) = axis else { return nothing(canvas, &measure, "no figures") };
        let processes = self.processes();
        let mut legend = Vec::new();
        if processes.len() > 1 {
            let named = processes.iter().zip((0..).map_while(Role::prompt));
            legend.extend(named.map(|(name, role)| entry(Sign::Block(role), fitted(name, 160.0))));
        } else if processes.is_empty() {
            let count = self.phases.iter().map(|phase| phase.bars.len()).max().unwrap_or(0);
            legend.push(entry(Sign::Block(Role::Prompt1), format!("the largest of {count} processes")));
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
    use super::super::tests::{check, count, texts};
    use super::*;

    fn memory() -> Memory {
        let phase = |name: &str, mib: [f64; 3]| MemoryPhase {
            name: name.to_owned(),
            bars: (1..)
                .zip(mib)
                .map(|(at, mib)| MemoryBar { label: format!("process {at}"), mib: Some(mib) })
                .collect(),
        };
        Memory {
            title: "Memory".to_owned(),
            description: String::new(),
            metric: "resident memory, peak".to_owned(),
            phases: vec![
                phase("load", [13_200.0, 13_210.0, 13_190.0]),
                phase("prefill", [12_100.0, 12_000.0, 12_050.0]),
                phase("decode", [11_900.0, 11_950.0, 11_925.0]),
            ],
        }
    }

    #[test]
    fn every_phase_has_its_group_and_its_largest_figure() {
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
        assert_eq!(chart.description, "At most: load 13210 MiB; prefill 12100 MiB; decode 11950 MiB.");
    }

    #[test]
    fn of_many_processes_the_largest_is_shown() {
        let mut memory = memory();
        for phase in &mut memory.phases {
            phase.bars =
                (0..20).map(|at| MemoryBar { label: at.to_string(), mib: Some(f64::from(at)) }).collect();
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
            memory.phases[0].bars[1].mib = mib;
            let chart = memory.chart();
            check(&chart);
            assert_eq!(count(&chart.wide, "rect", Role::Prompt2.drawn()), 2);
        }
    }

    #[test]
    fn odd_figures_are_no_obstacle() {
        let mut without = memory();
        without.phases.clear();
        check(&without.chart());
        assert!(texts(&without.chart().wide).contains(&"no figures".to_owned()));
        for mib in [0.0, 1e99, 1e-9] {
            let mut memory = memory();
            memory.phases[0].name = "<script>".repeat(30);
            memory.phases.iter_mut().flat_map(|phase| &mut phase.bars).for_each(|bar| bar.mib = Some(mib));
            check(&memory.chart());
        }
    }
}
