//! The looks at a growing number of pairs, fixed before the first of them is measured.

use crate::judge::student;

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
    #[must_use]
    pub fn at(pairs: usize) -> Option<Self> {
        if let Some(look) = LOOKS.iter().find(|look| look.pairs == pairs) {
            return Some(*look);
        }
        let degrees_of_freedom = pairs.checked_sub(1)? as f64;
        let t_critical = student::quantile(1.0 - LOOK_ALPHA, degrees_of_freedom)?;
        Some(Self { pairs, t_critical })
    }

    /// Pairs of the first look after so many; None after the last.
    #[must_use]
    pub fn pairs_after(pairs: usize) -> Option<usize> {
        LOOKS.iter().map(|look| look.pairs).find(|next| *next > pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_critical_values_follow_from_the_t_distribution_and_alpha() {
        for look in LOOKS {
            let derived = student::quantile(1.0 - LOOK_ALPHA, (look.pairs - 1) as f64).unwrap();
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
}
