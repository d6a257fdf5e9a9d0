//! The pairs of an A/B: what each showed, and what they show together.

use crate::measure::Direction;
use crate::record::{ComparisonRecord, Side};
use crate::report::chart::axis::{Axis, Columns, axis, drawable, is_drawable, mean, middle};
use crate::report::chart::layout::{entry, fitted, measure};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, sentence};
use crate::report::decision::PairLine;
use crate::report::number::{change_percent, counted, signed_percent};

/// What lies beyond a change of so many percent, as in "fails above".
pub(super) type Threshold = (&'static str, f64);

pub(super) struct Pairs<'a> {
    lines: &'a [PairLine],
    thresholds: &'a [Threshold],
    /// Of their mean: low, mean and high percent, and in words.
    interval: Option<([f64; 3], String)>,
}

/// Pairs of the time per output token, in the order in which they ran, with the comparison of their mean, if there were
/// enough.
pub(in crate::report) fn pairs_chart(
    pairs: &[PairLine],
    thresholds: &[Threshold],
    mean: Option<&ComparisonRecord>,
) -> Chart {
    let pairs = Pairs::new(pairs, thresholds, mean);
    let said = ["The head against the base beside it; above 0 the head is slower.", &pairs.facts()];
    let measure = measure("change of time per output token, head against base, %", Direction::Lower);
    chart("Pairs", &said, &measure, "no pairs with a figure", |form| pairs.plot(form))
}

impl<'a> Pairs<'a> {
    pub(super) fn new(
        lines: &'a [PairLine],
        thresholds: &'a [Threshold],
        mean: Option<&ComparisonRecord>,
    ) -> Self {
        let interval = mean.and_then(|it| {
            let ends = [it.lower, it.ratio, it.upper].map(change_percent);
            let [low, mean, high] = ends.map(signed_percent);
            let words = format!("mean of {}: {mean} ({low} to {high})", counted(it.pairs, "pair"));
            ends.into_iter().all(is_drawable).then_some((ends, words))
        });
        Self { lines, thresholds, interval }
    }

    /// Of the pairs, their interval and zero. A threshold that is far away does not press them flat: it is
    /// named in the legend with its value.
    pub(super) fn axis(&self) -> Option<Axis> {
        let pairs = self.lines.iter().filter_map(|pair| drawable(pair.difference_percent));
        let interval = self.interval.iter().flat_map(|([low, _, high], _)| [*low, *high]);
        let ours = pairs.chain(interval);
        ours.clone().next()?;
        let reach = ours.clone().map(f64::abs).fold(0.0, f64::max).max(0.5);
        let thresholds = self.thresholds.iter().map(|it| it.1).filter(|it| it.abs() <= 4.0 * reach);
        // Equal room for better and for worse would waste it; a little on both sides of zero does not.
        axis(ours.chain(thresholds).chain([-0.1 * reach, 0.1 * reach]), 6)
    }

    fn thresholds(&self) -> impl Iterator<Item = String> {
        let words =
            |(label, percent): &Threshold| fitted(&format!("{label} {}", signed_percent(*percent)), 260.0);
        self.thresholds.iter().map(words)
    }

    fn facts(&self) -> String {
        if self.axis().is_none() {
            return "No pairs with a value.".to_owned();
        }
        let invalidated = self.lines.iter().filter(|pair| pair.invalidated_by.is_some()).count();
        let mut facts = vec![counted(self.lines.len(), "pair")];
        facts.extend((invalidated > 0).then(|| format!("{invalidated} invalidated")));
        facts.extend(self.interval.iter().map(|(_, words)| words.clone()));
        facts.extend(self.thresholds());
        sentence(facts)
    }

    fn plot(&self, form: Form) -> Option<Plot> {
        let axis = self.axis()?;
        let columns = Columns::new(self.lines.len(), form.pick(70, 26));
        let is_shared = columns.are_shared();
        // A single pair is in the middle.
        let span = self.lines.len().saturating_sub(1).max(1) as f64;
        let place = |x: f64| if self.lines.len() > 1 { x } else { 0.5 };
        // To the right of the pairs, the interval has a share of the width, and both sides have a margin.
        let margin = span * form.pick(0.03, 0.08);
        let room = if self.interval.is_some() { span * form.pick(0.08, 0.24) } else { 0.0 };
        let shade = (span + margin, span + margin + room);
        let mut layers: Vec<Layer> = self.interval.iter().map(|_| Layer::Shade(shade.0, shade.1)).collect();
        layers.push(Layer::Level(Role::Ink, 0.0));
        let near = self.thresholds.iter().filter(|it| (axis.low..=axis.high).contains(&it.1));
        layers.extend(near.map(|(_, percent)| Layer::Level(Role::Reference, *percent)));
        let mut labels = Vec::new();
        for range in columns.ranges() {
            let x = place(middle(&range));
            let shown = &self.lines[range.clone()];
            labels.push((x, (range.start + 1).to_string()));
            let counting = shown.iter().filter(|pair| !is_shared || pair.invalidated_by.is_none());
            let percent = mean(counting.map(|pair| drawable(pair.difference_percent)));
            let sign = if is_shared { SHARED.0 } else { sign_of(&shown[0]).0 };
            layers.extend(percent.map(|percent| Layer::Sign(sign, x, percent)));
        }
        // A number for every pair is more than is read.
        let every = labels.len().div_ceil(form.pick(20, 8)).max(1);
        let mut labels: Vec<(f64, String)> = labels.into_iter().step_by(every).collect();
        let mut legend: Vec<_> = if is_shared {
            vec![entry(SHARED.0, SHARED.1)]
        } else {
            let is_there = |sign: &&(Sign, &str)| self.lines.iter().any(|pair| sign_of(pair).1 == sign.1);
            SIGNS.iter().filter(is_there).map(|(sign, words)| entry(*sign, *words)).collect()
        };
        if let Some((ends, words)) = &self.interval {
            let x = f64::midpoint(shade.0, shade.1);
            layers.push(Layer::Interval(x, *ends));
            labels.push((x, "mean".to_owned()));
            legend.push(entry(Sign::Line(Role::Mean, 4.0), words));
        }
        legend.extend(self.thresholds().map(|words| entry(Sign::Line(Role::Reference, 1.5), words)));
        let shared = is_shared.then(|| format!("each sign: up to {} pairs", columns.most_in_one()));
        let meaning = [Some("pair, in the order of the run".to_owned()), shared];
        Some(Plot {
            legend,
            is_off_zero: !axis.has_zero(),
            across: (-margin, shade.1),
            panels: vec![Panel { title: None, axis, height: form.pick(200.0, 180.0), layers }],
            labels,
            meaning: meaning.into_iter().flatten().collect(),
            ..Plot::default()
        })
    }
}

const SHARED: (Sign, &str) = (Sign::Disc(Role::Base), "mean of neighbouring pairs");
/// Circles and squares on their corner differ without colour; what does not count is empty and crossed out.
const SIGNS: [(Sign, &str); 4] = [
    (Sign::Disc(Role::Base), "base ran first"),
    (Sign::Diamond(Role::Head), "head ran first"),
    (Sign::CrossedRing(Role::Muted), "invalidated, base first"),
    (Sign::CrossedDiamond(Role::Muted), "invalidated, head first"),
];

fn sign_of(pair: &PairLine) -> (Sign, &'static str) {
    SIGNS[2 * usize::from(pair.invalidated_by.is_some()) + usize::from(pair.first == Side::Head)]
}
