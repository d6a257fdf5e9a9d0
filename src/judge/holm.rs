//! Several one-sided tests at once, without more false words than one would give.

use crate::error::{Error, Result};
use crate::judge::spread::Spread;
use crate::judge::student;

/// A test by its name and its p-value.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTest {
    /// What was tested, as in "tpot@1/fibonacci".
    pub name: String,
    /// The share of unchanged sessions that would look like this or worse, 0 to 1.
    pub p_value: f64,
}

/// The word on a test, among all that were made together.
#[derive(Debug, Clone, PartialEq)]
pub struct HolmResult {
    /// What was tested.
    pub name: String,
    /// Its own p-value.
    pub p_value: f64,
    /// The smallest overall share of false words at which it would still count, 0 to 1.
    pub adjusted_p_value: f64,
    /// Whether it counts.
    pub is_significant: bool,
}

/// Holm's step-down procedure: of `n` p-values in rising order the one at place `i`, from 0, times
/// `n - i`, raised to its predecessors' and bounded by 1, has to be `alpha` or less. The share of families
/// in which an unchanged figure is called changed is `alpha` at most, however the tests depend on each
/// other. Results are in the order of the tests. (S. Holm, 1979, Scandinavian Journal of Statistics 6.)
///
/// # Errors
/// A p-value or an alpha that is no probability.
pub fn holm(tests: &[NamedTest], alpha: f64) -> Result<Vec<HolmResult>> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(Error::input(format!("an alpha of `{alpha}` is not between 0 and 1"))
            .hint("give a confidence between 0 and 100 %"));
    }
    if let Some(test) = tests.iter().find(|test| !(0.0..=1.0).contains(&test.p_value)) {
        let message =
            format!("test `{}` has a p-value of `{}`, which is no probability", test.name, test.p_value);
        return Err(Error::harness(message));
    }
    let mut order: Vec<usize> = (0..tests.len()).collect();
    order.sort_by(|one, other| tests[*one].p_value.total_cmp(&tests[*other].p_value));
    let mut adjusted = vec![0.0; tests.len()];
    let mut largest = 0.0_f64;
    for (place, at) in order.into_iter().enumerate() {
        let remaining = (tests.len() - place) as f64;
        largest = largest.max(tests[at].p_value * remaining).min(1.0);
        adjusted[at] = largest;
    }
    let results = tests.iter().zip(adjusted).map(|(test, adjusted_p_value)| HolmResult {
        name: test.name.clone(),
        p_value: test.p_value,
        adjusted_p_value,
        is_significant: adjusted_p_value <= alpha,
    });
    Ok(results.collect())
}

