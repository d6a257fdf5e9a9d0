//! Whether a generation ran at one pace, or grew slower or faster than its growing KV cache explains.

/// So many decode steps at either end are compared.
const STEPS: usize = 50;
/// A pace that changed by more than this share is a ramp.
pub const RAMP_SHARE: f64 = 0.03;
/// The most that a growing KV cache is taken to explain between the two ends, as a share of the pace.
/// In GPT-OSS-20B 150 tokens add some 7 MB to the about 2 GB that a step reads anyway: far below this.
const KV_GROWTH_SHARE: f64 = 0.05;

/// How the pace of one generation changed. Its id as a warning is [`Pace::WARNING_ID`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Mean time of the last 50 decode steps over that of the first 50, minus 1.
    pub change_share: f64,
    /// The part of it that a growing KV cache explains.
    pub explained_share: f64,
}

impl Pace {
    /// The id of the warning.
    pub const WARNING_ID: &'static str = "ramp";

    /// The pace of a generation, from the times at which its tokens were known, ns. None where there
    /// are fewer than 150 decode steps: with no middle between the ends there is nothing to explain
    /// them by.
    ///
    /// A growing KV cache makes steps longer, and all of them alike: linearly, from the first to the
    /// last. So the middle, between the two ends, shows its slope: the median of the slopes between
    /// every two of its steps (Theil and Sen), which single stalls do not move. What this slope
    /// predicts from the centre of the first 50 to the centre of the last 50 is explained, within
    /// three bounds. It is not below 0, for a cache does not shrink. It is not above 5 % of the pace,
    /// or else a machine that slows down evenly would pass for a growing cache. And it does not go
    /// beyond the change itself, so that noise in the slope can excuse a ramp but never make one.
    #[must_use]
    pub fn of(token_ns: &[u64]) -> Option<Self> {
        let steps: Vec<f64> =
            token_ns.windows(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64).collect();
        if steps.len() < 3 * STEPS {
            return None;
        }
        let (first, rest) = steps.split_at(STEPS);
        let (middle, last) = rest.split_at(rest.len() - STEPS);
        let (first, last) = (mean(first), mean(last));
        if first <= 0.0 {
            return None;
        }
        let change_share = last / first - 1.0;
        let between_centres = (steps.len() - STEPS) as f64;
        let predicted = (slope(middle) * between_centres / first).clamp(0.0, KV_GROWTH_SHARE);
        let explained_share = predicted.min(change_share.max(0.0));
        Some(Self { change_share, explained_share })
    }

    /// Whether more than [`RAMP_SHARE`] is left unexplained, in either direction.
    #[must_use]
    pub fn is_ramp(self) -> bool {
        (self.change_share - self.explained_share).abs() > RAMP_SHARE
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The median of the slopes between every two values; `values` has two or more.
fn slope(values: &[f64]) -> f64 {
    let mut slopes: Vec<f64> = Vec::with_capacity(values.len() * values.len() / 2);
    for (at, one) in values.iter().enumerate() {
        let later = values[at + 1..].iter().enumerate();
        slopes.extend(later.map(|(distance, other)| (other - one) / (distance + 1) as f64));
    }
    slopes.sort_unstable_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 200 tokens at the published speed, each step so many ten-thousandths of it long.
    fn pace(parts: impl Fn(u64) -> u64) -> Pace {
        let mut token_ns = vec![5_000_000_000];
        for step in 0..199 {
            token_ns.push(token_ns[token_ns.len() - 1] + 4_700 * parts(step));
        }
        Pace::of(&token_ns).unwrap()
    }

    const EVEN: u64 = 10_000;

    #[test]
    fn an_even_pace_is_no_ramp() {
        let even = pace(|_| EVEN);
        assert!(even.change_share.abs() < 1e-12 && !even.is_ramp());
    }

    #[test]
    fn a_growing_cache_is_no_ramp() {
        let growing = pace(|step| EVEN + 3 * step);
        assert!(growing.change_share > 0.04, "{growing:?}");
        assert!(!growing.is_ramp(), "{growing:?}");
    }

    #[test]
    fn a_machine_that_slows_down_evenly_does_not_pass_for_a_cache() {
        assert!(pace(|step| EVEN + 10 * step).is_ramp());
    }

    #[test]
    fn a_change_at_either_end_is_a_ramp() {
        let end = |parts| pace(|step| if step < 149 { EVEN } else { parts });
        assert!(end(10_350).is_ramp());
        assert!(!end(10_250).is_ramp());
        assert!(pace(|step| if step < 50 { 10_400 } else { EVEN }).is_ramp(), "it grew faster");
    }

    #[test]
    fn a_pace_that_falls_is_not_explained_by_a_cache() {
        let falling = pace(|step| EVEN - 3 * step);
        assert!(falling.explained_share.abs() < 1e-12 && falling.is_ramp(), "{falling:?}");
    }

    #[test]
    fn stalls_in_the_middle_neither_make_nor_excuse_a_ramp() {
        let stalled = |end: u64| {
            pace(move |step| match step {
                149.. => end,
                60 | 135..140 => 5 * EVEN,
                _ => EVEN,
            })
        };
        assert!(!stalled(EVEN).is_ramp());
        let late = stalled(11_000);
        assert!(late.is_ramp() && late.explained_share.abs() < 1e-12, "{late:?}");
    }

    #[test]
    fn a_slope_in_the_middle_alone_makes_no_ramp() {
        let hill = pace(|step| if (50..149).contains(&step) { EVEN + 10 * (step - 50) } else { EVEN });
        assert!(!hill.is_ramp(), "{hill:?}");
    }

    #[test]
    fn a_short_generation_is_not_judged() {
        let even = |tokens: u64| (0..tokens).map(|at| at * 1_000).collect::<Vec<u64>>();
        assert_eq!(Pace::of(&even(150)), None);
        assert!(Pace::of(&even(151)).is_some());
        assert_eq!(Pace::of(&[]), None);
        assert_eq!(Pace::of(&[7; 200]), None, "a clock that stands still shows no pace");
    }
}
