//! Change points of a series: the commits from which on something is slower or faster.
//!
//! E-divisive with means (Matteson and James, 2014), with a t-test for significance and in windows, as
//! Hunter (Fleming et al., 2023, <https://doi.org/10.1145/3578244.3583719>) and apache-otava do it. It
//! needs later commits to tell, so it advises and never gates.
//!
//! 1. In windows that overlap, each stretch is split where its sides are most unlike, and the halves
//!    again, as long as a t-test at ten times the p-value that is requested finds them unlike. What this
//!    finds are candidates: a window's end may cut a stretch short.
//! 2. Over the whole series, the weakest candidate is dropped and its neighbours, whose stretches have
//!    grown, are tested anew, until all that are left are below the p-value and above the magnitude.

mod divergence;
mod significance;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use divergence::{Distances, Split};
use significance::Sides;

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
    #[must_use]
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

/// The change points of all windows, as indices in order.
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
