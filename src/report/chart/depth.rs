//! The cost of a token over the number of tokens before it.

use crate::judge::DepthGrowth;
use crate::measure::{Direction, Metric};
use crate::report::chart::axis::axis_from_zero;
use crate::report::chart::layout::{entry, measure};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, sentence};

const ON_THE_LINE: Sign = Sign::Disc(Role::Prompt1);
const OFF_THE_LINE: Sign = Sign::Diamond(Role::Warn);

/// The growth of `tpot@1`: the depths and the line through them.
pub(in crate::report) fn depth_chart(title: &str, growth: &DepthGrowth) -> Chart {
    let facts = growth.costs.iter().map(|cost| format!("{}: {:.1} ms", cost.title, cost.tpot_ms));
    let said = [
        "The time per output token at each depth, and the line through the depths that are on it:",
        &sentence(facts),
    ];
    let up = measure(Metric::TimePerOutputToken.unit(), Direction::Lower);
    chart(title, &said, &up, "no depth has a speed", |form| plot(growth, form))
}

fn plot(growth: &DepthGrowth, form: Form) -> Option<Plot> {
    let DepthGrowth { costs, line, leaves_at } = growth;
    let last = costs.last()?.depth_tokens;
    let columns = axis_from_zero([last].into_iter(), form.pick(8, 4))?;
    let expected = [0.0, last].map(|depth| (depth, line.at(depth)));
    let heights = costs.iter().map(|cost| cost.tpot_ms).chain(expected.map(|(_, ms)| ms));
    let axis = axis_from_zero(heights, 6)?;
    let points = expected.into_iter().map(Some).collect();
    let mut layers = vec![Layer::Line { role: Role::Reference, width: 1.5, points, is_marked: false }];
    for (at, cost) in costs.iter().enumerate() {
        let has_left = leaves_at.is_some_and(|left| at >= left);
        let sign = if has_left { OFF_THE_LINE } else { ON_THE_LINE };
        layers.push(Layer::Sign(sign, cost.depth_tokens, cost.tpot_ms));
        layers.push(Layer::Text(cost.depth_tokens, cost.tpot_ms, format!("{:.1}", cost.tpot_ms)));
    }
    let mut legend = vec![entry(ON_THE_LINE, "measured"), entry(Sign::Line(Role::Reference, 1.5), "line")];
    legend.extend(leaves_at.map(|_| entry(OFF_THE_LINE, "off the line")));
    Some(Plot {
        legend,
        across: (columns.low, columns.high),
        inset: 16.0,
        labels: columns.ticks,
        panels: vec![Panel { title: None, axis, height: form.pick(240.0, 200.0), layers }],
        meaning: vec!["tokens before the one that is made, in the middle of the answer".to_owned()],
        ..Plot::default()
    })
}
