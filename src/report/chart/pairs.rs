//! The pairs of an A/B: what each showed, and what they show together.

use crate::measure::Direction;
use crate::record::Side;
use crate::report::chart::axis::{Axis, Columns, axis, drawable, mean, middle};
use crate::report::chart::layout::{Entry, entry, fitted, measure};
use crate::report::chart::palette::Role;
use crate::report::chart::plot::{Layer, Panel, Plot};
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, Form, chart, sentence};
use crate::report::decision::PairLine;
use crate::report::number::{counted, signed_percent};

/// Pairs of the time per output token, in the order in which they ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs<'a> {
    /// One after the other.
    pub pairs: &'a [PairLine],
    /// From where on a change counts.
    pub thresholds: Vec<Threshold>,
    /// Of the mean of the pairs, if there were enough.
    pub interval: Option<Interval>,
}

/// A line that a change must not cross.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What lies beyond it, as in "fails above".
    pub label: &'static str,
    /// Percent.
    pub percent: f64,
}

/// The mean change with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// What it is, as in "mean, 95 %".
    pub label: String,
    /// Percent.
    pub low_percent: f64,
    /// Percent.
    pub mean_percent: f64,
    /// Percent.
    pub high_percent: f64,
}

impl Interval {
    fn is_drawable(&self) -> bool {
        [self.low_percent, self.mean_percent, self.high_percent]
            .into_iter()
            .all(|it| drawable(Some(it)).is_some())
    }

    fn words(&self) -> String {
        let [low, mean, high] = [self.low_percent, self.mean_percent, self.high_percent].map(signed_percent);
        format!("{}: {mean} ({low} to {high})", self.label)
    }
}

