//! Change points of a series: the commits from which on something is slower or faster.
//!
//! E-divisive with means (Matteson and James, 2014), with a t-test for significance and in windows, as
//! Hunter (Fleming et al., 2023, <https://doi.org/10.1145/3578244.3583719>) and apache-otava do it. It
//! needs later commits, so it advises and never gates.
//!
//! 1. In windows that overlap, each stretch is split where its sides are most unlike, and the halves
//!    again, as long as a t-test at ten times the p-value that is requested finds them unlike. What this
//!    finds are candidates: a window's end may cut a stretch short.
//! 2. Over the whole series, the weakest candidate is dropped and its neighbours, whose stretches have
//!    grown, are tested again, until all that are left are below the p-value and above the magnitude.

use crate::error::{Error, Result};
use crate::judge::statistics;

/// A candidate's p-value may be so many times that of a change point.
const CANDIDATE_P_VALUES: f64 = 10.0;

/// How change points are looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Values of a window, 2 or more; the next one begins half a window later, or at the last change.
    pub window: usize,
    /// The largest p-value of a change point, above 0 and below 0.05.
    pub largest_p_value: f64,
    /// The change has to be larger than this, as a share of the smaller mean.
    pub smallest_magnitude: f64,
    /// Values that a level has at least, on each side of a change.
    pub shortest_level: usize,
}

impl Detection {
    /// As apache-otava does it.
    pub const OTAVA: Self =
        Self { window: 50, largest_p_value: 0.001, smallest_magnitude: 0.0, shortest_level: 1 };
}

impl Default for Detection {
    /// A few commits are no level yet: what rests on one of them is noise more often than not.
    fn default() -> Self {
        Self { shortest_level: 5, ..Self::OTAVA }
    }
}

/// Where a series changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The first value after the change, from 0.
    pub index: usize,
    /// Mean from the change before, or the beginning, up to this one.
    pub mean_before: f64,
    /// Mean from this one up to the next, or the end.
    pub mean_after: f64,
    /// Two-sided p-value of the difference of the two means.
    pub p_value: f64,
}

impl ChangePoint {
    /// After over before, as in 1.05; None where there is nothing before that it could be a multiple of.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.mean_after / self.mean_before).filter(|ratio| ratio.is_finite())
    }
}

/// The change points of a series, in order.
///
/// # Errors
/// A value that is no number, or settings that cannot be.
pub fn change_points(series: &[f64], detection: &Detection) -> Result<Vec<ChangePoint>> {
    if let Some(at) = series.iter().position(|value| !value.is_finite()) {
        let message = format!("value `{}` of a series at place {at} is no number", series[at]);
        return Err(Error::harness(message).hint("leave out what was not measured"));
    }
    detection.check()?;
    let mut candidates = candidates(series, detection);
    loop {
        let points = tested(series, &candidates);
        match shortest(&points, series.len(), detection).or_else(|| weakest(&points, detection)) {
            Some(at) => {
                candidates.remove(at);
            }
            None => return Ok(points.into_iter().map(|(index, sides)| point(index, sides)).collect()),
        }
    }
}

impl Detection {
    fn check(&self) -> Result<()> {
        let fault = if self.window < 2 {
            format!("a window of `{}`; it has to have 2 values or more", self.window)
        } else if !(self.largest_p_value > 0.0 && self.largest_p_value < 0.05) {
            format!("a p-value of `{}`; it has to be above 0 and below 0.05", self.largest_p_value)
        } else if !(self.smallest_magnitude >= 0.0 && self.smallest_magnitude.is_finite()) {
            format!("a magnitude of `{}`; it has to be a share of 0 or more", self.smallest_magnitude)
        } else {
            return Ok(());
        };
        Err(Error::input(format!("change points cannot be looked for with {fault}")))
    }
}

