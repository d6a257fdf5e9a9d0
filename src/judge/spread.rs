//! Mean and standard deviation of a handful of values.

/// What few values tell of the many that they stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// How many values there are, 2 or more.
    pub count: usize,
    /// Their mean, in their unit.
    pub mean: f64,
    /// Their standard deviation (divisor `count - 1`), in their unit.
    pub sd: f64,
}

impl Spread {
    /// The spread of finite values; None where there are fewer than two.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count < 2 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self { count, mean, sd: (squares / (count - 1) as f64).sqrt() })
    }

    /// The standard error of the mean.
    #[must_use]
    pub fn standard_error(self) -> f64 {
        self.sd / (self.count as f64).sqrt()
    }

    /// Degrees of freedom of its t.
    #[must_use]
    pub fn degrees_of_freedom(self) -> f64 {
        (self.count - 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_of_a_sample_divides_by_one_less() {
        let spread = Spread::of(&[2.0, 4.0, 4.0, 6.0]).unwrap();
        assert!((spread.mean - 4.0).abs() < 1e-12 && (spread.sd - (8.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((spread.standard_error() - spread.sd / 2.0).abs() < 1e-12);
        assert!((spread.degrees_of_freedom() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_single_value_has_no_spread() {
        assert_eq!(Spread::of(&[1.0]), None);
        assert_eq!(Spread::of(&[]), None);
    }
}
