//! The paired test: looked at after so many pairs, each look with a bound of its own.
//!
//! A pair is ln(head / base), mean over the prompts. Its process is the unit of replication: two processes
//! side by side share the machine's drift, and what is left is noise that pairs average away. The looks are
//! declared beforehand, and their bounds are wide enough that looking five times errs in 1 % of sessions.

use crate::judge::student::t_critical;

/// One look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// After so many pairs.
    pub pairs: usize,
    /// The one-sided bound of Student's t, with one degree of freedom less than pairs.
    pub t_critical: f64,
}

/// One-sided error of each look; five of them make 1 % a side, for they are not independent.
pub const LOOK_ALPHA: f64 = 0.0029;

/// When pairs are looked at. A test derives the bounds again from [`LOOK_ALPHA`].
pub const LOOKS: [Look; 5] = [
    Look { pairs: 5, t_critical: 5.372 },
    Look { pairs: 7, t_critical: 4.182 },
    Look { pairs: 9, t_critical: 3.729 },
    Look { pairs: 12, t_critical: 3.412 },
    Look { pairs: 15, t_critical: 3.251 },
];

/// What matters and what does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// A slow-down that is shown to be more than this is a regression, percent.
    pub regressed_beyond_percent: f64,
    /// Where a slow-down of this or more is excluded the head passes, percent.
    pub passes_within_percent: f64,
}

/// A mean of ln(head / base) with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Pairs.
    pub pairs: usize,
    /// Their mean.
    pub mean_ln: f64,
    /// Their standard deviation.
    pub sd_ln: f64,
    /// The bound of t.
    pub t_critical: f64,
}

impl Interval {
    /// Lower bound of the mean.
    #[must_use]
    pub fn lower_ln(&self) -> f64 {
        self.mean_ln - self.half_width_ln()
    }

    /// Upper bound of the mean.
    #[must_use]
    pub fn upper_ln(&self) -> f64 {
        self.mean_ln + self.half_width_ln()
    }

    /// Geometric mean of head / base.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.mean_ln.exp()
    }

    /// Its lower bound.
    #[must_use]
    pub fn lower(&self) -> f64 {
        self.lower_ln().exp()
    }

    /// Its upper bound.
    #[must_use]
    pub fn upper(&self) -> f64 {
        self.upper_ln().exp()
    }

    fn half_width_ln(&self) -> f64 {
        self.t_critical * self.standard_error_ln()
    }

    pub(super) fn standard_error_ln(&self) -> f64 {
        self.sd_ln / (self.pairs as f64).sqrt()
    }
}

/// The interval of some pairs at this one-sided error; None for fewer than two, or for one that is no
/// number.
#[must_use]
pub fn interval_at(differences_ln: &[f64], alpha: f64) -> Option<Interval> {
    let pairs = differences_ln.len();
    interval(differences_ln, t_critical(alpha, pairs.checked_sub(1)?)?)
}

fn interval(differences_ln: &[f64], t_critical: f64) -> Option<Interval> {
    let pairs = differences_ln.len();
    if pairs < 2 || differences_ln.iter().any(|it| !it.is_finite()) {
        return None;
    }
    let count = pairs as f64;
    let mean_ln = differences_ln.iter().sum::<f64>() / count;
    let squares: f64 = differences_ln.iter().map(|it| (it - mean_ln).powi(2)).sum();
    Some(Interval { pairs, mean_ln, sd_ln: (squares / (count - 1.0)).sqrt(), t_critical })
}

/// What pairs come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequentialWord {
    /// Slower by more than matters.
    Regressed,
    /// Faster.
    Improved,
    /// A slow-down that matters is excluded.
    Pass,
    /// No look has decided yet.
    Undecided {
        /// The pairs of the next one.
        next_look: usize,
    },
    /// The last look has not decided either.
    Inconclusive,
}

/// What pairs come to, and the interval by which they do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialResult {
    /// The word.
    pub word: SequentialWord,
    interval: Option<Interval>,
}

impl SequentialResult {
    /// The interval of the look that decided, or of all pairs where none has; None for fewer than two
    /// pairs.
    #[must_use]
    pub fn interval(&self) -> Option<&Interval> {
        self.interval.as_ref()
    }

    /// Whether further pairs may decide.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.next_look().is_some()
    }

    /// The pairs of the next look, where further ones may decide.
    #[must_use]
    pub fn next_look(&self) -> Option<usize> {
        match self.word {
            SequentialWord::Undecided { next_look } => Some(next_look),
            _ => None,
        }
    }
}

