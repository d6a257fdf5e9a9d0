//! Statistics of a handful of values: mean and standard deviation, Student's t, an interval of the mean, and Holm's
//! correction where several questions are answered by the same pairs.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::judge::sequential::Interval;

/// What few values show of the many that they stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// How many values there are, 2 or more.
    pub count: usize,
    /// Their mean, in their unit.
    pub mean: f64,
    /// Their standard deviation (divisor `count - 1`), in their unit.
    pub sd: f64,
}

impl Spread {
    /// The spread of finite values; None where there are fewer than two.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count < 2 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self { count, mean, sd: (squares / (count - 1) as f64).sqrt() })
    }

    /// The standard error of the mean.
    pub fn standard_error(self) -> f64 {
        self.sd / (self.count as f64).sqrt()
    }

    /// Degrees of freedom of its t.
    pub fn degrees_of_freedom(self) -> f64 {
        (self.count - 1) as f64
    }
}

/// The t below which a share of `probability` lies, with so many degrees of freedom (1 or more);
/// None where one of them is out of its range.
pub(super) fn quantile(probability: f64, degrees_of_freedom: f64) -> Option<f64> {
    let distribution = standard(degrees_of_freedom)?;
    (probability > 0.0 && probability < 1.0).then(|| distribution.inverse_cdf(probability))
}

/// The share that lies above `t`, with so many degrees of freedom (1 or more): the one-sided p-value.
/// None where there is no such distribution, or `t` is no number; an infinite `t` has nothing beyond it.
pub(super) fn share_above(t: f64, degrees_of_freedom: f64) -> Option<f64> {
    let distribution = standard(degrees_of_freedom)?;
    if t.is_nan() {
        return None;
    }
    if t.is_infinite() {
        return Some(if t > 0.0 { 0.0 } else { 1.0 });
    }
    Some(distribution.sf(t))
}

fn standard(degrees_of_freedom: f64) -> Option<StudentsT> {
    let is_sensible = degrees_of_freedom.is_finite() && degrees_of_freedom >= 1.0;
    is_sensible.then(|| StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()).flatten()
}

/// The share of such intervals that hold the true mean.
pub const MEAN_CONFIDENCE_PERCENT: f64 = 95.0;

/// An interval around the mean of a positive quantity, as a time or a rate: made on the logarithm, so that it never
/// reaches zero, however much the values differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanInterval {
    /// The mean.
    pub mean: f64,
    /// Half of the width of the logarithm's interval.
    pub half_width_ln: f64,
}

impl MeanInterval {
    /// `mean * exp(+- t * sd / sqrt(n) / mean)`, with Student's t of `n - 1` degrees of freedom: Student's interval,
    /// carried over to the logarithm by the delta method. For a small spread both are the same. None for fewer than
    /// two values, and where one is no positive number.
    pub fn of(values: &[f64]) -> Option<Self> {
        if !values.iter().all(|value| value.is_finite() && *value > 0.0) {
            return None;
        }
        let spread = Spread::of(values)?;
        let probability = f64::midpoint(1.0, MEAN_CONFIDENCE_PERCENT / 100.0);
        let t = quantile(probability, spread.degrees_of_freedom())?;
        Some(Self { mean: spread.mean, half_width_ln: t * spread.standard_error() / spread.mean })
    }

    /// Its lower end.
    pub fn lower(&self) -> f64 {
        self.mean * (-self.half_width_ln).exp()
    }

    /// Its upper end.
    pub fn upper(&self) -> f64 {
        self.mean * self.half_width_ln.exp()
    }
}

/// The interval of values at this one-sided error; None for fewer than two, or for one that is no number.
pub fn interval_at(values_ln: &[f64], alpha: f64) -> Option<Interval> {
    let spread = of(values_ln)?;
    let t_critical = quantile(1.0 - alpha, spread.degrees_of_freedom())?;
    Some(Interval { pairs: spread.count, mean_ln: spread.mean, sd_ln: spread.sd, t_critical })
}

/// The probability of values like these where the true mean is the threshold: one-sided, one-sample t test.
/// None for fewer than two values, or for one that is no number.
pub fn p_value_above(values_ln: &[f64], threshold_ln: f64) -> Option<f64> {
    let spread = of(values_ln)?;
    let above_ln = spread.mean - threshold_ln;
    if spread.sd == 0.0 {
        return Some(if above_ln > 0.0 { 0.0 } else { 1.0 });
    }
    share_above(above_ln / spread.standard_error(), spread.degrees_of_freedom())
}

fn of(values_ln: &[f64]) -> Option<Spread> {
    Spread::of(values_ln).filter(|_| values_ln.iter().all(|value| value.is_finite()))
}

