//! The pairs of an A/B: what each showed, and what they show together.

use crate::measure::Direction;
use crate::record::Side;
use crate::report::chart::axis::{Axis, Columns, axis, drawable, mean, middle};
use crate::report::chart::canvas::{Anchor, Canvas, Frame, at};
use crate::report::chart::layout::{
    EDGE, Entry, LINE_HEIGHT, Label, Scale, entry, fitted, footer, header, measure, nothing, numbers_width,
    rows, width,
};
use crate::report::chart::palette::Role;
use crate::report::chart::signs::Sign;
use crate::report::chart::{Chart, chart};
use crate::report::decision::PairLine;
use crate::report::number::{counted, signed_percent};

/// To the right of the pairs, the interval has so much room, px.
const INTERVAL_ROOM: f64 = 44.0;

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
    #[must_use]
    pub fn chart(&self) -> Chart {
        let description = "The head against the base beside it; above 0 the head is slower.";
        chart("Pairs", &[description, &self.facts()], |canvas| self.draw(canvas))
    }

    fn interval(&self) -> Option<&Interval> {
        self.interval.as_ref().filter(|interval| interval.is_drawable())
    }

    /// Of the pairs, their interval and zero. A threshold that is far away does not press them flat: it is
    /// named in the legend with its value.
    fn axis(&self) -> Option<Axis> {
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
            for (first, is_invalidated, words) in [
                (Side::Base, false, "base ran first"),
                (Side::Head, false, "head ran first"),
                (Side::Base, true, "invalidated, base first"),
                (Side::Head, true, "invalidated, head first"),
            ] {
                if self
                    .pairs
                    .iter()
                    .any(|pair| pair.first == first && pair.invalidated_by.is_some() == is_invalidated)
                {
                    legend.push(entry(sign(first, is_invalidated), words));
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

    fn draw(&self, canvas: &Canvas) -> f64 {
        let measure = measure("change of time per output token, head against base, %", Direction::Lower);
        let Some(axis) = self.axis() else { return nothing(canvas, &measure, "no pairs with a value") };
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
            let counting = shown.iter().filter(|pair| !columns.are_shared() || pair.invalidated_by.is_none());
            let Some(percent) = mean(counting.map(|pair| drawable(pair.difference_percent))) else {
                continue;
            };
            let sign = match shown {
                [pair] if !columns.are_shared() => sign(pair.first, pair.invalidated_by.is_some()),
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
            canvas.text(Role::Ink, Anchor::Middle, at(middle, frame.bottom + 6.0 + LINE_HEIGHT / 2.0), words);
        }
        bottom
    }
}

fn threshold_words(threshold: &Threshold) -> String {
    fitted(&format!("{} {}", threshold.label, signed_percent(threshold.percent)), 260.0)
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

/// The interval as a bar with caps, and the mean across it.
fn bar(canvas: &Canvas, interval: &Interval, x: f64, up: &Scale) {
    let [low, mean, high] =
        [interval.low_percent, interval.mean_percent, interval.high_percent].map(|it| up.place(it));
    canvas.line(Role::Mean, 2.5, &[at(x, low), at(x, high)]);
    for y in [low, high] {
        canvas.line(Role::Mean, 2.5, &[at(x - 8.0, y), at(x + 8.0, y)]);
    }
    Sign::Block(Role::Mean).draw(canvas, at(x, mean));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::tests::{check, count, texts};

    fn pair(percent: f64, first: Side, is_invalidated: bool) -> PairLine {
        let invalidated_by = is_invalidated.then(|| "a guard".to_owned());
        PairLine { first, difference_percent: Some(percent), invalidated_by, counts_despite: None }
    }

    fn of(pairs: &[PairLine]) -> Pairs<'_> {
        Pairs {
            pairs,
            thresholds: vec![Threshold { label: "fails above", percent: 1.0 }],
            interval: Some(Interval {
                label: "mean, 95 %".to_owned(),
                low_percent: 1.5,
                mean_percent: 2.2,
                high_percent: 2.9,
            }),
        }
    }

    fn four() -> [PairLine; 4] {
        [
            pair(2.0, Side::Base, false),
            pair(2.4, Side::Head, false),
            pair(-9.0, Side::Base, true),
            pair(1.8, Side::Head, true),
        ]
    }

    #[test]
    fn order_invalidated_pairs_threshold_and_interval_are_seen_and_named() {
        let chart = of(&four()).chart();
        check(&chart);
        for svg in [&chart.wide, &chart.narrow] {
            let texts = texts(svg);
            for text in
                ["base ran first", "head ran first", "invalidated, base first", "fails above +1.00 %", "mean"]
            {
                assert!(texts.iter().any(|it| it == text), "{text} of {texts:?}");
            }
            // In the legend and in the data.
            assert_eq!(count(svg, "circle", Role::Base.drawn()), 2);
            assert_eq!(count(svg, "polygon", Role::Head.drawn()), 2);
        }
        let reported = "The head against the base beside it; above 0 the head is slower. 4 pairs; 2 invalidated; mean, 95 %: +2.20 % (+1.50 % to +2.90 %); fails above +1.00 %.";
        assert_eq!(chart.description, reported);
    }

    #[test]
    fn a_threshold_far_away_does_not_press_the_pairs_flat() {
        let pairs = four();
        let far =
            Pairs { thresholds: vec![Threshold { label: "fails above", percent: 500.0 }], ..of(&pairs) };
        assert!(far.axis().unwrap().high < 20.0);
        check(&far.chart());
    }

    #[test]
    fn without_values_there_are_no_pairs_to_see() {
        for pairs in [vec![], vec![pair(f64::NAN, Side::Base, false)]] {
            let chart = Pairs { interval: None, ..of(&pairs) }.chart();
            check(&chart);
            assert!(texts(&chart.wide).contains(&"no pairs with a value".to_owned()));
        }
    }

    #[test]
    fn odd_values_are_no_obstacle() {
        let pair = |percent| pair(percent, Side::Base, false);
        for pairs in [vec![pair(0.0)], vec![pair(1e99)], vec![pair(-50.0); 3], vec![pair(0.5); 2000]] {
            check(&of(&pairs).chart());
            check(&Pairs { interval: None, thresholds: Vec::new(), ..of(&pairs) }.chart());
        }
    }

    #[test]
    fn very_many_pairs_share_signs_and_say_so() {
        let chart = of(&vec![pair(1.0, Side::Head, false); 2000]).chart();
        assert!(texts(&chart.wide).contains(&"each sign: up to 29 pairs".to_owned()));
        assert!(texts(&chart.wide).contains(&"mean of neighbouring pairs".to_owned()));
    }
}