impl Pairs<'_> {
    /// The chart.
    pub fn chart(&self) -> Chart {
        let said = ["The head against the base beside it; above 0 the head is slower.", &self.facts()];
        let measure = measure("change of time per output token, head against base, %", Direction::Lower);
        chart("Pairs", &said, &measure, "no pairs with a figure", |form| self.plot(form))
    }

    fn interval(&self) -> Option<&Interval> {
        self.interval.as_ref().filter(|interval| interval.is_drawable())
    }

    /// Of the pairs, their interval and zero. A threshold that is far away does not press them flat: it is
    /// named in the legend with its value.
    pub(super) fn axis(&self) -> Option<Axis> {
        let pairs = self.pairs.iter().filter_map(|pair| drawable(pair.difference_percent));
        let interval = self.interval().into_iter().flat_map(|it| [it.low_percent, it.high_percent]);
        let ours = pairs.chain(interval);
        ours.clone().next()?;
        let reach = ours.clone().map(f64::abs).fold(0.0, f64::max).max(0.5);
        let thresholds = self.thresholds.iter().map(|it| it.percent).filter(|it| it.abs() <= 4.0 * reach);
        // Equal room for better and for worse would waste it; a little on both sides of zero does not.
        axis(ours.chain(thresholds).chain([-0.1 * reach, 0.1 * reach]), 6)
    }

    fn facts(&self) -> String {
        if self.axis().is_none() {
            return "No pairs with a value.".to_owned();
        }
        let invalidated = self.pairs.iter().filter(|pair| pair.invalidated_by.is_some()).count();
        let mut facts = vec![counted(self.pairs.len(), "pair")];
        facts.extend((invalidated > 0).then(|| format!("{invalidated} invalidated")));
        facts.extend(self.interval().map(Interval::words));
        facts.extend(self.thresholds.iter().map(Threshold::words));
        sentence(facts)
    }

    fn legend(&self, is_shared: bool) -> Vec<Entry> {
        let mut legend = Vec::new();
        if is_shared {
            legend.push(entry(Sign::Disc(Role::Base), "mean of neighbouring pairs"));
        } else {
            for (first, is_invalidated, words) in [
                (Side::Base, false, "base ran first"),
                (Side::Head, false, "head ran first"),
                (Side::Base, true, "invalidated, base first"),
                (Side::Head, true, "invalidated, head first"),
            ] {
                let is_one =
                    |pair: &PairLine| pair.first == first && pair.invalidated_by.is_some() == is_invalidated;
                let is_there = self.pairs.iter().any(is_one);
                legend.extend(is_there.then(|| entry(sign(first, is_invalidated), words)));
            }
        }
        legend.extend(self.interval().map(|it| entry(Sign::Line(Role::Mean, 4.0), it.words())));
        let threshold = Sign::Line(Role::Reference, 1.5);
        legend.extend(self.thresholds.iter().map(|it| entry(threshold, it.words())));
        legend
    }

    fn plot(&self, form: Form) -> Option<Plot> {
        let axis = self.axis()?;
        let columns = Columns::new(self.pairs.len(), form.pick(70, 26));
        // A single pair is in the middle.
        let span = self.pairs.len().saturating_sub(1).max(1) as f64;
        let place = |x: f64| if self.pairs.len() > 1 { x } else { 0.5 };
        // To the right of the pairs, the interval has a share of the width, and both sides have a margin.
        let margin = span * form.pick(0.03, 0.08);
        let room = if self.interval().is_some() { span * form.pick(0.08, 0.24) } else { 0.0 };
        let shade = (span + margin, span + margin + room);
        let mut layers = Vec::new();
        if self.interval().is_some() {
            layers.push(Layer::Shade(shade.0, shade.1));
        }
        layers.push(Layer::Level(Role::Ink, 0.0));
        let near = self.thresholds.iter().filter(|it| (axis.low..=axis.high).contains(&it.percent));
        layers.extend(near.map(|threshold| Layer::Level(Role::Reference, threshold.percent)));
        let mut labels = Vec::new();
        for range in columns.ranges() {
            let x = place(middle(&range));
            let shown = &self.pairs[range.clone()];
            labels.push((x, (range.start + 1).to_string()));
            let counting = shown.iter().filter(|pair| !columns.are_shared() || pair.invalidated_by.is_none());
            let percent = mean(counting.map(|pair| drawable(pair.difference_percent)));
            let sign = match shown {
                [pair] if !columns.are_shared() => sign(pair.first, pair.invalidated_by.is_some()),
                _ => Sign::Disc(Role::Base),
            };
            layers.extend(percent.map(|percent| Layer::Sign(sign, x, percent)));
        }
        // A number for every pair is more than is read.
        let every = labels.len().div_ceil(form.pick(20, 8)).max(1);
        let mut labels: Vec<(f64, String)> = labels.into_iter().step_by(every).collect();
        if let Some(it) = self.interval() {
            let x = f64::midpoint(shade.0, shade.1);
            layers.push(Layer::Interval(x, [it.low_percent, it.mean_percent, it.high_percent]));
            labels.push((x, "mean".to_owned()));
        }
        let shared =
            columns.are_shared().then(|| format!("each sign: up to {} pairs", columns.most_in_one()));
        Some(Plot {
            legend: self.legend(columns.are_shared()),
            is_off_zero: !axis.has_zero(),
            across: (-margin, shade.1),
            panels: vec![Panel { title: None, axis, height: form.pick(200.0, 180.0), layers }],
            labels,
            meaning: [Some("pair, in the order of the run".to_owned()), shared]
                .into_iter()
                .flatten()
                .collect(),
            ..Plot::default()
        })
    }
}

impl Threshold {
    fn words(&self) -> String {
        fitted(&format!("{} {}", self.label, signed_percent(self.percent)), 260.0)
    }
}

/// Circles and squares on their corner differ without colour; what does not count is empty and crossed out.
fn sign(first: Side, is_invalidated: bool) -> Sign {
    match (first, is_invalidated) {
        (Side::Base, false) => Sign::Disc(Role::Base),
        (Side::Head, false) => Sign::Diamond(Role::Head),
        (Side::Base, true) => Sign::CrossedRing(Role::Muted),
        (Side::Head, true) => Sign::CrossedDiamond(Role::Muted),
    }
}
