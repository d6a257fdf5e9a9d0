//! Figures for a script, in few bytes: whole numbers, each as its difference to the one before.

use serde::Serialize;

/// Digits that a figure keeps.
const DIGITS: i32 = 4;
/// No figure has more decimals.
const MOST_DECIMALS: i32 = 9;

/// Figures as whole numbers. The first is told as it is, each further one by its difference to the last that
/// there was; where there is none, there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Packed(Vec<Option<i64>>);

/// How figures become whole numbers: with so many decimals of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimals(i32);

impl Decimals {
    /// So many that the smallest of the figures keeps four digits.
    pub(super) fn of(figures: impl Iterator<Item = f64>) -> Self {
        let sizes = figures.map(f64::abs).filter(|size| size.is_finite() && *size > 0.0);
        let smallest = sizes.reduce(f64::min).unwrap_or(1.0);
        #[allow(clippy::cast_possible_truncation, reason = "the exponent of an f64 is small")]
        let exponent = smallest.log10().floor() as i32;
        Self((DIGITS - 1 - exponent).clamp(0, MOST_DECIMALS))
    }

    /// How many.
    pub(super) fn count(self) -> i32 {
        self.0
    }

    /// A figure as a whole number; None where it is none.
    #[allow(clippy::cast_possible_truncation, reason = "a cast keeps to the ends of an i64")]
    pub(super) fn whole(self, figure: f64) -> Option<i64> {
        figure.is_finite().then(|| (figure * 10_f64.powi(self.0)).round() as i64)
    }
}

impl Packed {
    /// Whole numbers, packed.
    pub(super) fn of(numbers: impl Iterator<Item = Option<i64>>) -> Self {
        let mut last = 0_i64;
        let differences = numbers.map(|number| {
            let difference = number.map(|number| number.wrapping_sub(last));
            last = number.unwrap_or(last);
            difference
        });
        Self(differences.collect())
    }

    /// The numbers again, as the script unpacks them.
    #[cfg(test)]
    pub(super) fn unpacked(&self) -> Vec<Option<i64>> {
        let mut last = 0;
        let mut add = |difference: i64| {
            last += difference;
            last
        };
        self.0.iter().map(|difference| difference.map(&mut add)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_with_their_gaps() {
        for numbers in [vec![], vec![None, Some(5), None, None, Some(-3)], vec![Some(0), Some(0), Some(9)]] {
            assert_eq!(Packed::of(numbers.iter().copied()).unpacked(), numbers);
        }
    }

    #[test]
    fn the_smallest_figure_keeps_four_digits() {
        let decimals = Decimals::of([47.1234, 0.012_345_6, f64::NAN, 0.0].into_iter());
        assert_eq!(decimals.count(), 5);
        assert_eq!(decimals.whole(0.012_345_6), Some(1235));
        assert_eq!(decimals.whole(f64::NAN), None);
        assert_eq!(Decimals::of([12_345.6].into_iter()).count(), 0);
        assert_eq!(Decimals::of([].into_iter()).count(), 3);
    }
}