/// Which hypotheses are rejected at this overall error, in the order given (Holm, 1979: the smallest p
/// against alpha / m, the next against alpha / (m - 1), until one is not rejected).
pub fn holm_rejects(p_values: &[f64], alpha: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, other| p_values[*one].total_cmp(&p_values[*other]));
    let mut rejected = vec![false; p_values.len()];
    for (rank, at) in order.into_iter().enumerate() {
        let left = (p_values.len() - rank) as f64;
        if p_values[at].is_nan() || p_values[at] > alpha / left {
            break;
        }
        rejected[at] = true;
    }
    rejected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_of_a_sample_divides_by_one_less() {
        let spread = Spread::of(&[2.0, 4.0, 4.0, 6.0]).unwrap();
        assert!((spread.mean - 4.0).abs() < 1e-12 && (spread.sd - (8.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((spread.standard_error() - spread.sd / 2.0).abs() < 1e-12);
        assert!((spread.degrees_of_freedom() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_single_value_has_no_spread() {
        assert_eq!(Spread::of(&[1.0]), None);
        assert_eq!(Spread::of(&[]), None);
    }

    /// By scipy 1.16.3, `scipy.stats.t.ppf` and `t.sf`.
    #[test]
    fn quantiles_and_shares_are_those_of_another_library() {
        for (probability, degrees, expected) in [
            (0.9971, 1.0, 109.758_992_828_844_53),
            (0.9971, 14.0, 3.251_099_669_322_543_6),
            (0.99, 2.0, 6.964_556_734_283_269),
            (0.025, 30.0, -2.042_272_456_301_238),
        ] {
            let found = quantile(probability, degrees).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-8, "{probability} {degrees}: {found}");
        }
        for (t, degrees, expected) in [
            (1.5, 4.0, 0.104),
            (-1.5, 4.0, 0.896),
            (12.0, 14.0, 4.676_665_369_683_927e-9),
            (60.0, 48.0, 4.180_823_867_054_428e-47),
        ] {
            let found = share_above(t, degrees).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-8, "{t} {degrees}: {found}");
        }
    }

    #[test]
    fn what_has_no_answer_has_none() {
        for (probability, degrees) in [(0.0, 3.0), (1.0, 3.0), (f64::NAN, 3.0), (0.5, 0.0), (0.5, f64::NAN)] {
            assert_eq!(quantile(probability, degrees), None);
        }
        assert_eq!(share_above(f64::NAN, 3.0), None);
        assert_eq!(share_above(1.0, 0.5), None);
        assert_eq!(share_above(f64::INFINITY, 3.0), Some(0.0));
        assert_eq!(share_above(f64::NEG_INFINITY, 3.0), Some(1.0));
    }

    /// By scipy 1.16.3, `47 * exp(+-(t.interval(0.95, 2, loc=47.0, scale=sem([46, 47, 48])) - 47) / 47)`, of which the
    /// plain interval is 44.516 to 49.484.
    #[test]
    fn three_processes_give_a_wide_interval() {
        let interval = MeanInterval::of(&[46.0, 47.0, 48.0]).unwrap();
        assert!((interval.lower() - 44.580_369).abs() < 1e-5, "{interval:?}");
        assert!((interval.upper() - 49.550_958).abs() < 1e-5, "{interval:?}");
    }

    #[test]
    fn an_interval_of_a_time_never_reaches_zero() {
        let interval = MeanInterval::of(&[1.0, 40.0]).unwrap();
        assert!(interval.lower() > 0.0 && interval.upper() > 40.0, "{interval:?}");
        assert_eq!(MeanInterval::of(&[1.0, 0.0]), None);
    }

    #[test]
    fn one_process_tells_nothing_of_the_spread() {
        assert_eq!(MeanInterval::of(&[47.0]), None);
        assert_eq!(MeanInterval::of(&[47.0, f64::NAN]), None);
    }

    #[test]
    fn holm_goes_on_until_one_is_not_rejected() {
        assert_eq!(holm_rejects(&[0.04, 0.001, 0.012], 0.05), [true, true, true]);
        assert_eq!(holm_rejects(&[0.03, 0.001, 0.026], 0.05), [false, true, false]);
        assert_eq!(holm_rejects(&[0.02, 0.02, 0.02], 0.05), [false; 3], "each would be rejected alone");
        assert_eq!(holm_rejects(&[], 0.05), Vec::<bool>::new());
        assert_eq!(holm_rejects(&[f64::NAN, 0.001], 0.05), [false, true]);
    }

    #[test]
    fn a_mean_above_the_threshold_is_improbable_and_one_below_is_not() {
        let about = |mean: f64| [mean - 0.01, mean, mean + 0.01, mean, mean - 0.005, mean + 0.005];
        assert!(p_value_above(&about(0.10), 0.05).unwrap() < 0.001);
        assert!((p_value_above(&about(0.05), 0.05).unwrap() - 0.5).abs() < 1e-9);
        assert!(p_value_above(&about(0.0), 0.05).unwrap() > 0.99);
        assert_eq!(p_value_above(&[0.1, 0.1], 0.05), Some(0.0));
        assert_eq!(p_value_above(&[0.05, 0.05], 0.05), Some(1.0));
        assert_eq!(p_value_above(&[0.1], 0.05), None);
    }
}
