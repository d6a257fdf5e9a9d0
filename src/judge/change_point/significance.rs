//! Whether two neighbouring stretches of a series have unlike means.

use crate::judge::student;

/// Two stretches side by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sides {
    /// Mean of the left one.
    pub(super) mean_before: f64,
    /// Mean of the right one.
    pub(super) mean_after: f64,
    /// Two-sided p-value of Student's t-test, 0 to 1.
    pub(super) p_value: f64,
}

impl Sides {
    /// Compares two stretches of one value or more each.
    ///
    /// Student's test with pooled variance. As in otava, deviations are those of the values themselves
    /// (divisor `n`), weighted by `n - 1`: a little smaller than of a sample, so that short stretches
    /// count a little sooner. Two values alone tell nothing. Without any noise a difference is certain,
    /// and equal means are equal.
    pub(super) fn compare(left: &[f64], right: &[f64]) -> Self {
        let (mean_before, mean_after) = (mean(left), mean(right));
        let (n, m) = (left.len() as f64, right.len() as f64);
        let degrees_of_freedom = n + m - 2.0;
        let weighted = variance(left, mean_before) * (n - 1.0) + variance(right, mean_after) * (m - 1.0);
        let error = (weighted / degrees_of_freedom * (1.0 / n + 1.0 / m)).sqrt();
        // Equal means without noise give 0 / 0, which has no share above it.
        let t = ((mean_after - mean_before) / error).abs();
        let share_above = student::share_above(t, degrees_of_freedom);
        Self { mean_before, mean_after, p_value: share_above.map_or(1.0, |share| 2.0 * share) }
    }

    /// The change as a share of the smaller mean: the larger one of what it is forwards and backwards.
    pub(super) fn magnitude(&self) -> f64 {
        let share = |from: f64, to: f64| if from == 0.0 { 0.0 } else { (to / from - 1.0).abs() };
        share(self.mean_before, self.mean_after).max(share(self.mean_after, self.mean_before))
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64], mean: f64) -> f64 {
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By scipy 1.16.3: `ttest_ind_from_stats` of numpy's `mean` and `std`.
    #[test]
    fn the_p_value_is_that_of_another_library() {
        let sides = Sides::compare(&[1.0, 1.2, 0.9, 1.1], &[1.3, 1.4, 1.25, 1.5, 1.35]);
        assert!((sides.p_value / 0.002_157_515_973_209_910_7 - 1.0).abs() < 1e-9, "{sides:?}");
        assert!((sides.mean_before - 1.05).abs() < 1e-12 && (sides.mean_after - 1.36).abs() < 1e-12);
        assert!((sides.magnitude() - (1.36 / 1.05 - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn without_noise_a_difference_is_certain_and_equal_means_are_equal() {
        let p_value = |left: &[f64], right: &[f64]| Sides::compare(left, right).p_value;
        assert_eq!(p_value(&[1.0, 1.0], &[2.0, 2.0]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(p_value(&[1.0, 1.0], &[1.0]).to_bits(), 1.0_f64.to_bits());
        assert_eq!(p_value(&[1.0], &[2.0]).to_bits(), 1.0_f64.to_bits(), "two values tell nothing");
    }

    #[test]
    fn a_mean_of_nothing_has_no_share() {
        assert!((Sides::compare(&[0.0, 0.0], &[3.0, 3.0]).magnitude() - 1.0).abs() < 1e-12);
    }
}