/// Takes the looks in order; the first that decides is the answer, and pairs beyond it change nothing.
/// A difference that is no number decides nothing.
#[must_use]
pub fn sequential(differences_ln: &[f64], rule: &Rule) -> SequentialResult {
    let regressed_ln = (rule.regressed_beyond_percent / 100.0).ln_1p();
    let passes_ln = (rule.passes_within_percent / 100.0).ln_1p();
    let mut last = None;
    for look in LOOKS {
        let Some(pairs) = differences_ln.get(..look.pairs) else {
            let interval = interval_at(differences_ln, LOOK_ALPHA);
            return SequentialResult { word: SequentialWord::Undecided { next_look: look.pairs }, interval };
        };
        let Some(interval) = interval(pairs, look.t_critical) else { continue };
        let word = if interval.lower_ln() > regressed_ln {
            Some(SequentialWord::Regressed)
        } else if interval.upper_ln() < passes_ln {
            Some(if interval.upper_ln() < 0.0 { SequentialWord::Improved } else { SequentialWord::Pass })
        } else {
            None
        };
        if let Some(word) = word {
            return SequentialResult { word, interval: Some(interval) };
        }
        last = Some(interval);
    }
    SequentialResult { word: SequentialWord::Inconclusive, interval: last }
}

/// The smallest slow-down that as many pairs of this spread show to be one in four of five sessions,
/// percent: the bound of the look and the quantile of t at 80 %, in standard errors. Beyond it comes what
/// does not matter.
#[must_use]
pub fn smallest_seen_percent(interval: &Interval, rule: &Rule) -> f64 {
    let power = t_critical(0.2, interval.pairs.saturating_sub(1)).unwrap_or(0.0);
    let beyond_ln = (interval.t_critical + power) * interval.standard_error_ln();
    ((rule.regressed_beyond_percent / 100.0).ln_1p() + beyond_ln).exp_m1() * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { regressed_beyond_percent: 1.0, passes_within_percent: 3.0 };

    /// Pairs of this mean that differ by so much in turns.
    fn pairs(count: usize, mean_percent: f64, swing_percent: f64) -> Vec<f64> {
        let swing = |at: usize| if at.is_multiple_of(2) { swing_percent } else { -swing_percent };
        (0..count).map(|at| (mean_percent / 100.0).ln_1p() + swing(at) / 100.0).collect()
    }

    #[test]
    fn the_bounds_are_those_of_student_s_t_at_the_error_of_a_look() {
        for look in LOOKS {
            let derived = t_critical(LOOK_ALPHA, look.pairs - 1).unwrap();
            assert!((derived - look.t_critical).abs() < 6e-3, "{} pairs: {derived}", look.pairs);
        }
    }

    #[test]
    fn the_first_look_that_decides_is_the_answer_whatever_comes_after() {
        let mut slower = pairs(5, 10.0, 0.5);
        assert_eq!(sequential(&slower, &RULE).word, SequentialWord::Regressed);
        slower.extend(pairs(10, -50.0, 0.5));
        let later = sequential(&slower, &RULE);
        assert_eq!((later.word, later.interval().unwrap().pairs), (SequentialWord::Regressed, 5));
        assert_eq!(sequential(&pairs(5, 0.0, 0.5), &RULE).word, SequentialWord::Pass);
        assert_eq!(sequential(&pairs(5, -10.0, 0.5), &RULE).word, SequentialWord::Improved);
    }

    #[test]
    fn between_looks_nothing_is_decided_and_the_next_one_is_named() {
        assert_eq!(sequential(&[], &RULE).next_look(), Some(5));
        let four = sequential(&pairs(4, 100.0, 0.1), &RULE);
        assert_eq!((four.next_look(), four.interval().unwrap().pairs), (Some(5), 4));
        assert_eq!(sequential(&pairs(8, 2.0, 3.0), &RULE).next_look(), Some(9));
    }

    #[test]
    fn after_the_last_look_it_is_inconclusive_with_what_was_learnt() {
        let result = sequential(&pairs(15, 2.0, 3.0), &RULE);
        assert_eq!((result.word, result.is_undecided()), (SequentialWord::Inconclusive, false));
        assert!(result.interval().unwrap().upper() > 1.03);
    }

    #[test]
    fn pairs_without_any_spread_decide_and_what_is_no_number_does_not() {
        assert_eq!(sequential(&[0.0; 5], &RULE).word, SequentialWord::Pass);
        assert_eq!(sequential(&[0.1; 5], &RULE).word, SequentialWord::Regressed);
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let result = sequential(&[wrong; 15], &RULE);
            assert_eq!((result.word, result.interval()), (SequentialWord::Inconclusive, None));
        }
    }

    #[test]
    fn a_regression_is_tested_first_and_needs_more_than_what_does_not_matter() {
        assert_eq!(sequential(&pairs(5, 2.0, 0.01), &RULE).word, SequentialWord::Regressed);
        assert_eq!(sequential(&pairs(5, 0.9, 0.01), &RULE).word, SequentialWord::Pass);
    }

    #[test]
    fn what_could_have_been_seen_shrinks_with_more_pairs_and_less_noise() {
        let seen = |count, swing| {
            let result = sequential(&pairs(count, 2.0, swing), &RULE);
            smallest_seen_percent(result.interval().unwrap(), &RULE)
        };
        assert!(seen(15, 3.0) < seen(4, 3.0));
        assert!(seen(15, 1.5) < seen(15, 3.0));
        assert!((seen(15, 0.0) - 1.0).abs() < 1e-9, "without noise all that matters is seen");
    }
}
