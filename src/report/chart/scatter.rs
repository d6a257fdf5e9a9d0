//! What each arm of an experiment on the KV cache costs across, and on a logarithmic axis how far its output moved.

use crate::judge::kv::KvArm;
use crate::measure::kv::KvMethod;
use crate::report::chart::axis::{Axis, axis_from_zero, is_drawable};
use crate::report::chart::layout::entry;
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, not_drawn, sentence};

/// Smaller values stand on the axis's lower end.
const LEAST: f64 = 1e-9;
/// Labels nearer to each other than this share of the chart's width and height are not both drawn.
const LABEL_ROOM: [f64; 2] = [0.06, 0.09];
/// The kinds of points: where the cache is changed.
const KINDS: [(&str, Sign); 3] = [
    ("between steps", Sign::Disc(Role::Prompt1)),
    ("in the graph", Sign::Diamond(Role::Prompt2)),
    ("by the plugin", Sign::Up(Role::Prompt3)),
];
/// A label below its point stands so much lower than one above it, as a share of the chart's height.
const BELOW: f64 = 0.13;

/// An arm by its cost and by how far its distributions moved.
struct Point<'a> {
    arm: &'a KvArm,
    /// In the tables, from 1.
    number: usize,
    across: f64,
    up: f64,
}

/// The arms by this cost, whose measure says its unit and which way is better; None where no arm has both values.
pub(in crate::report) fn agreement_chart(
    title: &str,
    measure: &str,
    arms: &[KvArm],
    cost: fn(&KvArm) -> Option<f64>,
) -> Option<Chart> {
    let point = |(arm, number)| {
        let (across, up) = (cost(arm)?, arm.teacher_forced?.mean_kl_nats);
        Some(Point { arm, number, across, up })
    };
    let all: Vec<Point<'_>> = arms.iter().zip(1..).filter_map(point).collect();
    let drawn: Vec<&Point<'_>> =
        all.iter().filter(|it| is_drawable(it.across) && is_drawable(it.up)).collect();
    let named = drawn.iter().map(|it| format!("{} is {}", it.number, it.arm.arm));
    let facts = sentence(named.chain(not_drawn(all.len() - drawn.len(), "arm")));
    let said = ["Points are numbered as the rows of the tables:", &facts];
    let up = "mean KL divergence, nats, lower is better";
    let draw = |form| plot(form, measure, &drawn);
    (!all.is_empty()).then(|| chart(title, &said, up, "no arm has both values", draw))
}

fn plot(form: Form, measure: &str, drawn: &[&Point<'_>]) -> Option<Plot> {
    let columns = axis_from_zero(drawn.iter().map(|it| it.across), form.pick(8, 4))?;
    let axis = decades(drawn.iter().map(|it| it.up))?;
    let spans = [columns.high - columns.low, axis.high - axis.low];
    let mut layers = Vec::new();
    let mut labelled: Vec<(f64, f64)> = Vec::new();
    for point in drawn {
        let at = (point.across, exponent(point.up));
        layers.push(Layer::Sign(KINDS[kind(point.arm)].1, at.0, at.1));
        let is_near = |one: (f64, f64), other: (f64, f64)| {
            (other.0 - one.0).abs() < LABEL_ROOM[0] * spans[0] * form.pick(1.0, 2.0)
                && (other.1 - one.1).abs() < LABEL_ROOM[1] * spans[1]
        };
        let below = (at.0, at.1 - BELOW * spans[1]);
        let places = [at, below].into_iter().filter(|place| place.1 >= axis.low);
        let free = places.into_iter().find(|place| !labelled.iter().any(|it| is_near(*it, *place)));
        if let Some(place) = free {
            layers.push(Layer::Text(place.0, place.1, point.number.to_string()));
            labelled.push(place);
        }
    }
    let shown = (0..KINDS.len()).filter(|shown| drawn.iter().any(|point| kind(point.arm) == *shown));
    Some(Plot {
        legend: shown.map(|kind| entry(KINDS[kind].1, KINDS[kind].0)).collect(),
        across: (columns.low, columns.high),
        inset: 12.0,
        labels: columns.ticks,
        panels: vec![Panel { title: None, axis, height: form.pick(260.0, 220.0), layers }],
        meaning: vec![measure.to_owned()],
        ..Plot::default()
    })
}

/// The place of an arm's kind.
fn kind(arm: &KvArm) -> usize {
    match arm.method {
        KvMethod::Unchanged | KvMethod::States => 0,
        KvMethod::Graph => 1,
        KvMethod::Plugin => 2,
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
    let every = if (high - low).round() > 6.0 { 2.0 } else { 1.0 };
    let mut ticks = Vec::new();
    let mut value = low;
    while value <= high {
        ticks.push((value, format!("1e{value:.0}")));
        value += every;
    }
    Some(Axis { low, high, ticks })
}
