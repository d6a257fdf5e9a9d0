//! Student's t distribution: how far a mean of few values may lie from the truth.

use statrs::distribution::{ContinuousCDF, StudentsT};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
