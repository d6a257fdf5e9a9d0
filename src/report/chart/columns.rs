//! Many points in few columns, so that a chart of ten thousand is as small as one of hundreds.

use std::ops::Range;

/// How positions share columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    positions: usize,
    columns: usize,
}

impl Columns {
    /// Each position has a column of its own, or as many share one as they must.
    pub(super) fn new(positions: usize, most: usize) -> Self {
        Self { positions, columns: positions.min(most.max(1)) }
    }

    /// Whether positions share columns.
    pub(super) fn are_shared(&self) -> bool {
        self.positions > self.columns
    }

    /// Positions that share one at most.
    pub(super) fn most_in_one(&self) -> usize {
        self.positions.div_ceil(self.columns.max(1))
    }

    /// The positions of each column.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let Self { positions, columns } = *self;
        (0..columns).map(move |column| column * positions / columns..(column + 1) * positions / columns)
    }
}

/// The middle of the positions.
pub(super) fn middle(range: &Range<usize>) -> f64 {
    (range.start + range.end.saturating_sub(1)) as f64 / 2.0
}

/// The mean of what there is; none where there is nothing.
pub(super) fn mean(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut count = 0_u32;
    let mut sum = 0.0;
    for figure in figures.flatten() {
        count += 1;
        sum += figure;
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// The largest of what there is.
pub(super) fn largest(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    figures.flatten().reduce(f64::max)
}

/// The smallest of what there is.
pub(super) fn smallest(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    figures.flatten().reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_is_in_exactly_one_column() {
        for positions in [0, 1, 7, 600, 601, 10_000] {
            let columns = Columns::new(positions, 600);
            assert!(columns.ranges().count() <= 600);
            let all: Vec<usize> = columns.ranges().flatten().collect();
            assert_eq!(all, (0..positions).collect::<Vec<_>>());
            assert!(columns.ranges().all(|range| (1..=columns.most_in_one()).contains(&range.len())));
        }
    }

    #[test]
    fn what_is_missing_does_not_count() {
        let figures = [Some(1.0), None, Some(3.0)];
        assert_eq!(mean(figures.into_iter()), Some(2.0));
        assert_eq!(mean([None].into_iter()), None);
        assert_eq!(largest(figures.into_iter()), Some(3.0));
        assert_eq!(smallest(figures.into_iter()), Some(1.0));
    }
}
