//! Where an axis begins and ends, and the round numbers on it; and many points in few columns, so that a chart of ten
//! thousand is as small as one of hundreds.

use std::ops::Range;

use crate::report::number::axis_number;

/// An axis starts at zero unless its values keep to the upper part of it: beyond this share of the largest.
const KEEPS_AWAY_FROM_ZERO: f64 = 0.6;
/// An axis shows at least this share of its values' size, so that noise does not look like a change.
const LEAST_SPAN: f64 = 0.1;
/// Digits that count in a number on an axis.
const DIGITS: i32 = 4;
/// Beyond it a value is no measurement, and its sums would not be finite.
const LARGEST: f64 = 1e100;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    /// Where it ends; above `low`.
    pub(super) high: f64,
    /// Values with their labels.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Whether it shows zero, which charts say when they do not.
    pub(super) fn has_zero(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

pub(super) fn is_drawable(value: f64) -> bool {
    value.is_finite() && value.abs() <= LARGEST
}

/// The value, if it can be drawn.
pub(super) fn drawable(value: Option<f64>) -> Option<f64> {
    value.filter(|value| is_drawable(*value))
}

/// The axis that shows all the values, with about so many numbers; none without values.
pub(super) fn axis(values: impl Iterator<Item = f64>, most: usize) -> Option<Axis> {
    let (low, high) = range(values)?;
    let (low, high) = widened(low, high);
    Some(between(low, high, most))
}

pub(super) fn axis_from_zero(values: impl Iterator<Item = f64>, most: usize) -> Option<Axis> {
    axis(values.chain([0.0]), most)
}

/// Round numbers within two values, which stay the ends.
pub(super) fn within(low: f64, high: f64, most: usize) -> Axis {
    let whole = between(low, high, most);
    let ticks = whole.ticks.into_iter().filter(|(value, _)| (low..=high).contains(value)).collect();
    Axis { low, high, ticks }
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| is_drawable(*value)).fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

fn widened(low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if size == 0.0 {
        return (0.0, 1.0);
    }
    if low >= 0.0 && low < KEEPS_AWAY_FROM_ZERO * high {
        return (0.0, high);
    }
    let missing = (LEAST_SPAN * size - (high - low)).max(0.0) / 2.0;
    (low - missing, high + missing)
}

/// Round numbers from below `low` to above `high`.
pub(super) fn between(low: f64, high: f64, most: usize) -> Axis {
    let size = low.abs().max(high.abs()).max(f64::MIN_POSITIVE);
    let span = if high > low { high - low } else { size };
    let step = step(span / most.max(1) as f64, size);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let mut ticks = Vec::new();
    let mut at = first;
    // A step is never so small that the axis would have more numbers than twice as many as wished.
    while at <= last && ticks.len() <= 2 * most + 2 {
        let value = at * step;
        ticks.push((value, axis_number(value, step)));
        at += 1.0;
    }
    Axis { low: first * step, high: (last * step).max((first + 1.0) * step), ticks }
}

/// The next of 1, 2, 5, 10 and so on; not so small that the axis needs more digits than count.
fn step(least: f64, size: f64) -> f64 {
    let finest = power_of_ten(size.log10().floor() + 1.0 - f64::from(DIGITS));
    let least = least.max(finest);
    let power = power_of_ten(least.log10().floor());
    // A hair's breadth above a round number is that number.
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least * 0.999_999)
        .unwrap_or(10.0 * power)
}

fn power_of_ten(exponent: f64) -> f64 {
    10.0_f64.powf(exponent)
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    positions: usize,
    columns: usize,
}

impl Columns {
    /// Each position has a column of its own, or as many share one as they must.
    pub(super) fn new(positions: usize, most: usize) -> Self {
        Self { positions, columns: positions.min(most.max(1)) }
    }

    pub(super) fn are_shared(&self) -> bool {
        self.positions > self.columns
    }

    /// Positions that share one at most.
    pub(super) fn most_in_one(&self) -> usize {
        self.positions.div_ceil(self.columns.max(1))
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let Self { positions, columns } = *self;
        (0..columns).map(move |column| column * positions / columns..(column + 1) * positions / columns)
    }
}

pub(super) fn middle(range: &Range<usize>) -> f64 {
    (range.start + range.end.saturating_sub(1)) as f64 / 2.0
}

/// The mean of what there is; none where there is nothing.
pub(super) fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut count = 0_u32;
    let mut sum = 0.0;
    for value in values.flatten() {
        count += 1;
        sum += value;
    }
    (count > 0).then(|| sum / f64::from(count))
}

pub(super) fn largest(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().reduce(f64::max)
}

pub(super) fn smallest(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Option<Axis> {
        axis(values.iter().copied(), 5)
    }

    fn labels(values: &[f64]) -> Vec<String> {
        of(values).unwrap().ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn numbers_are_round_and_have_no_noise() {
        assert_eq!(labels(&[46.2, 48.9]), ["45", "46", "47", "48", "49", "50"]);
        assert_eq!(labels(&[0.0, 0.3]), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(&[-0.3, 0.3]), ["-0.4", "-0.2", "0.0", "0.2", "0.4"]);
        let within = within(0.0, 255.0, 5);
        assert!(
            within.high.total_cmp(&255.0).is_eq() && within.ticks.last().unwrap().1 == "200",
            "{within:?}"
        );
    }

    #[test]
    fn no_number_has_more_digits_than_count() {
        for values in [[47.0, 47.000_01], [123_456.0, 123_457.0], [1e-9, 2e-9], [1.5e12, 9e12], [0.0, 0.0]] {
            let labels = labels(&values);
            assert!(labels.len() >= 2, "{labels:?}");
            for label in &labels {
                let digits = label.split('e').next().unwrap().trim_start_matches(['-', '0', '.']);
                let digits = digits.chars().filter(char::is_ascii_digit).collect::<String>();
                let digits =
                    if label.contains('.') { digits.len() } else { digits.trim_end_matches('0').len() };
                assert!(digits <= 4, "{label} of {labels:?}");
            }
            let mut different = labels.clone();
            different.dedup();
            assert_eq!(different, labels);
        }
    }

    #[test]
    fn an_axis_is_wide_enough_and_starts_at_zero_where_values_differ_much() {
        let equal = of(&[47.0, 47.0]).unwrap();
        assert!(equal.low < 45.0 && equal.high > 49.0 && !equal.has_zero(), "{equal:?}");
        assert!(of(&[3.0, 90.0]).unwrap().has_zero());
        // What cannot be drawn is left out.
        assert!(of(&[f64::NAN, f64::INFINITY, f64::MAX, 5.0]).unwrap().high < 10.0);
        assert_eq!(of(&[f64::NAN]), None);
    }

    #[test]
    fn every_position_is_in_exactly_one_column() {
        for positions in [0, 1, 7, 600, 601, 10_000] {
            let columns = Columns::new(positions, 600);
            assert!(columns.ranges().count() <= 600);
            let all: Vec<usize> = columns.ranges().flatten().collect();
            assert_eq!(all, (0..positions).collect::<Vec<_>>());
            assert!(columns.ranges().all(|range| (1..=columns.most_in_one()).contains(&range.len())));
        }
    }
}