/// The one-sided p-value of a true change above `smallest_change_ln`, by the pairs' differences
/// ln(head / base): the share of t with `pairs - 1` degrees of freedom above
/// `(mean - smallest_change_ln) / (sd / sqrt(pairs))`. Pairs that do not differ among each other leave no
/// doubt: 0 above the smallest change, 1 at it or below. None for fewer than two pairs.
///
/// # Errors
/// A difference that is of no ratio, or a smallest change that is no number.
pub fn p_value_of_rise(differences_ln: &[f64], smallest_change_ln: f64) -> Result<Option<f64>> {
    let mut values = differences_ln.iter().chain([&smallest_change_ln]);
    if let Some(value) = values.find(|value| !value.exp().is_normal()) {
        return Err(Error::harness(format!("`{value}` is no logarithm of a ratio of two figures"))
            .hint("measure again; a figure in its records is none"));
    }
    let Some(spread) = Spread::of(differences_ln) else { return Ok(None) };
    let beyond = spread.mean - smallest_change_ln;
    if spread.sd > 0.0 {
        return Ok(student::share_above(beyond / spread.standard_error(), spread.degrees_of_freedom()));
    }
    Ok(Some(if beyond > 0.0 { 0.0 } else { 1.0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests_of(p_values: &[f64]) -> Vec<NamedTest> {
        let named = p_values.iter().enumerate();
        named.map(|(at, p_value)| NamedTest { name: at.to_string(), p_value: *p_value }).collect()
    }

    fn significant(p_values: &[f64], alpha: f64) -> Vec<bool> {
        holm(&tests_of(p_values), alpha).unwrap().iter().map(|result| result.is_significant).collect()
    }

    #[test]
    fn holm_steps_down_until_one_fails() {
        let results = holm(&tests_of(&[0.01, 0.04, 0.03, 0.005]), 0.05).unwrap();
        let adjusted: Vec<f64> = results.iter().map(|result| result.adjusted_p_value).collect();
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(significant(&[0.01, 0.04, 0.03, 0.005], 0.05), [true, false, false, true]);
        // The last would pass by itself, and does not, for one before it failed.
        assert_eq!(significant(&[0.03, 0.05], 0.05), [false, false]);
    }

    #[test]
    fn names_and_p_values_come_back_in_order() {
        let results = holm(&tests_of(&[0.5, 0.001]), 0.01).unwrap();
        let names: Vec<_> = results.iter().map(|result| (result.name.as_str(), result.p_value)).collect();
        assert_eq!(names, [("0", 0.5), ("1", 0.001)]);
        assert_eq!(holm(&[], 0.01), Ok(vec![]));
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for p_value in [-0.1, 1.1, f64::NAN] {
            let refused = holm(&tests_of(&[0.5, p_value]), 0.01).unwrap_err().to_string();
            assert!(refused.starts_with("test `1` has a p-value of"), "{refused}");
        }
        for alpha in [0.0, 1.0, f64::NAN] {
            assert!(holm(&[], alpha).is_err(), "{alpha}");
        }
    }

    /// Families of p-values on a grid, all of them: each has four values of 0 to 1.
    fn families() -> impl Iterator<Item = [f64; 4]> {
        const GRID: [f64; 8] = [0.0, 0.002, 0.0025, 0.003, 0.005, 0.01, 0.5, 1.0];
        (0..GRID.len().pow(4)).map(|code| [1, 8, 64, 512].map(|place| GRID[code / place % GRID.len()]))
    }

    #[test]
    fn holm_is_between_bonferroni_and_no_correction() {
        for family in families() {
            for (p_value, is_significant) in family.into_iter().zip(significant(&family, 0.01)) {
                assert!(is_significant || p_value * 4.0 > 0.01, "{family:?}");
                assert!(!is_significant || p_value <= 0.01, "{family:?}");
            }
        }
    }

    #[test]
    fn what_counts_does_not_depend_on_the_order_and_smaller_p_values_count_first() {
        for family in families() {
            let counts = significant(&family, 0.01);
            let mut turned = family;
            turned.rotate_left(1);
            let mut expected = counts.clone();
            expected.rotate_left(1);
            assert_eq!(significant(&turned, 0.01), expected, "{family:?}");
            for (one, other) in [(0, 1), (1, 2), (2, 3), (3, 0)] {
                assert!(!counts[other] || counts[one] || family[one] >= family[other], "{family:?}");
            }
        }
    }

    #[test]
    fn a_smaller_p_value_never_takes_significance_from_another() {
        for family in families() {
            let before = significant(&family, 0.01);
            let after = significant(&[0.0, family[1], family[2], family[3]], 0.01);
            assert!(before.iter().zip(after).all(|(before, after)| after || !before), "{family:?}");
        }
    }

    /// By scipy 1.16.3: `ttest_1samp(differences, 0.01, alternative="greater")`.
    #[test]
    fn the_p_value_of_a_rise_is_that_of_another_library() {
        let differences = [0.021, 0.034, 0.012, 0.027, 0.018, 0.030, 0.009];
        let found = p_value_of_rise(&differences, 0.01).unwrap().unwrap();
        assert!((found / 0.008_246_567_369_084_577 - 1.0).abs() < 1e-9, "{found}");
        let fall = p_value_of_rise(&differences, 0.05).unwrap().unwrap();
        assert!(fall > 0.999, "{fall}");
    }

    #[test]
    fn pairs_without_noise_leave_no_doubt() {
        assert_eq!(p_value_of_rise(&[0.02; 5], 0.01), Ok(Some(0.0)));
        assert_eq!(p_value_of_rise(&[0.25; 4], 0.25), Ok(Some(1.0)));
        assert_eq!(p_value_of_rise(&[0.0; 5], 0.01), Ok(Some(1.0)));
        assert_eq!(p_value_of_rise(&[0.02], 0.01), Ok(None));
        for value in [f64::NAN, f64::INFINITY, -1e6] {
            assert!(p_value_of_rise(&[0.0, value], 0.01).is_err(), "{value}");
            assert!(p_value_of_rise(&[0.0, 0.0], value).is_err(), "{value}");
        }
    }
}
