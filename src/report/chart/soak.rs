//! The pace of a soak over time, and what the machine reported meanwhile.

use crate::judge::soak::{SoakResult, SoakWindow};
use crate::measure::{Direction, Metric};
use crate::report::chart::axis::{axis, axis_from_zero};
use crate::report::chart::layout::{entry, measure};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, sentence};

const CHANGE: Sign = Sign::Diamond(Role::Warn);

/// What is observed at a window, where it is observed.
type Observed = fn(&SoakWindow) -> Option<f64>;

/// Below the pace, each in a panel of its own.
const PANELS: [(&str, Observed); 4] = [
    ("chip, degrees Celsius", |window| window.celsius),
    ("GPU clock, MHz", |window| window.gpu_mhz),
    ("package power, W", |window| window.watts),
    ("peak memory, MiB", |window| Some(window.peak_rss_bytes? as f64 / f64::from(1 << 20))),
];

/// The windows of a soak.
pub(in crate::report) fn soak_chart(title: &str, result: &SoakResult) -> Chart {
    let changes = result.changes.iter().map(|change| {
        let after_min = change.at_s / 60.0;
        format!("from {:.1} to {:.1} ms after {after_min:.1} min", change.before_ms, change.after_ms)
    });
    let changes = if result.changes.is_empty() { "none.".to_owned() } else { sentence(changes) };
    let said = [
        "The time per output token over time, with what the machine reported below it; changes of the pace:",
        &changes,
    ];
    let up = measure(Metric::TimePerOutputToken.unit(), Direction::Lower);
    chart(title, &said, &up, "no window has a speed", |form| plot(result, form))
}

fn plot(result: &SoakResult, form: Form) -> Option<Plot> {
    let windows = &result.windows;
    let columns = axis_from_zero([windows.last()?.at_s / 60.0].into_iter(), form.pick(8, 4))?;
    let tpot = axis_from_zero(windows.iter().map(|window| window.tpot_ms), 6)?;
    let changes = result.changes.iter().map(|it| Layer::Upright(CHANGE, Role::Warn, it.at_s / 60.0));
    let layers = [line(windows, |window| Some(window.tpot_ms))].into_iter().chain(changes).collect();
    let mut panels = vec![Panel { title: None, axis: tpot, height: form.pick(200.0, 160.0), layers }];
    panels.extend(PANELS.into_iter().filter_map(|(title, of)| {
        // Of what was observed at no window there is none.
        let axis = axis(windows.iter().filter_map(of), 3)?;
        let (title, height) = (Some(title.to_owned()), form.pick(80.0, 70.0));
        Some(Panel { title, axis, height, layers: vec![line(windows, of)] })
    }));
    let mut legend = vec![entry(Sign::Line(Role::Prompt1, 2.0), "windows of whole passes over the prompts")];
    legend.extend(result.changes.first().map(|_| entry(CHANGE, "the pace changed")));
    Some(Plot {
        legend,
        across: (columns.low, columns.high),
        inset: 8.0,
        labels: columns.ticks,
        panels,
        meaning: vec!["minutes; a gap is the pause or the restart".to_owned()],
        ..Plot::default()
    })
}

fn line(windows: &[SoakWindow], of: Observed) -> Layer {
    let stretch = |window: &SoakWindow| (window.process, window.is_after_pause);
    let mut points: Vec<Option<(f64, f64)>> = Vec::new();
    for run in windows.chunk_by(|before, window| stretch(before) == stretch(window)) {
        if !points.is_empty() {
            points.push(None);
        }
        points.extend(run.iter().map(|window| Some((window.at_s / 60.0, of(window)?))));
    }
    Layer::Line { role: Role::Prompt1, width: 2.0, points, is_marked: false }
}
