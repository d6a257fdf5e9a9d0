//! Where the mean of a handful of values lies, as far as they tell.

use crate::judge::spread::Spread;
use crate::judge::student::quantile;

/// The share of such intervals that hold the true mean.
pub const MEAN_CONFIDENCE_PERCENT: f64 = 95.0;

/// An interval around a mean, in the values' unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanInterval {
    /// The mean.
    pub mean: f64,
    /// Half of the interval's width.
    pub half_width: f64,
}

impl MeanInterval {
    /// `mean +- t * sd / sqrt(n)`, with Student's t of `n - 1` degrees of freedom; None for fewer than two
    /// values, and where one is no number.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        if !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let spread = Spread::of(values)?;
        let probability = f64::midpoint(1.0, MEAN_CONFIDENCE_PERCENT / 100.0);
        let t = quantile(probability, spread.degrees_of_freedom())?;
        Some(Self { mean: spread.mean, half_width: t * spread.standard_error() })
    }

    /// Its lower end.
    #[must_use]
    pub fn lower(&self) -> f64 {
        self.mean - self.half_width
    }

    /// Its upper end.
    #[must_use]
    pub fn upper(&self) -> f64 {
        self.mean + self.half_width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By scipy 1.16.3, `scipy.stats.t.interval(0.95, 2, loc=47.0, scale=scipy.stats.sem([46, 47, 48]))`.
    #[test]
    fn three_processes_give_a_wide_interval() {
        let interval = MeanInterval::of(&[46.0, 47.0, 48.0]).unwrap();
        assert!((interval.lower() - 44.515_862).abs() < 1e-5, "{interval:?}");
        assert!((interval.upper() - 49.484_138).abs() < 1e-5, "{interval:?}");
    }

    #[test]
    fn one_process_tells_nothing_of_the_spread() {
        assert_eq!(MeanInterval::of(&[47.0]), None);
        assert_eq!(MeanInterval::of(&[47.0, f64::NAN]), None);
    }
}
