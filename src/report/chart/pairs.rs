//! The pairs of an A/B: what each showed, and what they show together.

#[cfg(test)]
mod tests;

use crate::measure::Direction;

use super::super::number::{counted, signed_percent};
use super::canvas::{Canvas, Frame, at};
use super::columns::{Columns, mean, middle};
use super::layout::{EDGE, Entry, Label, Scale, entry, footer, header, nothing, numbers_width, rows};
use super::lettering::{LINE_HEIGHT, fitted, width};
use super::palette::Role;
use super::signs::Sign;
use super::ticks::{Axis, axis, drawable};
use super::{Chart, chart};

/// To the right of the pairs, the interval has so much room, px.
const INTERVAL_ROOM: f64 = 44.0;

/// Pairs of one metric, in the order in which they ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    /// For the heading.
    pub title: String,
    /// What the page says of it.
    pub description: String,
    /// What changed, as in "time per token".
    pub metric: String,
    /// Which way is better, if one is.
    pub better: Option<Direction>,
    /// One after the other.
    pub pairs: Vec<PairPoint>,
    /// From where on a change counts.
    pub thresholds: Vec<Threshold>,
    /// Of the mean of the pairs, if there were enough.
    pub interval: Option<Interval>,
}

/// One pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairPoint {
    /// Head against base; none where it has no figure.
    pub percent: Option<f64>,
    /// Which side ran first.
    pub order: PairOrder,
    /// Whether it does not count.
    pub is_invalidated: bool,
}

/// Which side of a pair ran first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairOrder {
    /// Without the change first.
    BaseFirst,
    /// With the change first.
    HeadFirst,
}

/// A line that a change must not cross.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What lies beyond it, as in "fails above".
    pub label: String,
    /// Percent.
    pub percent: f64,
}

/// What the mean change is, as far as the pairs can tell.
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

impl Pairs {
    /// The chart.
    #[must_use]
    pub fn chart(&self) -> Chart {
        chart(&self.title, &[&self.description, &self.facts()], |canvas| self.draw(canvas))
    }

    fn interval(&self) -> Option<&Interval> {
        self.interval.as_ref().filter(|interval| interval.is_drawable())
    }

