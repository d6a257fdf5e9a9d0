//! How unlike two neighbouring stretches of a series are, and where they are most so.

/// The series' distances, summed so that every split is found in one step.
pub(super) struct Distances {
    /// At `[k][i]`, the sum of the distances from value `k` of all values before `i`.
    sums: Vec<Vec<f64>>,
}

/// The place that splits a stretch best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    /// The first value of the right side.
    pub(super) at: usize,
    /// How unlike the two sides are.
    pub(super) divergence: f64,
}

impl Distances {
    pub(super) fn of(series: &[f64]) -> Self {
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
    pub(super) fn best_split(&self, start: usize, end: usize) -> Option<Split> {
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

    /// The sum of the distances of the value at `of` from those at `start` up to `end`.
    fn from(&self, of: usize, start: usize, end: usize) -> f64 {
        self.sums[of][end] - self.sums[of][start]
    }
}

/// Distances within a side by its size less one; nothing for a side of one value.
fn mean_share(within: f64, size: f64) -> f64 {
    if size > 1.0 { within / (size - 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by its definition, each sum written out.
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
}
