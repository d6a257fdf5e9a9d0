//! What each of several arms costs across, and on a logarithmic axis how far its output moved.

use crate::report::chart::axis::{Axis, Tick, axis_from_zero, is_drawable};
use crate::report::chart::layout::entry;
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, not_drawn, sentence};

/// Smaller values stand on the axis's lower end.
const LEAST: f64 = 1e-9;
/// Labels nearer to each other than this share of the chart's width and height are not both drawn.
const LABEL_ROOM: [f64; 2] = [0.06, 0.09];

/// Arms by a cost and by how far their output moved.
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    /// What it shows.
    pub title: &'static str,
    /// What the horizontal axis is, with its unit and which way is better.
    pub across: &'static str,
    /// What the vertical axis is.
    pub up: &'static str,
    /// The kinds of points, by their place; at most three.
    pub kinds: Vec<&'static str>,
    /// In the order of their numbers.
    pub points: Vec<ScatterPoint>,
}

/// One arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterPoint {
    /// Its number in the tables, from 1.
    pub number: usize,
    /// Its name, for those who do not see the chart.
    pub name: String,
    /// Its kind, by its place.
    pub kind: usize,
    /// Where it stands across.
    pub across: f64,
    /// How far its output moved.
    pub up: f64,
}

impl Scatter {
    /// The chart.
    pub fn chart(&self) -> Chart {
        let drawn: Vec<&ScatterPoint> =
            self.points.iter().filter(|it| is_drawable(it.across) && is_drawable(it.up)).collect();
        let named = drawn.iter().map(|it| format!("{} is {}", it.number, it.name));
        let left_out = not_drawn(self.points.len() - drawn.len(), "arm");
        let facts = sentence(named.chain(left_out));
        let said = ["Points are numbered as the rows of the tables:", &facts];
        chart(self.title, &said, self.up, "no arm has both values", |form| self.plot(form, &drawn))
    }

    fn plot(&self, form: Form, drawn: &[&ScatterPoint]) -> Option<Plot> {
        let columns = axis_from_zero(drawn.iter().map(|it| it.across), form.pick(8, 4))?;
        let axis = decades(drawn.iter().map(|it| it.up))?;
        let spans = [columns.high - columns.low, axis.high - axis.low];
        let mut layers = Vec::new();
        let mut labelled: Vec<(f64, f64)> = Vec::new();
        for point in drawn {
            let at = (point.across, exponent(point.up));
            layers.push(Layer::Sign(sign(point.kind), at.0, at.1));
            let is_near = |other: &(f64, f64)| {
                (other.0 - at.0).abs() < LABEL_ROOM[0] * spans[0] * form.pick(1.0, 2.0)
                    && (other.1 - at.1).abs() < LABEL_ROOM[1] * spans[1]
            };
            if !labelled.iter().any(is_near) {
                layers.push(Layer::Text(at.0, at.1, point.number.to_string()));
                labelled.push(at);
            }
        }
        let shown = |kind: &usize| drawn.iter().any(|point| point.kind == *kind);
        let kinds = (0..self.kinds.len()).filter(shown);
        Some(Plot {
            legend: kinds.map(|kind| entry(sign(kind), self.kinds[kind])).collect(),
            across: (columns.low, columns.high),
            inset: 12.0,
            labels: columns.ticks.into_iter().map(|tick| (tick.value, tick.label)).collect(),
            panels: vec![Panel { title: None, axis, height: form.pick(260.0, 220.0), layers }],
            meaning: vec![self.across.to_owned()],
            ..Plot::default()
        })
    }
}

fn sign(kind: usize) -> Sign {
    match kind {
        0 => Sign::Disc(Role::Prompt1),
        1 => Sign::Diamond(Role::Prompt2),
        _ => Sign::Up(Role::Prompt3),
    }
}

fn exponent(value: f64) -> f64 {
    value.max(LEAST).log10()
}

/// Powers of ten around the values.
fn decades(values: impl Iterator<Item = f64>) -> Option<Axis> {
    let exponents: Vec<f64> = values.map(exponent).collect();
    let low = exponents.iter().copied().reduce(f64::min)?.floor();
    let high = exponents.iter().copied().reduce(f64::max)?.ceil().max(low + 1.0);
    let count = (high - low).round();
    let every = if count > 6.0 { 2.0 } else { 1.0 };
    let mut ticks = Vec::new();
    let mut value = low;
    while value <= high {
        ticks.push(Tick { value, label: format!("1e{value:.0}") });
        value += every;
    }
    Some(Axis { low, high, ticks })
}