    /// Of the pairs, their interval and zero. A threshold that is far away does not press them flat: it is
    /// named in the legend with its figure.
    fn axis(&self) -> Option<Axis> {
        let pairs = self.pairs.iter().filter_map(|pair| drawable(pair.percent));
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
            return "No pairs with a figure.".to_owned();
        }
        let invalidated = self.pairs.iter().filter(|pair| pair.is_invalidated).count();
        let mut facts = vec![counted(self.pairs.len(), "pair")];
        if invalidated > 0 {
            facts.push(format!("{invalidated} invalidated"));
        }
        facts.extend(self.interval().map(Interval::words));
        facts.extend(self.thresholds.iter().map(threshold_words));
        facts.join("; ") + "."
    }

    fn legend(&self, is_shared: bool) -> Vec<Entry> {
        let mut legend = Vec::new();
        if is_shared {
            legend.push(entry(Sign::Disc(Role::Base), "mean of neighbouring pairs"));
        } else {
            for (order, is_invalidated, words) in [
                (PairOrder::BaseFirst, false, "base ran first"),
                (PairOrder::HeadFirst, false, "head ran first"),
                (PairOrder::BaseFirst, true, "invalidated, base first"),
                (PairOrder::HeadFirst, true, "invalidated, head first"),
            ] {
                if self.pairs.iter().any(|pair| pair.order == order && pair.is_invalidated == is_invalidated)
                {
                    legend.push(entry(sign(order, is_invalidated), words));
                }
            }
        }
        if let Some(interval) = self.interval() {
            legend.push(entry(Sign::Line(Role::Mean, 4.0), interval.words()));
        }
        for threshold in &self.thresholds {
            legend.push(entry(Sign::Line(Role::Reference, 1.5), threshold_words(threshold)));
        }
        legend
    }

    fn draw(&self, canvas: &Canvas<'_>) -> f64 {
        let unit = format!("change of {}, head against base, %", self.metric);
        let measure = super::layout::measure(&unit, self.better);
        let Some(axis) = self.axis() else { return nothing(canvas, &measure, "no pairs with a figure") };
        let most = canvas.form.pick(70, 26);
        let columns = Columns::new(self.pairs.len(), most);
        let top = header(canvas, &measure, axis.has_zero(), &self.legend(columns.are_shared())) + 4.0;
        let room = if self.interval().is_some() { INTERVAL_ROOM } else { 0.0 };
        let frame = Frame {
            left: numbers_width(&axis),
            top,
            right: canvas.form.width() - EDGE - 8.0,
            bottom: top + canvas.form.pick(200.0, 180.0),
        };
        let pairs = Frame { left: frame.left + 12.0, right: frame.right - room - 12.0, ..frame };
        if room > 0.0 {
            canvas.block(Role::Shade, Frame { left: frame.right - room, ..frame });
        }
        let up = rows(canvas, &frame, &axis);
        let zero = up.place(0.0);
        canvas.line(Role::Ink, 1.5, &[at(frame.left, zero), at(frame.right, zero)]);
        for threshold in self.thresholds.iter().filter(|it| (axis.low..=axis.high).contains(&it.percent)) {
            let y = up.place(threshold.percent);
            canvas.line(Role::Reference, 1.5, &[at(frame.left, y), at(frame.right, y)]);
        }
        let across = Scale::across(&pairs, 0.0, self.pairs.len().saturating_sub(1) as f64);
        let mut labels = Vec::new();
        for range in columns.ranges() {
            let x = across.place(middle(&range));
            let shown = &self.pairs[range.clone()];
            labels.push(Label { x, text: (range.start + 1).to_string() });
            let counting = shown.iter().filter(|pair| !columns.are_shared() || !pair.is_invalidated);
            let Some(percent) = mean(counting.map(|pair| drawable(pair.percent))) else { continue };
            let sign = match shown {
                [pair] if !columns.are_shared() => sign(pair.order, pair.is_invalidated),
                _ => Sign::Disc(Role::Base),
            };
            sign.draw(canvas, at(x, up.place(percent)));
        }
        if let Some(interval) = self.interval() {
            bar(canvas, interval, frame.right - room / 2.0, &up);
        }
        // A number for every pair is more than is read.
        let every = labels.len().div_ceil(canvas.form.pick(20, 8)).max(1);
        let labels: Vec<Label> = labels.into_iter().step_by(every).collect();
        let shared =
            columns.are_shared().then(|| format!("each sign: up to {} pairs", columns.most_in_one()));
        let bottom = footer(
            canvas,
            &frame,
            frame.bottom,
            &labels,
            &["pair, in the order of the run".to_owned(), shared.unwrap_or_default()],
        );
        if room > 0.0 {
            let words = "mean";
            let middle = (frame.right - room / 2.0).min(canvas.form.width() - EDGE - width(words) / 2.0);
            canvas.text(
                Role::Ink,
                super::canvas::Anchor::Middle,
                at(middle, frame.bottom + 6.0 + LINE_HEIGHT / 2.0),
                words,
            );
        }
        bottom
    }
}

fn threshold_words(threshold: &Threshold) -> String {
    fitted(&format!("{} {}", threshold.label, signed_percent(threshold.percent)), 260.0)
}

/// Circles and squares on their corner differ without colour; what does not count is empty and crossed out.
fn sign(order: PairOrder, is_invalidated: bool) -> Sign {
    match (order, is_invalidated) {
        (PairOrder::BaseFirst, false) => Sign::Disc(Role::Base),
        (PairOrder::HeadFirst, false) => Sign::Diamond(Role::Head),
        (PairOrder::BaseFirst, true) => Sign::CrossedRing(Role::Muted),
        (PairOrder::HeadFirst, true) => Sign::CrossedDiamond(Role::Muted),
    }
}

/// The interval as a bar with caps, and the mean across it.
fn bar(canvas: &Canvas<'_>, interval: &Interval, x: f64, up: &Scale) {
    let [low, mean, high] =
        [interval.low_percent, interval.mean_percent, interval.high_percent].map(|it| up.place(it));
    canvas.line(Role::Mean, 2.5, &[at(x, low), at(x, high)]);
    for y in [low, high] {
        canvas.line(Role::Mean, 2.5, &[at(x - 8.0, y), at(x + 8.0, y)]);
    }
    Sign::Block(Role::Mean).draw(canvas, at(x, mean));
}
