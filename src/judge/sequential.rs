//! The paired, interleaved, sequential test that decides whether a change made decoding slower.
//!
//! Each pair is a fresh process of the base and one of the head, adjacent in time. What it says is one
//! number: the mean over the prompts of ln(`tpot_head` / `tpot_base`). A machine that drifts moves both
//! sides of a pair alike, and so moves no difference.
//!
//! At each look, one-sided Student-t bounds L and U are put around the mean of the differences, and the
//! first look that decides ends the test:
//!
//! | holds | is |
//! |---|---|
//! | L > ln(1 + `regressed_beyond_percent` / 100) | regressed; tested first |
//! | U < ln(1 + `passes_within_percent` / 100) | passed; improved where also U < 0 |
//! | neither, and there is a further look | undecided |
//! | neither, at the last interim analysis | inconclusive |

use crate::error::{Error, Result};
use crate::judge::statistics::{self, Spread};

/// Which changes count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// A slow-down that is proven to be larger than this is a regression, percent.
    pub regressed_beyond_percent: f64,
    /// Where a slow-down of this much or more is excluded, the change passes, percent.
    pub passes_within_percent: f64,
}

impl Rule {
    /// The first threshold on the scale of the differences.
    pub fn regressed_beyond_ln(&self) -> f64 {
        (self.regressed_beyond_percent / 100.0).ln_1p()
    }

    /// The second threshold on the scale of the differences.
    pub fn passes_within_ln(&self) -> f64 {
        (self.passes_within_percent / 100.0).ln_1p()
    }
}

/// What the pairs say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequentialOutcome {
    /// The head is slower, beyond what is tolerated.
    Regressed,
    /// The head is faster.
    Improved,
    /// The head is not slower, or by less than counts.
    Pass,
    /// More pairs will decide.
    Undecided {
        /// Pairs at which the next verdict may fall.
        next_look: usize,
    },
    /// All pairs are measured, or no more will be, and they do not decide it.
    Inconclusive,
}

/// What the pairs say, and by what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialResult {
    /// The word.
    pub outcome: SequentialOutcome,
    /// The pairs that it rests on: those of the look that decided, or all so far. None where there are
    /// fewer than two. A decision at a look has the look's own t, and only that one bears a verdict:
    /// between looks this is what has been learnt so far.
    pub interval: Option<Interval>,
}

impl SequentialResult {
    /// Whether no further pair would change it.
    pub fn is_final(&self) -> bool {
        !matches!(self.outcome, SequentialOutcome::Undecided { .. })
    }
}

/// Judges the pairs measured so far, in their order. Looks are taken in order, too: pairs after the look
/// that decided are not looked at, so a stored session gives its verdict again. A rule of no number
/// passes nothing and fails nothing.
///
/// # Errors
/// A difference that is of no ratio: not finite, or of times that are apart beyond all numbers. It comes
/// from a time that is none, which no verdict can rest on.
pub fn sequential(differences_ln: &[f64], rule: &Rule) -> Result<SequentialResult> {
    if let Some(at) = differences_ln.iter().position(|difference| !difference.exp().is_normal()) {
        return Err(Error::harness(format!(
            "pair `{}` has a difference of `{}`, which no ratio of two times has",
            at + 1,
            differences_ln[at]
        ))
        .hint("measure again; a time in its records is not one"));
    }
    for look in LOOKS {
        let Some(pairs) = differences_ln.get(..look.pairs) else { break };
        let interval = Interval::of(pairs);
        if let Some(outcome) = interval.and_then(|interval| decide(&interval, rule)) {
            return Ok(SequentialResult { outcome, interval });
        }
    }
    let measured = &differences_ln[..differences_ln.len().min(Look::LAST.pairs)];
    let next = Look::pairs_after(measured.len());
    let outcome =
        next.map_or(SequentialOutcome::Inconclusive, |next_look| SequentialOutcome::Undecided { next_look });
    Ok(SequentialResult { outcome, interval: Interval::of(measured) })
}