fn candidates(series: &[f64], detection: &Detection) -> Vec<usize> {
    let largest_p_value = detection.largest_p_value * CANDIDATE_P_VALUES;
    let mut found = Vec::new();
    let mut start = 0;
    while start < series.len() {
        let end = series.len().min(start + detection.window);
        let within = within_window(&series[start..end], largest_p_value);
        let next = start + detection.window / 2;
        let last = within.last().map(|last| start + last);
        found.extend(within.iter().map(|index| start + index));
        start = last.map_or(next, |last| last.max(next));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Splits one window again and again: always at the split of all stretches whose sides are most unlike.
fn within_window(window: &[f64], largest_p_value: f64) -> Vec<usize> {
    let distances = Distances::of(window);
    let mut found: Vec<usize> = Vec::new();
    loop {
        let mut best: Option<(Split, usize, usize)> = None;
        for (start, end) in stretches(&found, window.len()) {
            let split = distances.best_split(start, end);
            let Some(split) = split else { continue };
            if best.is_none_or(|(best, ..)| split.divergence > best.divergence) {
                best = Some((split, start, end));
            }
        }
        let Some((split, start, end)) = best else { return found };
        let sides = Sides::compare(&window[start..split.at], &window[split.at..end]);
        if sides.p_value > largest_p_value {
            return found;
        }
        let place = found.partition_point(|index| *index < split.at);
        found.insert(place, split.at);
    }
}

/// Each candidate with what lies between it and its neighbours.
fn tested(series: &[f64], candidates: &[usize]) -> Vec<(usize, Sides)> {
    let stretches: Vec<(usize, usize)> = stretches(candidates, series.len()).collect();
    let pairs = stretches.windows(2).map(|pair| {
        let ((start, at), (_, end)) = (pair[0], pair[1]);
        (at, Sides::compare(&series[start..at], &series[at..end]))
    });
    pairs.collect()
}

/// The less significant end of the first level that is too short; None where there is none.
fn shortest(points: &[(usize, Sides)], len: usize, detection: &Detection) -> Option<usize> {
    let indices: Vec<usize> = points.iter().map(|(index, _)| *index).collect();
    let short = stretches(&indices, len).position(|(start, end)| end - start < detection.shortest_level)?;
    let ends = short.saturating_sub(1)..points.len().min(short + 1);
    ends.max_by(|one, other| points[*one].1.p_value.total_cmp(&points[*other].1.p_value))
}

/// The one to be dropped: the least significant, or of significant ones the smallest; None where all
/// stay. Of equal ones it is the first.
fn weakest(points: &[(usize, Sides)], detection: &Detection) -> Option<usize> {
    let by = |weakness: fn(&Sides) -> f64| {
        let weaknesses = points.iter().map(|(_, sides)| weakness(sides)).enumerate();
        weaknesses.reduce(|weakest, other| if other.1 > weakest.1 { other } else { weakest })
    };
    let (least, p_value) = by(|sides| sides.p_value)?;
    if p_value >= detection.largest_p_value {
        return Some(least);
    }
    let (smallest, negative) = by(|sides| -sides.magnitude())?;
    (-negative <= detection.smallest_magnitude).then_some(smallest)
}

/// What lies between the indices, from the beginning to the end.
fn stretches(indices: &[usize], len: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let ends = indices.iter().copied().chain([len]);
    let starts = [0].into_iter().chain(indices.iter().copied());
    starts.zip(ends)
}

fn point(index: usize, sides: Sides) -> ChangePoint {
    let Sides { mean_before, mean_after, p_value } = sides;
    ChangePoint { index, mean_before, mean_after, p_value }
}

/// The series' distances, summed so that every split is found in one step.
struct Distances {
    /// At `[k][i]`, the sum of the distances from value `k` of all values before `i`.
    sums: Vec<Vec<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Split {
    /// The first value of the right side.
    at: usize,
    /// How unlike the two sides are.
    divergence: f64,
}

impl Distances {
    fn of(series: &[f64]) -> Self {
        let sums = series.iter().map(|one| {
            let distances = series.iter().map(|other| (other - one).abs());
            let mut sums = vec![0.0];
            sums.extend(distances.scan(0.0, |sum, distance| {
                *sum += distance;
                Some(*sum)
            }));
            sums
        });
        Self { sums: sums.collect() }
    }

    /// The split of the stretch from `start` up to `end` whose sides are most unlike. The right side may
    /// end before the stretch does, so that a passing change is not averaged away. Of equal ones it is the
    /// first with the shortest right side. None where there are fewer than two values.
    ///
    /// For a left side of `n` values and a right side of `m` this is, with the distances between the
    /// sides and within each, every pair once,
    /// `2 / (m + n) * between - 2 m / ((m + n) (n - 1)) * left - 2 n / ((m + n) (m - 1)) * right`:
    /// the divergence of Matteson and James (2014, Journal of the American Statistical Association 109,
    /// equations 5 to 8) with exponent 1. A side of one value has no distances within.
    fn best_split(&self, start: usize, end: usize) -> Option<Split> {
        let mut best: Option<Split> = None;
        let mut left = 0.0;
        for at in start + 1..end {
            left += self.from(at - 1, start, at - 1);
            let (mut between, mut right) = (0.0, 0.0);
            for last in at..end {
                between += self.from(last, start, at);
                right += self.from(last, at, last);
                let (n, m) = ((at - start) as f64, (last + 1 - at) as f64);
                let divergence =
                    2.0 / (m + n) * (between - m * mean_share(left, n) - n * mean_share(right, m));
                if best.is_none_or(|best| divergence > best.divergence) {
                    best = Some(Split { at, divergence });
                }
            }
        }
        best
    }

    fn from(&self, of: usize, start: usize, end: usize) -> f64 {
        self.sums[of][end] - self.sums[of][start]
    }
}

/// Distances within a side by its size less one; nothing for a side of one value.
fn mean_share(within: f64, size: f64) -> f64 {
    if size > 1.0 { within / (size - 1.0) } else { 0.0 }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Sides {
    mean_before: f64,
    mean_after: f64,
    /// Two-sided p-value of Student's t-test, 0 to 1.
    p_value: f64,
}

impl Sides {
    /// Compares two stretches of one value or more each.
    ///
    /// Student's test with pooled variance. As in otava, deviations are those of the values themselves
    /// (divisor `n`), weighted by `n - 1`: a little smaller than of a sample, so that short stretches
    /// count a little sooner. Two values alone show nothing. Without any noise a difference is certain,
    /// and equal means are equal.
    fn compare(left: &[f64], right: &[f64]) -> Self {
        let (mean_before, mean_after) = (mean(left), mean(right));
        let (n, m) = (left.len() as f64, right.len() as f64);
        let degrees_of_freedom = n + m - 2.0;
        let weighted = variance(left, mean_before) * (n - 1.0) + variance(right, mean_after) * (m - 1.0);
        let error = (weighted / degrees_of_freedom * (1.0 / n + 1.0 / m)).sqrt();
        // Equal means without noise give 0 / 0, which has no share above it.
        let t = ((mean_after - mean_before) / error).abs();
        let share_above = statistics::share_above(t, degrees_of_freedom);
        Self { mean_before, mean_after, p_value: share_above.map_or(1.0, |share| 2.0 * share) }
    }

    /// The change as a share of the smaller mean: the larger one of what it is forwards and backwards.
    fn magnitude(&self) -> f64 {
        let share = |from: f64, to: f64| if from == 0.0 { 0.0 } else { (to / from - 1.0).abs() };
        share(self.mean_before, self.mean_after).max(share(self.mean_after, self.mean_before))
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64], mean: f64) -> f64 {
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn by_definition(series: &[f64], at: usize, end: usize) -> f64 {
        let (left, right) = (&series[..at], &series[at..end]);
        let (n, m) = (left.len() as f64, right.len() as f64);
        let between: f64 = left.iter().flat_map(|x| right.iter().map(move |y| (x - y).abs())).sum();
        let within = |side: &[f64]| -> f64 {
            let pairs =
                side.iter().enumerate().flat_map(|(i, x)| side[i + 1..].iter().map(move |y| (x - y).abs()));
            let all: f64 = pairs.sum();
            if side.len() > 1 { all / (side.len() * (side.len() - 1) / 2) as f64 } else { 0.0 }
        };
        m * n / (m + n) * (2.0 / (m * n) * between - within(left) - within(right))
    }

    #[test]
    fn the_best_split_is_the_largest_divergence_by_its_definition() {
        let series: Vec<f64> =
            (0..40_u32).map(|i| f64::from(i * i * 7 % 31) + f64::from(i / 17) * 9.0).collect();
        let distances = Distances::of(&series);
        for len in 2..series.len() {
            let split = distances.best_split(0, len).unwrap();
            let all = (1..len).flat_map(|at| (at + 1..=len).map(move |end| (at, end)));
            let largest = all.map(|(at, end)| by_definition(&series, at, end)).fold(f64::MIN, f64::max);
            assert!((split.divergence - largest).abs() < 1e-9, "{len}: {split:?}, not {largest}");
        }
    }

    #[test]
    fn a_stretch_is_split_as_if_it_were_alone() {
        let series = [9.0, 1.0, 1.0, 5.0, 5.0, 5.0, 0.0];
        let alone = Distances::of(&series[1..6]).best_split(0, 5).unwrap();
        let within = Distances::of(&series).best_split(1, 6).unwrap();
        assert_eq!((within.at, alone.at), (3, 2));
        assert!((within.divergence - alone.divergence).abs() < 1e-12);
    }

    #[test]
    fn a_single_value_has_no_split() {
        assert_eq!(Distances::of(&[1.0, 2.0]).best_split(0, 1), None);
        assert_eq!(Distances::of(&[]).best_split(0, 0), None);
    }

    /// By scipy 1.16.3: `ttest_ind_from_stats` of numpy's `mean` and `std`.
    #[test]
    fn the_p_value_is_that_of_another_library() {
        let sides = Sides::compare(&[1.0, 1.2, 0.9, 1.1], &[1.3, 1.4, 1.25, 1.5, 1.35]);
        assert!((sides.p_value / 0.002_157_515_973_209_910_7 - 1.0).abs() < 1e-9, "{sides:?}");
        assert!((sides.mean_before - 1.05).abs() < 1e-12 && (sides.mean_after - 1.36).abs() < 1e-12);
        assert!((sides.magnitude() - (1.36 / 1.05 - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn without_noise_a_difference_is_certain_and_equal_means_are_equal() {
        let p_value = |left: &[f64], right: &[f64]| Sides::compare(left, right).p_value;
        assert_eq!(p_value(&[1.0, 1.0], &[2.0, 2.0]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(p_value(&[1.0, 1.0], &[1.0]).to_bits(), 1.0_f64.to_bits());
        assert_eq!(p_value(&[1.0], &[2.0]).to_bits(), 1.0_f64.to_bits(), "two values tell nothing");
    }

    #[test]
    fn a_mean_of_nothing_has_no_share() {
        assert!((Sides::compare(&[0.0, 0.0], &[3.0, 3.0]).magnitude() - 1.0).abs() < 1e-12);
    }

    #[derive(Deserialize)]
    struct Fixture {
        series: Vec<f64>,
        change_indices: Vec<usize>,
    }

    macro_rules! fixtures {
        ($($name:literal),+ $(,)?) => {
            [$(($name, include_str!(concat!("../../fixtures/change-points/", $name, ".json")))),+]
        };
    }

    /// Every one that otava answers as we do.
    const ALIKE: [(&str, &str); 19] = fixtures![
        "constant",
        "drift",
        "flat",
        "late-step",
        "near-zero",
        "noise-grows",
        "noiseless-step",
        "one-value",
        "short-step",
        "small-step",
        "spikes",
        "stairs",
        "step",
        "two-steps",
        "two-values",
        "up-and-back",
        "walk-a",
        "walk-b",
        "walk-c",
    ];
    /// Where otava goes by a p-value that no longer holds; the folder's README says how.
    const UNLIKE: [(&str, &str); 2] = fixtures!["stale-neighbour-a", "stale-neighbour-b"];

    fn read(text: &str) -> Fixture {
        serde_json::from_str(text).unwrap()
    }

    fn found(series: &[f64]) -> Vec<usize> {
        let points = change_points(series, &Detection::OTAVA).unwrap();
        points.iter().map(|point| point.index).collect()
    }

    #[test]
    fn our_change_points_are_those_of_otava() {
        for (name, text) in ALIKE {
            let fixture = read(text);
            assert_eq!(found(&fixture.series), fixture.change_indices, "{name}");
        }
    }

    #[test]
    fn a_neighbour_of_a_dropped_candidate_is_tested_again_on_either_side() {
        let ours = [vec![71, 103], vec![28, 79, 103]];
        let theirs = [vec![103], vec![15, 28, 79, 103]];
        for (((name, text), ours), theirs) in UNLIKE.into_iter().zip(ours).zip(theirs) {
            let fixture = read(text);
            assert_eq!((found(&fixture.series), fixture.change_indices), (ours, theirs), "{name}");
        }
    }

    #[test]
    fn every_change_point_holds_between_its_neighbours() {
        for (name, text) in ALIKE.into_iter().chain(UNLIKE) {
            let series = read(text).series;
            let points = change_points(&series, &Detection::OTAVA).unwrap();
            let ends: Vec<usize> = points.iter().map(|point| point.index).chain([series.len()]).collect();
            let mut start = 0;
            for (at, point) in points.iter().enumerate() {
                let sides = Sides::compare(&series[start..point.index], &series[point.index..ends[at + 1]]);
                assert!(
                    point.p_value < 0.001 && point.p_value.to_bits() == sides.p_value.to_bits(),
                    "{name}"
                );
                start = point.index;
            }
        }
    }

    #[test]
    fn a_change_point_tells_what_was_before_and_after() {
        let point = change_points(&[[40.0; 30], [44.0; 30]].concat(), &Detection::OTAVA).unwrap()[0];
        assert_eq!((point.index, point.mean_before, point.mean_after, point.p_value), (30, 40.0, 44.0, 0.0));
        assert!((point.ratio().unwrap() - 1.1).abs() < 1e-12);
        assert_eq!(ChangePoint { mean_before: 0.0, ..point }.ratio(), None);
    }

    #[test]
    fn a_change_too_small_to_matter_is_dropped() {
        let series = [[40.0; 30], [40.4; 30], [44.0; 30]].concat();
        let beyond = |smallest_magnitude| {
            let detection = Detection { smallest_magnitude, ..Detection::OTAVA };
            let points = change_points(&series, &detection).unwrap();
            points.iter().map(|point| point.index).collect::<Vec<_>>()
        };
        assert_eq!(beyond(0.0), [30, 60]);
        assert_eq!(beyond(0.02), [60]);
        assert!(beyond(0.2).is_empty());
    }

    #[test]
    fn a_series_without_values_has_no_change() {
        assert!(found(&[]).is_empty());
        assert!(found(&[1.0, 1.0, 1.0]).is_empty());
    }

    #[test]
    fn what_is_no_number_and_what_cannot_be_looked_for_is_refused() {
        for value in [f64::NAN, f64::INFINITY] {
            let refused = change_points(&[1.0, value], &Detection::OTAVA).unwrap_err().to_string();
            assert!(refused.ends_with("of a series at place 1 is no number"), "{refused}");
        }
        let default = Detection::OTAVA;
        for detection in [
            Detection { window: 1, ..default },
            Detection { largest_p_value: 0.05, ..default },
            Detection { largest_p_value: f64::NAN, ..default },
            Detection { smallest_magnitude: -0.1, ..default },
        ] {
            assert!(change_points(&[1.0], &detection).is_err(), "{detection:?}");
        }
    }

    #[test]
    fn a_level_has_at_least_five_values_on_each_side_of_a_change() {
        let wave = |level: f64, count: usize| (0..count).map(move |at| level + 0.1 * (at % 3) as f64);
        let found = |series: Vec<f64>| {
            let points = change_points(&series, &Detection::default()).unwrap();
            points.iter().map(|point| point.index).collect::<Vec<_>>()
        };
        assert_eq!(found(wave(60.0, 2).chain(wave(50.0, 12)).collect()), [] as [usize; 0]);
        assert_eq!(found(wave(50.0, 12).chain(wave(60.0, 4)).collect()), [] as [usize; 0]);
        assert_eq!(found(wave(50.0, 12).chain(wave(60.0, 5)).collect()), [12]);
        // The outlier before the step takes nothing from it.
        let step = wave(50.0, 12).chain([90.0]).chain(wave(60.0, 12));
        assert_eq!(found(step.collect()).len(), 1);
    }
}
