//! Where the true change lies, by the pairs so far.

use crate::judge::sequential::Look;
use crate::judge::spread::Spread;

/// Two one-sided bounds on the mean of the pairs' differences. Logarithms of ratios head over base: above
/// 0 the head is slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Pairs that it rests on.
    pub pairs: usize,
    /// Mean of ln(head / base).
    pub mean_ln: f64,
    /// Standard deviation of ln(head / base) over the pairs.
    pub sd_ln: f64,
    /// By how many standard errors the bounds lie beside the mean.
    pub t_critical: f64,
}

impl Interval {
    /// The interval of finite differences; None for fewer than two.
    pub(super) fn of(differences_ln: &[f64]) -> Option<Self> {
        let spread = Spread::of(differences_ln)?;
        let look = Look::at(spread.count)?;
        Some(Self {
            pairs: spread.count,
            mean_ln: spread.mean,
            sd_ln: spread.sd,
            t_critical: look.t_critical,
        })
    }

    /// `mean - t * sd / sqrt(pairs)`.
    #[must_use]
    pub fn lower_ln(&self) -> f64 {
        self.mean_ln - self.half_width_ln()
    }

    /// `mean + t * sd / sqrt(pairs)`.
    #[must_use]
    pub fn upper_ln(&self) -> f64 {
        self.mean_ln + self.half_width_ln()
    }

    /// Head over base: 1.02 is 2 % slower.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.mean_ln.exp()
    }

    /// The ratio that the true one lies above.
    #[must_use]
    pub fn lower(&self) -> f64 {
        self.lower_ln().exp()
    }

    /// The ratio that the true one lies below.
    #[must_use]
    pub fn upper(&self) -> f64 {
        self.upper_ln().exp()
    }

    /// The slow-down from which on it is excluded, percent: `(exp(U) - 1) * 100`. Below 0 the head is
    /// proven to be faster.
    #[must_use]
    pub fn excluded_slowdown_percent(&self) -> f64 {
        self.upper_ln().exp_m1() * 100.0
    }

    /// How far the pairs lie apart, percent: their standard deviation.
    #[must_use]
    pub fn pair_sd_percent(&self) -> f64 {
        self.sd_ln * 100.0
    }

    fn half_width_ln(&self) -> f64 {
        self.t_critical * self.sd_ln / (self.pairs as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_lie_so_many_standard_errors_beside_the_mean() {
        let interval = Interval::of(&[0.01, 0.02, 0.03, 0.02, 0.02]).unwrap();
        let half = 5.372 * 5e-5_f64.sqrt() / 5.0_f64.sqrt();
        assert!((interval.mean_ln - 0.02).abs() < 1e-12);
        assert!((interval.lower_ln() - (0.02 - half)).abs() < 1e-12);
        assert!((interval.upper_ln() - (0.02 + half)).abs() < 1e-12);
        assert!((interval.ratio() - 0.02_f64.exp()).abs() < 1e-12);
        assert!((interval.upper() / interval.lower() - (2.0 * half).exp()).abs() < 1e-12);
        assert!((interval.excluded_slowdown_percent() - (interval.upper() - 1.0) * 100.0).abs() < 1e-9);
        assert!((interval.pair_sd_percent() - 100.0 * 5e-5_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn equal_differences_have_an_interval_of_no_width() {
        let interval = Interval::of(&[0.25; 5]).unwrap();
        assert_eq!((interval.lower_ln(), interval.upper_ln()), (0.25, 0.25));
    }
}
