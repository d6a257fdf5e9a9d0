//! The pace of a soak over time, and what the machine reported meanwhile.

use crate::judge::soak::{SoakResult, SoakWindow};
use crate::measure::{Direction, Metric};
use crate::report::chart::axis::{axis, axis_from_zero};
use crate::report::chart::layout::{entry, measure};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, sentence};

/// The windows of a soak.
#[derive(Debug, Clone, PartialEq)]
pub struct SoakChart<'a> {
    /// What it shows.
    pub title: String,
    /// The windows.
    pub result: &'a SoakResult,
}

impl SoakChart<'_> {
    /// The chart.
    pub fn chart(&self) -> Chart {
        let changes = self.result.changes.iter().map(|change| {
            format!(
                "from {:.1} to {:.1} ms after {:.1} min",
                change.before_ms,
                change.after_ms,
                change.at_s / 60.0
            )
        });
        let changes = sentence(changes);
        let said = [
            "The time per output token over time, with what the machine reported below it; changes of the pace:",
            if self.result.changes.is_empty() { "none." } else { &changes },
        ];
        let up = measure(Metric::TimePerOutputToken.unit(), Direction::Lower);
        chart(&self.title, &said, &up, "no window has a speed", |form| self.plot(form))
    }

    fn plot(&self, form: Form) -> Option<Plot> {
        let last_min = self.result.windows.last()?.at_s / 60.0;
        let columns = axis_from_zero([last_min].into_iter(), form.pick(8, 4))?;
        let mut layers = vec![self.line(|window| Some(window.tpot_ms))];
        layers.extend(
            self.result
                .changes
                .iter()
                .map(|change| Layer::Upright(Sign::Diamond(Role::Warn), Role::Warn, change.at_s / 60.0)),
        );
        let tpot = axis_from_zero(self.result.windows.iter().map(|window| window.tpot_ms), 6)?;
        let mut panels = vec![Panel { title: None, axis: tpot, height: form.pick(200.0, 160.0), layers }];
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        for (title, of) in [
            ("chip, degrees Celsius", (|window| window.celsius) as fn(&SoakWindow) -> Option<f64>),
            ("GPU clock, MHz", |window| window.gpu_mhz),
            ("package power, W", |window| window.watts),
        ] {
            panels.extend(self.panel(form, title, of));
        }
        panels.extend(self.panel(form, "peak memory, MiB", |window| window.peak_rss_bytes.map(mebibytes)));
        let mut legend =
            vec![entry(Sign::Line(Role::Prompt1, 2.0), "windows of whole passes over the prompts")];
        if !self.result.changes.is_empty() {
            legend.push(entry(Sign::Diamond(Role::Warn), "the pace changed"));
        }
        Some(Plot {
            legend,
            across: (columns.low, columns.high),
            inset: 8.0,
            labels: columns.ticks.into_iter().map(|tick| (tick.value, tick.label)).collect(),
            panels,
            meaning: vec!["minutes; a gap is the pause or the restart".to_owned()],
            ..Plot::default()
        })
    }

    /// A panel of what was observed at some window; None where it was at none.
    fn panel(&self, form: Form, title: &str, of: impl Fn(&SoakWindow) -> Option<f64>) -> Option<Panel> {
        let axis = axis(self.result.windows.iter().filter_map(&of), 3)?;
        let layers = vec![self.line(of)];
        Some(Panel { title: Some(title.to_owned()), axis, height: form.pick(80.0, 70.0), layers })
    }

    fn line(&self, of: impl Fn(&SoakWindow) -> Option<f64>) -> Layer {
        let mut points: Vec<Option<(f64, f64)>> = Vec::new();
        let mut before: Option<&SoakWindow> = None;
        for window in &self.result.windows {
            let stretch = |window: &SoakWindow| (window.process, window.is_after_pause);
            if before.is_some_and(|before| stretch(before) != stretch(window)) {
                points.push(None);
            }
            points.push(of(window).map(|value| (window.at_s / 60.0, value)));
            before = Some(window);
        }
        Layer::Line { role: Role::Prompt1, width: 2.0, points, is_marked: false }
    }
}