fn decide(interval: &Interval, rule: &Rule) -> Option<SequentialOutcome> {
    if interval.lower_ln() > rule.regressed_beyond_ln() {
        return Some(SequentialOutcome::Regressed);
    }
    let upper_ln = interval.upper_ln();
    let word = if upper_ln < 0.0 { SequentialOutcome::Improved } else { SequentialOutcome::Pass };
    (upper_ln < rule.passes_within_ln()).then_some(word)
}

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
    fn of(differences_ln: &[f64]) -> Option<Self> {
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
    pub fn lower_ln(&self) -> f64 {
        self.mean_ln - self.half_width_ln()
    }

    /// `mean + t * sd / sqrt(pairs)`.
    pub fn upper_ln(&self) -> f64 {
        self.mean_ln + self.half_width_ln()
    }

    /// Head over base: 1.02 is 2 % slower.
    pub fn ratio(&self) -> f64 {
        self.mean_ln.exp()
    }

    /// The ratio that the true one lies above.
    pub fn lower(&self) -> f64 {
        self.lower_ln().exp()
    }

    /// The ratio that the true one lies below.
    pub fn upper(&self) -> f64 {
        self.upper_ln().exp()
    }

    /// The slow-down from which on it is excluded, percent: `(exp(U) - 1) * 100`. Below 0 the head is
    /// proven to be faster.
    pub fn excluded_slowdown_percent(&self) -> f64 {
        self.upper_ln().exp_m1() * 100.0
    }

    /// How far the pairs lie apart, percent: their standard deviation.
    pub fn pair_sd_percent(&self) -> f64 {
        self.sd_ln * 100.0
    }

    fn half_width_ln(&self) -> f64 {
        self.t_critical * self.sd_ln / (self.pairs as f64).sqrt()
    }
}

/// A number of pairs at which a verdict may fall, and how strict it is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Pairs measured.
    pub pairs: usize,
    /// The t that leaves [`LOOK_ALPHA`] above it, with `pairs - 1` degrees of freedom.
    pub t_critical: f64,
}

/// The share of false words a side that each look may give. Over all five, which share their pairs and so
/// err together, it comes to 1 % a side (1.01 % of a million simulated sessions).
pub const LOOK_ALPHA: f64 = 0.0029;

/// The share of false words a side of a whole session, percent.
pub const SESSION_ALPHA_PERCENT: f64 = 1.0;

/// The looks, in order. Fixed numbers, so that a stored verdict comes out again to the bit.
pub const LOOKS: [Look; 5] = [
    Look { pairs: 5, t_critical: 5.372 },
    Look { pairs: 7, t_critical: 4.182 },
    Look { pairs: 9, t_critical: 3.729 },
    Look { pairs: 12, t_critical: 3.412 },
    Look { pairs: 15, t_critical: 3.251 },
];

impl Look {
    /// The last one: there are never more pairs.
    pub const LAST: Self = LOOKS[LOOKS.len() - 1];

    /// A look at so many pairs, on which no verdict falls unless it is one of [`LOOKS`]. None for fewer
    /// than two pairs, which have no spread.
    pub fn at(pairs: usize) -> Option<Self> {
        if let Some(look) = LOOKS.iter().find(|look| look.pairs == pairs) {
            return Some(*look);
        }
        let degrees_of_freedom = pairs.checked_sub(1)? as f64;
        let t_critical = statistics::quantile(1.0 - LOOK_ALPHA, degrees_of_freedom)?;
        Some(Self { pairs, t_critical })
    }

