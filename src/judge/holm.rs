//! Several questions of the same pairs: each is answered, and all together err no more often than one.

use crate::judge::sequential::interval_at;
use crate::judge::student::t_exceeds;

/// The probability of values like these where the true mean is the threshold: one-sided, one-sample t test.
/// None for fewer than two values, or for one that is no number.
#[must_use]
pub fn p_value_above(values_ln: &[f64], threshold_ln: f64) -> Option<f64> {
    // The error does not matter here, only mean and spread are taken.
    let interval = interval_at(values_ln, 0.5)?;
    let above_ln = interval.mean_ln - threshold_ln;
    if interval.sd_ln == 0.0 {
        return Some(if above_ln > 0.0 { 0.0 } else { 1.0 });
    }
    t_exceeds(above_ln / interval.standard_error_ln(), interval.pairs - 1)
}

/// Which hypotheses are rejected at this overall error, in the order given (Holm, 1979: the smallest p
/// against alpha / m, the next against alpha / (m - 1), until one is not rejected).
#[must_use]
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
