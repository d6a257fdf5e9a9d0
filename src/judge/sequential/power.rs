//! Which change a look could see at all, given how noisy the pairs are.

use crate::judge::sequential::{Look, Rule};

/// The standard normal deviate that 80 % lie below: the power that [`smallest_seen_percent`] asks for.
const Z_OF_POWER: f64 = 0.841_621_233_572_914_3;

/// The smallest true slow-down that a look calls regressed in 80 % of all sessions, percent, where the
/// pairs' differences have this standard deviation. Sessions have several looks, so they see it sooner
/// and more often: this is a bound from above.
///
/// A session is regressed where `(mean - ln(1 + regressed)) / (sd / sqrt(k)) > t`, and this has a
/// noncentral t distribution with `v = k - 1` degrees of freedom. By its normal approximation (Abramowitz
/// and Stegun, 26.7.10) a share of 80 % lies above `t` at a noncentrality of
/// `t * (1 - 1 / (4 v)) + z * sqrt(1 + t^2 / (2 v))`, which is 0.8 % too large at 5 pairs and nearer
/// at more. None for fewer than two pairs or a deviation that is no number.
#[must_use]
pub fn smallest_seen_percent(rule: &Rule, pair_sd_ln: f64, look: Look) -> Option<f64> {
    if look.pairs < 2 || !pair_sd_ln.is_finite() || pair_sd_ln < 0.0 {
        return None;
    }
    let (pairs, t) = (look.pairs as f64, look.t_critical);
    let v = pairs - 1.0;
    let noncentrality = t * (1.0 - 1.0 / (4.0 * v)) + Z_OF_POWER * (1.0 + t * t / (2.0 * v)).sqrt();
    let change_ln = rule.regressed_beyond_ln() + noncentrality * pair_sd_ln / pairs.sqrt();
    Some(change_ln.exp_m1() * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sequential::LOOKS;

    const RULE: Rule = Rule { regressed_beyond_percent: 1.0, passes_within_percent: 3.0 };

    /// By scipy 1.16.3: the noncentrality at which `nct.sf(t, pairs - 1, .)` is 0.8, at a pair sd of 1 %.
    #[test]
    fn the_smallest_change_seen_is_that_of_the_noncentral_t() {
        let exact = [4.1127, 3.0456, 2.6124, 2.2820, 2.0952];
        for (look, exact) in LOOKS.into_iter().zip(exact) {
            let seen = smallest_seen_percent(&RULE, 0.01, look).unwrap();
            assert!(seen >= exact && seen < exact * 1.01, "{look:?}: {seen}, not {exact}");
        }
    }

    #[test]
    fn pairs_without_noise_show_all_that_counts_as_a_regression() {
        let seen = smallest_seen_percent(&RULE, 0.0, Look::LAST).unwrap();
        assert!((seen - 1.0).abs() < 1e-12);
        assert_eq!(smallest_seen_percent(&RULE, f64::NAN, Look::LAST), None);
        assert_eq!(smallest_seen_percent(&RULE, 0.01, Look { pairs: 1, t_critical: 1.0 }), None);
    }
}