    /// Pairs of the first look after so many; None after the last.
    pub fn pairs_after(pairs: usize) -> Option<usize> {
        LOOKS.iter().map(|look| look.pairs).find(|next| *next > pairs)
    }
}

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
    use SequentialOutcome::{Improved, Inconclusive, Pass, Regressed, Undecided};

    use super::{LOOKS, *};
    use crate::error::ErrorKind;

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

    #[test]
    fn the_critical_values_follow_from_the_t_distribution_and_alpha() {
        for look in LOOKS {
            let derived = statistics::quantile(1.0 - LOOK_ALPHA, (look.pairs - 1) as f64).unwrap();
            let rounded = (derived * 1_000.0).round() / 1_000.0;
            assert!((rounded - look.t_critical).abs() < 1e-9, "{look:?}: {derived}");
        }
    }

    #[test]
    fn a_look_between_the_looks_is_as_strict_as_they_are() {
        assert_eq!(Look::at(7), Some(LOOKS[1]));
        let between = Look::at(6).unwrap().t_critical;
        assert!(between < LOOKS[0].t_critical && between > LOOKS[1].t_critical, "{between}");
        assert_eq!(Look::at(1), None);
        assert_eq!(Look::at(0), None);
    }

    #[test]
    fn looks_come_in_order_and_end() {
        let after: Vec<_> = [0, 4, 5, 8, 14, 15, 99].map(Look::pairs_after).into_iter().collect();
        assert_eq!(after, [Some(5), Some(5), Some(7), Some(9), Some(15), None, None]);
    }

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

    fn judged(differences: &[f64]) -> SequentialResult {
        sequential(differences, &RULE).unwrap()
    }

    /// So many differences around a mean, alternately above and below it by `apart`.
    fn around(mean: f64, apart: f64, pairs: usize) -> Vec<f64> {
        (0..pairs).map(|pair| if pair % 2 == 0 { mean + apart } else { mean - apart }).collect()
    }

    #[test]
    fn nothing_is_decided_before_the_first_look() {
        for pairs in 0..5 {
            let result = judged(&vec![1.0; pairs]);
            assert_eq!(result.outcome, Undecided { next_look: 5 });
            assert_eq!(result.interval.map(|interval| interval.pairs), (pairs > 1).then_some(pairs));
            assert!(!result.is_final());
        }
    }

    #[test]
    fn equal_differences_are_decided_at_the_first_look() {
        for (difference, outcome) in [(0.0, Pass), (0.009, Pass), (0.02, Regressed), (-0.001, Improved)] {
            let result = judged(&[difference; 15]);
            assert_eq!((result.outcome, result.interval.unwrap().pairs), (outcome, 5), "{difference}");
            assert!(result.interval.unwrap().sd_ln.abs() < 1e-15);
        }
    }

    #[test]
    fn a_change_known_to_lie_between_the_thresholds_is_a_regression() {
        let interval = judged(&around(0.02, 0.001, 5)).interval.unwrap();
        assert!(
            interval.lower_ln() > RULE.regressed_beyond_ln() && interval.upper_ln() < RULE.passes_within_ln()
        );
        assert_eq!(judged(&around(0.02, 0.001, 5)).outcome, Regressed);
    }

    #[test]
    fn a_bound_has_to_lie_beyond_its_threshold_and_not_on_it() {
        let on = |percent: f64| judged(&[(percent / 100.0).ln_1p(); 5]).outcome;
        let rule = Rule { regressed_beyond_percent: 5.0, ..RULE };
        assert_eq!(on(1.0), Pass);
        let between = sequential(&[RULE.passes_within_ln(); 5], &rule).unwrap();
        assert_eq!(between.outcome, Undecided { next_look: 7 });
        assert_eq!(judged(&[0.0; 5]).outcome, Pass, "what is equal is not improved");
    }

    #[test]
    fn pairs_after_the_look_that_decided_change_nothing() {
        let mut differences = around(0.0, 0.001, 5);
        let first = judged(&differences);
        differences.extend([9.0; 10]);
        assert_eq!(judged(&differences), first);
        assert_eq!(first.outcome, Pass);
    }

    #[test]
    fn noise_is_looked_at_again_and_again_and_then_no_more() {
        let noisy = around(0.02, 0.05, 40);
        for (pairs, next) in [(5, 7), (6, 7), (7, 9), (11, 12), (14, 15)] {
            let result = judged(&noisy[..pairs]);
            assert_eq!(result.outcome, Undecided { next_look: next });
            assert_eq!(result.interval.unwrap().pairs, pairs);
        }
        let last = judged(&noisy[..15]);
        assert_eq!((last.outcome, last.is_final()), (Inconclusive, true));
        assert_eq!(judged(&noisy), last, "there are never more than fifteen");
    }

    #[test]
    fn a_difference_of_no_ratio_is_refused_with_its_pair() {
        for difference in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
            let refused = sequential(&[0.0, difference], &RULE).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Harness);
            assert!(refused.to_string().starts_with("pair `2` has a difference of"), "{refused}");
        }
    }

    #[test]
    fn a_rule_of_no_number_decides_nothing() {
        let rule = Rule { regressed_beyond_percent: f64::NAN, passes_within_percent: f64::NAN };
        assert_eq!(sequential(&[0.0; 15], &rule).unwrap().outcome, Inconclusive);
    }
}
