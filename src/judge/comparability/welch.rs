//! How far the ratio of two means may lie from what was seen, where the values are of two separate runs.

use crate::judge::comparability::Interval;
use crate::judge::spread::Spread;
use crate::judge::student;

/// The share of such intervals that hold the ratio, were there nothing but chance between the runs.
pub(super) const CONFIDENCE: f64 = 0.95;

/// The interval of b / a by Welch's t on the logarithms, which asks neither for pairs nor for equal
/// spreads. None where a side has fewer than two values, where a value is not positive, or where none
/// differs from the others: then nothing is known of chance.
pub(super) fn interval(a: &[f64], b: &[f64]) -> Option<Interval> {
    let (a, b) = (logarithms(a)?, logarithms(b)?);
    let (of_a, of_b) = (a.standard_error().powi(2), b.standard_error().powi(2));
    let variance = of_a + of_b;
    if variance <= 0.0 {
        return None;
    }
    let degrees =
        variance.powi(2) / (of_a.powi(2) / a.degrees_of_freedom() + of_b.powi(2) / b.degrees_of_freedom());
    let reach = student::quantile(f64::midpoint(1.0, CONFIDENCE), degrees)? * variance.sqrt();
    let middle = b.mean - a.mean;
    Some(Interval { lower: (middle - reach).exp(), upper: (middle + reach).exp() })
}

fn logarithms(values: &[f64]) -> Option<Spread> {
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    logarithms.iter().all(|value| value.is_finite()).then(|| Spread::of(&logarithms)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the formula in Python, with a t quantile from integrating its density.
    #[test]
    fn the_interval_is_welch_s() {
        let found = interval(&[47.0, 47.4, 46.8], &[48.1, 49.0, 48.3, 48.8]).unwrap();
        assert!((found.lower - 1.016_422_226_378_482_6).abs() < 1e-8, "{found:?}");
        assert!((found.upper - 1.046_803_580_586_364_2).abs() < 1e-8, "{found:?}");
    }

    #[test]
    fn what_tells_nothing_of_chance_has_no_interval() {
        assert_eq!(interval(&[47.0], &[48.0, 49.0]), None);
        assert_eq!(interval(&[47.0, 47.0], &[48.0, 48.0]), None);
        assert_eq!(interval(&[0.0, 1.0], &[48.0, 49.0]), None);
    }
}
